package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

const (
	refusalPoll   = 50 * time.Millisecond // while the capture begins
	refusalLook   = time.Second           // afterwards
	refusalTry    = 2 * time.Second       // for a round trip after something was tried
	refusalRepeat = 10 * time.Second
)

// A server that refuses a subject leaves the request without an answer, and says so on the connection, where the client keeps the last
// error. Its handler of errors is the user's, and stays so. Of several subjects that are refused between two looks only the last is seen, and
// the others when they are tried again.
//
// A refusals tells which permissions the server refuses. Before begun is called a needed one ends the context that watchRefusals has returned; a
// warning is logged of all others, and of all that are refused later.
type refusals struct {
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

func watchRefusals(ctx context.Context, nc *nats.Conn, permissions []Permission, log *zap.Logger) (context.Context, *refusals) {
	until, end := context.WithCancelCause(ctx)
	looking, stopLooking := context.WithCancel(context.WithoutCancel(ctx))
	r := &refusals{
		nc: nc, permissions: permissions, log: log, end: end, stopLooking: stopLooking, stopped: make(chan struct{}),
		seen: nc.LastError(), begins: true, warned: map[string]time.Time{},
	}
	go func() {
		defer close(r.stopped)
		for sleep(looking, r.every()) {
			r.look()
		}
	}()
	return until, r
}

// WatchPermissions returns a context that ends when ctx does, and when the server refuses a Needed one of the permissions. A request
// that is refused gets no answer, so that it would wait for as long as it may: make it with this context. Then context.Cause is an error that
// wraps ErrPermission and says what to allow. Call stop when the context is not used any more.
func WatchPermissions(ctx context.Context, nc *nats.Conn, permissions []Permission) (until context.Context, stop context.CancelFunc) {
	until, r := watchRefusals(ctx, nc, permissions, zap.NewNop())
	return until, r.stop
}

// permitted makes a request to a subject. It returns an error that wraps ErrPermission as soon as the server refuses it.
func permitted[T any](ctx context.Context, nc *nats.Conn, subject string, ask func(context.Context) (T, error)) (T, error) {
	until, r := watchRefusals(ctx, nc, []Permission{{Subject: subject, Needed: true}}, zap.NewNop())
	defer r.stop()
	answer, err := ask(until)
	if refused := r.refusal(); err != nil && refused != nil {
		return answer, refused
	}
	return answer, err
}

// stop ends the watch, and the context.
func (r *refusals) stop() {
	r.stopLooking()
	<-r.stopped
	r.end(nil)
}

// begun says that from now on refusals are warned of and nothing ends: rights that were there may come back.
func (r *refusals) begun() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begins = false
}

// every is the time between two looks.
func (r *refusals) every() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begins {
		return refusalPoll
	}
	return refusalLook
}

// refusal returns the error that ended the context, nil if none did.
func (r *refusals) refusal() error {
	r.look()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// look takes note of what the server has refused since the last look.
func (r *refusals) look() {
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
		if !covers(p.Subject, subject) {
			p.Subject = mapped(p.Subject)
		}
		if p.Subscribe == subscribe && covers(p.Subject, subject) && (!subscribe || p.isUsed(subject)) {
			r.refused(&p)
			return
		}
	}
}

// isUsed reports whether a subject is one that the permission is for. Others subscribe to inboxes, too.
func (p *Permission) isUsed(subject string) bool {
	return slices.ContainsFunc(p.used(), func(pattern string) bool { return covers(pattern, subject) })
}

func (r *refusals) refused(p *Permission) {
	if r.begins && p.Needed {
		if r.first == nil {
			r.first = missingPermission(p)
			r.end(r.first)
		}
		return
	}
	now := time.Now()
	if at, ok := r.warned[p.Subject]; ok && now.Sub(at) < refusalRepeat {
		return
	}
	r.warned[p.Subject] = now
	fields := []zap.Field{zap.Error(missingPermission(p))}
	if p.Without != "" {
		fields = append(fields, zap.String("without", p.Without))
	}
	r.log.Warn("a permission is missing", fields...)
}

func missingPermission(p *Permission) error {
	if p.Purpose == "" {
		return fmt.Errorf("%w: allow the user to %s to %s", ErrPermission, p.verb(), p.Subject)
	}
	return fmt.Errorf("%w: allow the user to %s to %s, to %s", ErrPermission, p.verb(), p.Subject, p.Purpose)
}

// tryAtStart tries the permissions that are first used when messages are held, and the inbox: the client subscribes to it for all requests
// together, before this capture perhaps.
func (r *refusals) tryAtStart(ctx context.Context) error {
	inbox, err := r.nc.SubscribeSync(r.nc.NewInbox())
	if err == nil {
		defer func() { _ = inbox.Unsubscribe() }() // fails only on a closed connection
	}
	r.flush(ctx)
	for i := range r.permissions {
		if p := &r.permissions[i]; p.atStart && r.refusal() == nil {
			r.try(ctx, p)
		}
	}
	return r.refusal()
}

// try publishes what does nothing, and takes note if it is refused.
func (r *refusals) try(ctx context.Context, p *Permission) {
	if r.nc.IsConnected() && r.nc.PublishMsg(p.try) == nil { // otherwise it would be sent later
		r.flush(ctx)
	}
}

// flush makes a round trip: the server refuses what was sent before its answer.
func (r *refusals) flush(ctx context.Context) {
	if !r.nc.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, refusalTry)
	defer cancel()
	if r.nc.FlushWithContext(ctx) == nil {
		r.look()
	}
}

// refusedSubject finds the subject in what a server says of a violation:
//
//	Permissions Violation for Publish to "orders.new"
//	Permissions Violation for Subscription to "_INBOX.x" using queue "y"
func refusedSubject(err error) (subject string, subscribe, ok bool) {
	text := err.Error()
	_, quoted, ok := strings.Cut(text, "Publish to ")
	if !ok {
		_, quoted, subscribe = strings.Cut(text, "Subscription to ")
	}
	quoted, quoteErr := strconv.QuotedPrefix(quoted)
	if quoteErr != nil {
		return "", false, false
	}
	subject, quoteErr = strconv.Unquote(quoted)
	return subject, subscribe, quoteErr == nil
}

// covers reports whether a pattern matches all subjects that another one does.
func covers(pattern, other string) bool {
	a, b := strings.Split(pattern, "."), strings.Split(other, ".")
	for i, token := range b {
		switch {
		case i == len(a):
			return false
		case a[i] == ">":
			return true
		case token == ">", a[i] != "*" && a[i] != token:
			return false
		}
	}
	return len(a) == len(b)
}

// collide reports whether there is a subject that two patterns match.
func collide(one, other string) bool {
	a, b := strings.Split(one, "."), strings.Split(other, ".")
	for i := range min(len(a), len(b)) {
		switch {
		case a[i] == ">" || b[i] == ">":
			return true
		case a[i] != b[i] && a[i] != "*" && b[i] != "*":
			return false
		}
	}
	return len(a) == len(b)
}
