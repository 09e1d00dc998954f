package s3store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/jetcapture/lake/store/internal/cloud"
)

const (
	attempts   = 3 // of a request; the caller decides about longer waits
	maxBackoff = 2 * time.Second
)

// newClient returns a client by the options and the configuration. It reads only the environment and files.
func newClient(ctx context.Context, o Options) (*s3.Client, error) {
	cfg, err := configuration(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", cloud.Redact(err))
	}
	if o.Credentials != nil {
		cfg.Credentials = aws.NewCredentialsCache(o.Credentials)
	}
	if aws.IsCredentialsProvider(o.Credentials, (*aws.AnonymousCredentials)(nil)) {
		cfg.Credentials = o.Credentials
	} else if cfg.Credentials != nil && !aws.IsCredentialsProvider(cfg.Credentials, (*aws.AnonymousCredentials)(nil)) {
		cfg.Credentials = &watched{provider: cfg.Credentials}
	}
	if o.HTTPClient != nil {
		cfg.HTTPClient = o.HTTPClient
	}
	client := s3.NewFromConfig(cfg, func(c *s3.Options) {
		if o.Endpoint != "" {
			c.BaseEndpoint = aws.String(o.Endpoint)
		}
		if c.Region = cmp.Or(o.Region, c.Region); c.BaseEndpoint != nil {
			c.Region = cmp.Or(c.Region, "us-east-1")
		}
		c.UsePathStyle = c.UsePathStyle || o.PathStyle
		if cfg.Retryer == nil && cfg.RetryMaxAttempts == 0 {
			c.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
				r.MaxAttempts, r.MaxBackoff, r.RateLimiter = attempts, maxBackoff, ratelimit.None
			})
		}
		chooseChecksums(c, o.Checksum)
		c.DisableLogOutputChecksumValidationSkipped = true
	})
	if client.Options().Region == "" {
		return nil, errors.New("the region is not known; write s3://bucket?region=eu-central-1, or set AWS_REGION")
	}
	return client, nil
}

func configuration(ctx context.Context, o Options) (aws.Config, error) {
	if o.Config != nil {
		return o.Config.Copy(), nil
	}
	found := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if o.Profile != "" {
		found = append(found, config.WithSharedConfigProfile(o.Profile))
	}
	if o.HTTPClient != nil { // also for requests for credentials
		found = append(found, config.WithHTTPClient(o.HTTPClient))
	}
	return config.LoadDefaultConfig(ctx, found...)
}

// chooseChecksums sets when the SDK computes checksums of requests and checks those of answers. By default it does neither with a
// Config that a program made.
func chooseChecksums(c *s3.Options, sum Checksum) {
	switch {
	case sum == ChecksumNone, sum == ChecksumMD5:
		c.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		c.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	case sum != "" || c.RequestChecksumCalculation == 0:
		c.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
		fallthrough
	default:
		c.ResponseChecksumValidation = cmp.Or(c.ResponseChecksumValidation, aws.ResponseChecksumValidationWhenSupported)
	}
}

// watched credentials mark their errors, so that they are not taken for answers of S3.
type watched struct {
	provider aws.CredentialsProvider
	had      atomic.Bool // whether there were credentials before
}

// Retrieve implements aws.CredentialsProvider.
func (w *watched) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := w.provider.Retrieve(ctx)
	if err != nil {
		return c, &credentialsError{err, w.had.Load()}
	}
	w.had.Store(true)
	return c, nil
}

// credentialsError is the error if there are no credentials. had is whether there were some before.
type credentialsError struct {
	err error
	had bool
}

func (c *credentialsError) Error() string { return c.err.Error() }
func (c *credentialsError) Unwrap() error { return c.err }

// RetryableError tells the SDK that its providers have tried often enough.
func (c *credentialsError) RetryableError() bool { return false }
