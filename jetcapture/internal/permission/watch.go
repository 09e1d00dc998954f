package permission

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/retry"
)

const (
	pollAtStart = 50 * time.Millisecond // until Begun
	pollLater   = time.Second
	flushWithin = 2 * time.Second  // for a round trip after something was tried
	repeatEvery = 10 * time.Second // between two warnings of the same permission
)

// A Watcher notices which permissions the server refuses. Before Begun is called, a refused permission that is Needed ends the context
// that Watch has returned. All other refusals, and all later ones, are logged as warnings.
//
// It does not use the connection's error handler, which is the user's. If the server refuses several subjects between two looks, only the
// last is seen; the others are seen when they are tried again.
type Watcher struct {
	nc          *nats.Conn
	permissions []Permission
	log         *zap.Logger
	end         context.CancelCauseFunc
	stopLooking context.CancelFunc
	stopped     chan struct{}

	mu     sync.Mutex
	seen   error // the last error of the connection
	begins bool
	first  error                // that ended the context
	warned map[string]time.Time // by the permission's subject
}

// Watch starts to watch a connection. Call Stop when the context is not used any more.
func Watch(ctx context.Context, nc *nats.Conn, permissions []Permission, log *zap.Logger) (context.Context, *Watcher) {
	until, end := context.WithCancelCause(ctx)
	looking, stopLooking := context.WithCancel(context.WithoutCancel(ctx))
	r := &Watcher{
		nc: nc, permissions: permissions, log: log, end: end, stopLooking: stopLooking, stopped: make(chan struct{}),
		seen: nc.LastError(), begins: true, warned: map[string]time.Time{},
	}
	go func() {
		defer close(r.stopped)
		for retry.Sleep(looking, r.every()) {
			r.look()
		}
	}()
	return until, r
}

// Ask makes a request to a subject. It returns an error that wraps ErrMissing as soon as the server refuses the subject.
func Ask[T any](ctx context.Context, nc *nats.Conn, subject string, ask func(context.Context) (T, error)) (T, error) {
	until, r := Watch(ctx, nc, []Permission{{Subject: subject, Needed: true}}, zap.NewNop())
	defer r.Stop()
	answer, err := ask(until)
	if refused := r.Refusal(); err != nil && refused != nil {
		return answer, refused
	}
	return answer, err
}

// Stop ends the watch, and the context.
func (r *Watcher) Stop() {
	r.stopLooking()
	<-r.stopped
	r.end(nil)
}

// Begun makes the Watcher log all refusals from now on, and end nothing: a permission that was there may come back.
func (r *Watcher) Begun() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begins = false
}

// every is the time between two looks.
func (r *Watcher) every() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begins {
		return pollAtStart
	}
	return pollLater
}

// Refusal returns the error that ended the context, nil if none did. It wraps ErrMissing.
func (r *Watcher) Refusal() error {
	r.look()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// look notes what the server has refused since the last look.
func (r *Watcher) look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.nc.LastError()
	if !errors.Is(last, nats.ErrPermissionViolation) || last == r.seen { //nolint:errorlint // each refusal is an error of its own
		return
	}
	r.seen = last
	subject, subscribe, ok := refusedSubject(last)
	if !ok {
		return
	}
	for _, p := range r.permissions {
		if !Covers(p.Subject, subject) {
			p.Subject = Mapped(p.Subject)
		}
		if p.Subscribe == subscribe && Covers(p.Subject, subject) && (!subscribe || p.isFor(subject)) {
			r.refused(&p)
			return
		}
	}
}

func (r *Watcher) refused(p *Permission) {
	if r.begins && p.Needed {
		if r.first == nil {
			r.first = p.err()
			r.end(r.first)
		}
		return
	}
	now := time.Now()
	if at, ok := r.warned[p.Subject]; ok && now.Sub(at) < repeatEvery {
		return
	}
	r.warned[p.Subject] = now
	fields := []zap.Field{zap.Error(p.err())}
	if p.Without != "" {
		fields = append(fields, zap.String("without", p.Without))
	}
	r.log.Warn("a permission is missing", fields...)
}

// TryAtStart tries the permissions that are AtStart, and the inbox: the client subscribes to the inbox once for all requests, which may
// have been before this capture. It returns Refusal.
func (r *Watcher) TryAtStart(ctx context.Context) error {
	inbox, err := r.nc.SubscribeSync(r.nc.NewInbox())
	if err == nil {
		defer func() { _ = inbox.Unsubscribe() }() // fails only on a closed connection
	}
	r.flush(ctx)
	for i := range r.permissions {
		if p := &r.permissions[i]; p.AtStart && r.Refusal() == nil {
			r.Try(ctx, p)
		}
	}
	return r.Refusal()
}

// Try publishes the message of a permission that does nothing, and notes whether the server refuses it.
func (r *Watcher) Try(ctx context.Context, p *Permission) {
	if r.nc.IsConnected() && r.nc.PublishMsg(p.Try) == nil { // otherwise the client would send it later
		r.flush(ctx)
	}
}

// flush makes a round trip: the server reports what it has refused before it answers.
func (r *Watcher) flush(ctx context.Context) {
	if !r.nc.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushWithin)
	defer cancel()
	if r.nc.FlushWithContext(ctx) == nil {
		r.look()
	}
}
