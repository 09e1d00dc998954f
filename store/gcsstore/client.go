package gcsstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// maxTries mend a hiccup; what lasts longer is for the caller.
const maxTries = 3

// handle returns the bucket's handle, and makes the client first, as finding credentials takes files and, where there are
// none, connections.
func (b *Bucket) handle(ctx context.Context) (*storage.BucketHandle, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if b.client == nil {
		client, err := newClient(context.WithoutCancel(ctx), b.options) // which some credentials keep
		if err != nil {
			return nil, explainClient(err)
		}
		b.client = client
	}
	handle := b.client.Bucket(b.options.Bucket)
	if b.options.UserProject != "" {
		handle = handle.UserProject(b.options.UserProject)
	}
	return handle, nil
}

func newClient(ctx context.Context, o Options) (*storage.Client, error) {
	options := []option.ClientOption{storage.WithJSONReads(), option.WithUserAgent("jetcapture")}
	if o.Anonymous {
		options = append(options, option.WithoutAuthentication())
	}
	if o.Endpoint != "" {
		options = append(options, option.WithEndpoint(o.Endpoint))
	}
	client, err := storage.NewClient(ctx, append(options, o.ClientOptions...)...)
	if err != nil {
		return nil, err
	}
	client.SetRetry(
		storage.WithBackoff(gax.Backoff{Initial: 200 * time.Millisecond, Max: 2 * time.Second, Multiplier: 2}),
		storage.WithMaxAttempts(maxTries),
		storage.WithErrorFunc(mayRetry),
	)
	return client, nil
}

// mayRetry leaves to the caller what the server wants to be waited for.
func mayRetry(err error) bool {
	var answered *googleapi.Error
	if errors.As(err, &answered) && answered.Header.Get("Retry-After") != "" {
		return false
	}
	return storage.ShouldRetry(err)
}

// explainClient says why there is no client. Its errors are Permanent: missing credentials do not come by themselves. They
// wrap nothing, as a file with credentials that does not exist must not pass for an object.
func explainClient(err error) error {
	text := "find credentials: " + cloud.RedactText(err.Error())
	if strings.Contains(text, "could not find default credentials") {
		text = "there are no credentials; let GOOGLE_APPLICATION_CREDENTIALS name a file with some, or run gcloud auth application-default login, or write anonymous=true for an emulator"
	}
	return store.Permanent(&answer{text, nil})
}
