package s3store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
)

// ignoring makes a server seem to ignore the condition of an operation: it is not sent.
func ignoring(operation string) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		if stack.ID() != operation {
			return nil
		}
		return stack.Build.Add(middleware.BuildMiddlewareFunc("ignoring", func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
			if r, ok := in.Request.(*smithyhttp.Request); ok {
				r.Header.Del("If-None-Match")
			}
			return next.HandleBuild(ctx, in)
		}), middleware.After)
	}
}

func TestProbeFindsServersThatIgnoreConditions(t *testing.T) {
	server := cloudtest.Versity(t)
	for operation, words := range map[string]string{
		"PutObject":               "create _jetcapture/",
		"CompleteMultipartUpload": "try a multipart upload over s3://",
		"none":                    "",
	} {
		t.Run(operation, func(t *testing.T) {
			bucket := server.Bucket(t)
			o := optionsFor(server, bucket)
			o.Config.APIOptions = append(o.Config.APIOptions, ignoring(operation))
			b := mustNew(t, o)
			err := store.Probe(t.Context(), b)
			if words == "" && err != nil {
				t.Error(err)
			}
			if words != "" && (!errors.Is(err, store.ErrNotCreateOnly) || !store.IsPermanent(err) || !strings.Contains(err.Error(), words)) {
				t.Errorf("Probe returns %v", err)
			}
			wantNames(t, b)
			wantNoUploads(t, server, bucket)
		})
	}
}

func TestProbeLeavesTheObjectAlone(t *testing.T) {
	server := cloudtest.Versity(t)
	b, bucket := through(t, server, &wire{})
	for name, content := range map[string]string{"probe": "content", "empty": ""} {
		mustCreate(t, b, name, []byte(content))
		if err := b.ProbeOverwrite(t.Context(), name); err != nil {
			t.Error(err)
		}
		wantContent(t, b, name, []byte(content))
	}
	wantNoUploads(t, server, bucket)
}

func TestProbeOfAServerInTroubleIsNoVerdict(t *testing.T) {
	server := cloudtest.Versity(t)
	w := &wire{}
	b, bucket := through(t, server, w)
	mustCreate(t, b, "probe", []byte("content"))
	w.lost = "complete"
	if err := b.ProbeOverwrite(t.Context(), "probe"); err == nil || errors.Is(err, store.ErrNotCreateOnly) || store.IsPermanent(err) {
		t.Errorf("Probe returns %v, want an error to be retried", err)
	}
	wantNoUploads(t, server, bucket)
}
