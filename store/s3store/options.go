package s3store

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/jetcapture/lake/store"
)

const (
	minPartSize = 5 << 20 // of S3, for all parts but the last
	maxPartSize = 5 << 30
	maxParts    = 10_000
	maxParallel = 64
)

// Options say where a Bucket is and how it is written. Only the field Bucket is required.
type Options struct {
	Bucket string // its name; or the ARN of an access point
	Prefix string // the folder of all objects in the bucket, such as "lake/orders"; "" is the whole bucket

	Region    string // "" means the region of the configuration, and us-east-1 with an Endpoint
	Endpoint  string // URL of a server other than AWS, such as https://minio.example.com:9000
	PathStyle bool   // the bucket's name is part of the path, not of the host, as MinIO and Ceph usually want it

	// Credentials and the rest of the configuration come from the environment, from ~/.aws, from web identities, containers
	// and instances, as in all programs with the AWS SDK. These fields take precedence.
	Profile     string // of ~/.aws/config
	Credentials aws.CredentialsProvider
	HTTPClient  *http.Client
	Config      *aws.Config // replaces the configuration; nothing is looked up then

	SSE          string            // encryption by the server: AES256, aws:kms, aws:kms:dsse; "" is the default of the bucket
	KMSKeyID     string            // the key for aws:kms, which it implies; "" is the key of the bucket, or of AWS
	StorageClass string            // such as STANDARD_IA; "" is the server's default
	Tags         map[string]string // of all objects, at most 10; needs s3:PutObjectTagging

	PartSize int64    // larger objects are sent in parts of this size, in bytes; 0 means 16 MiB, the least is 5 MiB
	Parallel int      // parts of an object that are sent at a time; 0 means 4
	Checksum Checksum // by which the server detects bytes that were damaged in transit

	// Unconditional is for servers that refuse conditional writes, such as Backblaze B2. Create then checks whether a name
	// is taken before it writes. Two programs that create the same name at the same time overwrite each other, so exactly-once
	// delivery is not possible, and Probe returns an error.
	Unconditional bool
}

// A Checksum is a checksum of content that is sent, beside the signature.
type Checksum string

// The zero Checksum is CRC32 unless the configuration says when_required, which is none.
const (
	ChecksumCRC32     Checksum = "crc32"
	ChecksumCRC32C    Checksum = "crc32c"
	ChecksumCRC64NVME Checksum = "crc64nvme"
	ChecksumSHA256    Checksum = "sha256"
	ChecksumMD5       Checksum = "md5"  // the header Content-MD5, for servers that know none of the above
	ChecksumNone      Checksum = "none" // for servers that refuse all of them
)

// algorithms are the SDK's names for Checksums that it computes.
var algorithms = map[Checksum]types.ChecksumAlgorithm{
	ChecksumCRC32:     types.ChecksumAlgorithmCrc32,
	ChecksumCRC32C:    types.ChecksumAlgorithmCrc32c,
	ChecksumCRC64NVME: types.ChecksumAlgorithmCrc64nvme,
	ChecksumSHA256:    types.ChecksumAlgorithmSha256,
}

// complete fills in defaults and reports all problems.
func (o *Options) complete() error {
	o.Prefix = strings.Trim(o.Prefix, "/")
	o.PartSize = cmp.Or(o.PartSize, 16<<20)
	o.Parallel = cmp.Or(o.Parallel, 4)
	if o.KMSKeyID != "" {
		o.SSE = cmp.Or(o.SSE, string(types.ServerSideEncryptionAwsKms))
	}
	var faults []error
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch isARN := strings.HasPrefix(o.Bucket, "arn:"); {
	case o.Bucket == "":
		wrong("the bucket's name is missing; write s3://bucket/prefix")
	case !isARN && strings.ContainsAny(o.Bucket, "/:@ ?#%"):
		wrong("%q is not the name of a bucket; write s3://bucket/prefix", o.Bucket)
	}
	if o.Prefix != "" {
		if err := store.ValidName(o.Prefix); err != nil {
			wrong("prefix: %w", err)
		}
	}
	if err := checkEndpoint(o.Endpoint); err != nil {
		faults = append(faults, err)
	}
	if o.Config != nil && o.Profile != "" {
		wrong("a profile has no effect on a configuration that is given; leave one of them out")
	}
	if o.SSE != "" && !slices.Contains([]string{"AES256", "aws:kms", "aws:kms:dsse"}, o.SSE) {
		wrong("unknown encryption %q; write AES256, aws:kms or aws:kms:dsse", o.SSE)
	}
	if o.SSE == "AES256" && o.KMSKeyID != "" {
		wrong("a KMS key goes with aws:kms, not with AES256")
	}
	if len(o.Tags) > 10 {
		wrong("%d tags; an object has at most 10", len(o.Tags))
	}
	if o.PartSize < minPartSize || o.PartSize > maxPartSize {
		wrong("a part size of %d bytes is not possible; write one from 5 MiB to 5 GiB", o.PartSize)
	}
	if o.Parallel < 1 || o.Parallel > maxParallel {
		wrong("%d parts at a time are not possible; write 1 to %d", o.Parallel, maxParallel)
	}
	if o.Checksum != "" && o.Checksum != ChecksumMD5 && o.Checksum != ChecksumNone && algorithms[o.Checksum] == "" {
		wrong("unknown checksum %q; write crc32, crc32c, crc64nvme, sha256, md5 or none", o.Checksum)
	}
	return errors.Join(faults...)
}

// checkEndpoint keeps the endpoint out of its errors, since it may hold a password.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return errors.New("the endpoint is not a URL; write https://host or http://host:port")
	case u.User != nil:
		return errors.New("the endpoint has a user; leave it out: credentials come from the environment or a profile")
	case u.RawQuery != "", u.Fragment != "":
		return errors.New("the endpoint has a query; write https://host or http://host:port")
	}
	return nil
}

// tagging returns the tags in the form of a header.
func (o *Options) tagging() *string {
	if len(o.Tags) == 0 {
		return nil
	}
	values := make(url.Values, len(o.Tags))
	for name, value := range o.Tags {
		values.Set(name, value)
	}
	return aws.String(values.Encode())
}
