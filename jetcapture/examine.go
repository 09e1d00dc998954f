package jetcapture

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/ledgerfiles"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
	"github.com/jetcapture/lake/jetcapture/internal/preflight"
	"github.com/jetcapture/lake/store"
)

// A Severity is the consequence of a Finding for a capture.
type Severity string

// The severities, from best to worst.
const (
	SeverityOK      Severity = "ok"      // nothing to change
	SeverityAdvice  Severity = "advice"  // the capture works, and would work better with the change
	SeverityWarning Severity = "warning" // the capture works, at a cost: traffic, small files, or lost messages if something else fails, too
	SeverityFatal   Severity = "fatal"   // Run returns an error at once, or cannot store anything
)

// A Finding is the result of one check of Examine.
type Finding struct {
	Severity Severity `json:"severity"`
	Check    string   `json:"check"`             // what was checked, such as "AckWait"
	Found    string   `json:"found"`             // its value, such as "30s"
	Why      string   `json:"why,omitempty"`     // what is wrong with the value, or should be known about it
	Change   string   `json:"change,omitempty"`  // the exact change to make; "" if there is none
	Fixable  bool     `json:"fixable,omitempty"` // Fix makes that change

	repair preflight.Repair
}

// String returns the finding as one line: the check, the value, what is wrong with it, and the change.
func (f *Finding) String() string {
	inner := f.inner()
	return inner.String()
}

func (f *Finding) inner() preflight.Finding {
	return preflight.Finding{
		Severity: preflight.Severity(f.Severity), Check: f.Check, Found: f.Found, Why: f.Why, Change: f.Change, Fixable: f.Fixable, Repair: f.repair,
	}
}

func findingsOf(inner []preflight.Finding) []Finding {
	var findings []Finding
	for _, f := range inner {
		findings = append(findings, Finding{
			Severity: Severity(f.Severity), Check: f.Check, Found: f.Found, Why: f.Why, Change: f.Change, Fixable: f.Fixable, repair: f.Repair,
		})
	}
	return findings
}

// Worst returns the worst severity of findings, SeverityOK for none.
func Worst(findings []Finding) Severity {
	order := []Severity{SeverityOK, SeverityAdvice, SeverityWarning, SeverityFatal}
	worst := 0
	for _, f := range findings {
		worst = max(worst, slices.Index(order, f.Severity))
	}
	return order[worst]
}

// Examine checks all that a capture with these options depends on: the server, the account and its limits, the stream, the consumer, the
// ledger, the writers and the store. It tries what Run would do, as far as that changes nothing, with two exceptions: it makes and removes
// an object in a store that can be probed, and it makes a consumer of the ledger, which the server removes when nobody reads from it.
//
// With a finding of SeverityFatal Run returns an error at its start, or can store nothing. Run logs the findings of SeverityWarning about
// the stream and the consumer.
//
// If Examine cannot check everything it returns an error, together with the findings so far.
func Examine[P Payload, K DestKey](ctx context.Context, nc *nats.Conn, options *Options[P, K]) ([]Finding, error) {
	o := options.WithDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	findings, err := preflight.Examine(ctx, nc, o.plan())
	return findingsOf(findings), err
}

// Fix makes the changes of findings that are Fixable. They are safe at any time, also while captures run: changes of the consumer's
// configuration, and of the limits and the replicas of the ledger. A change that fails does not stop the others. Fix returns the findings
// that it has fixed, and an error that names those that it could not fix.
func Fix[P Payload, K DestKey](ctx context.Context, nc *nats.Conn, options *Options[P, K], findings []Finding) ([]Finding, error) {
	var inner []preflight.Finding
	for i := range findings {
		inner = append(inner, findings[i].inner())
	}
	fixed, err := preflight.Fix(ctx, nc, options.plan(), inner)
	return findingsOf(fixed), err
}

