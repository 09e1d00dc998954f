package cloudtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// The versions that make installs.
const (
	versity = "versitygw-v1.8.0"
	minio   = "minio-v0.0.0-20260212201848-7aac2a2c5b7c"
)

// S3 is a server that speaks S3's protocol, for one test.
type S3 struct {
	Endpoint  string // http://127.0.0.1:port
	AccessKey string
	SecretKey string
	Region    string

	// Folder has a folder for each bucket, in which objects are plain files by their names; "" with MinIO.
	Folder string

	buckets atomic.Int64
}

// Versity starts a versity gateway, which enforces conditions on PutObject and CompleteMultipartUpload. It ends with the
// test. The file system of temporary folders must keep extended attributes, since with its attributes in files beside the
// objects the gateway for a moment refuses a name (412) and does not find it (404).
func Versity(t testing.TB) *S3 {
	t.Helper()
	path := tool(t, ".tools", versity)
	s := newS3()
	s.Folder = t.TempDir()
	s.Endpoint = "http://" + start(t, "versitygw", func(port string) *exec.Cmd {
		command := exec.Command(path, "--port", "127.0.0.1:"+port, "--region", s.Region, "--quiet", "posix", s.Folder) //nolint:noctx // start ends it
		command.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
		return command
	})
	return s
}

// MinIO starts a MinIO, which ends with the test. It is not part of what tests require: where it is not installed, by make
// minio, the test is skipped.
func MinIO(t testing.TB) *S3 {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(file), "..", "..", ".tools", minio)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not installed, which is fine; make minio builds it", minio)
	}
	s, data := newS3(), t.TempDir()
	s.Endpoint = "http://" + start(t, "minio", func(port string) *exec.Cmd {
		command := exec.Command(path, "server", "--quiet", "--address", "127.0.0.1:"+port, "--console-address", "127.0.0.1:0", data) //nolint:noctx // start ends it
		command.Env = append(os.Environ(), "MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey, "MINIO_REGION="+s.Region)
		return command
	})
	return s
}

func newS3() *S3 {
	return &S3{AccessKey: "jetcapture-test", SecretKey: "not-a-secret-but-long", Region: "eu-central-1"}
}

// Config is a configuration of the AWS SDK with the server's credentials and nothing else.
func (s *S3) Config() *aws.Config {
	return &aws.Config{
		Region: s.Region, BaseEndpoint: aws.String(s.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	}
}

// Client returns a client of the AWS SDK, with which tests can do and check things without the package they test.
func (s *S3) Client() *s3.Client {
	return s3.NewFromConfig(*s.Config(), func(o *s3.Options) { o.UsePathStyle = true })
}

// Bucket makes a new bucket and returns its name.
func (s *S3) Bucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("lake-%d", s.buckets.Add(1))
	if _, err := s.Client().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return name
}