// A Permission is a subject that the user of a connection must be allowed to publish or subscribe to.
type Permission struct {
	Subject   string `json:"subject"`           // may have wildcards
	Subscribe bool   `json:"subscribe"`         // otherwise it is published to
	Needed    bool   `json:"needed"`            // nothing works without it
	Purpose   string `json:"purpose"`           // such as "look up the stream"
	Without   string `json:"without,omitempty"` // what happens without it, unless it is Needed
}

// Permissions returns the permissions that the user of a connection needs for Run with these options. They depend on the names, the
// delivery and CreateConsumer only. inboxPrefix is the prefix of the connection's inboxes, "" for _INBOX.
func (o *Options[P, K]) Permissions(inboxPrefix string) []Permission {
	return permissionsOf(o.plan().Permissions(inboxPrefix))
}

// ExaminePermissions returns the permissions that the user needs for Examine, and with fix for Fix. They include those for Run, so that
// Examine can check them.
func (o *Options[P, K]) ExaminePermissions(inboxPrefix string, fix bool) []Permission {
	return permissionsOf(o.plan().ExaminePermissions(inboxPrefix, fix))
}

// WithMapped adds to each permission for the API of a JetStream domain the same permission without the domain. A server in that domain
// maps the subject before it checks the user's permissions, other servers do not.
func WithMapped(list []Permission) []Permission {
	return permissionsOf(permission.WithMapped(innerPermissions(list)))
}

// WatchPermissions returns a context that ends when ctx does, or when the server refuses a permission that is Needed. The server does not
// answer a request that it refuses, so make the requests with this context. If a permission was refused, context.Cause returns an error
// that wraps ErrPermission and says what to allow. Call stop when the context is not used any more.
func WatchPermissions(ctx context.Context, nc *nats.Conn, permissions []Permission) (until context.Context, stop context.CancelFunc) {
	until, watcher := permission.Watch(ctx, nc, innerPermissions(permissions), zap.NewNop())
	return until, watcher.Stop
}

func permissionsOf(inner []permission.Permission) []Permission {
	var list []Permission
	for _, p := range inner {
		list = append(list, Permission{Subject: p.Subject, Subscribe: p.Subscribe, Needed: p.Needed, Purpose: p.Purpose, Without: p.Without})
	}
	return list
}

func innerPermissions(list []Permission) []permission.Permission {
	var inner []permission.Permission
	for _, p := range list {
		inner = append(inner, permission.Permission{Subject: p.Subject, Subscribe: p.Subscribe, Needed: p.Needed, Purpose: p.Purpose, Without: p.Without})
	}
	return inner
}

// plan returns what package preflight needs to know of the options.
func (o *Options[P, K]) plan() *preflight.Plan {
	p := &preflight.Plan{
		Stream: o.NATSStreamName, Consumer: o.NATSConsumerName, Domain: o.JetStreamDomain, CreateConsumer: o.CreateConsumer,
		ExactlyOnce: o.Delivery == ExactlyOnce, Interval: o.openTime(), Grace: o.Grace, MaxInFlight: o.MaxInFlight, ResumeFrom: resumeFrom,
		LedgerName: o.LedgerName, LedgerSubject: o.LedgerSubject, LedgerMaxBytes: o.LedgerMaxBytes,
		LedgerRetention: func(ackWait time.Duration) time.Duration {
			return ledgerRetention(o.LedgerRetention, o.openTime(), o.Grace, ackWait)
		},
		Store:      o.Store,
		TryWriters: func() error { return checkFactory(o.WriterFactory, o.Compression) },
		EmptyFile:  func() ([]byte, error) { return emptyFile[K](o.WriterFactory(), newBlockSpecs(o, zap.NewNop()).blocks) },
	}
	if locator, ok := o.Store.(store.Locator[K]); ok {
		p.StoreID = func(ctx context.Context) (id string, err error) {
			err = guard.Call("the store", func() error {
				id, _, err = ledgerfiles.Identify(ctx, locator, deadLetterDir, false)
				return err
			})
			return id, err
		}
		p.MissingFiles = func(ctx context.Context, files []ledger.StoredFile) ([]ledger.StoredFile, error) {
			return ledgerfiles.Missing(ctx, locator, files)
		}
	}
	return p
}
