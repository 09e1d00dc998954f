// Package permission says which subjects a capture needs, and notices when the server refuses one.
//
// A server that refuses a subject sends no answer to the request. It reports the violation on the connection, where the client keeps the
// last error. Watch looks there.
package permission

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
)

// ErrMissing means that the user of the connection may not publish or subscribe to a subject. The error names it.
var ErrMissing = errors.New("a permission is missing")

// A Permission is a subject that the user of a connection must be allowed to publish or subscribe to.
type Permission struct {
	Subject   string // may have wildcards
	Subscribe bool   // otherwise it is published to
	Needed    bool   // nothing works without it
	Purpose   string // such as "look up the stream"
	Without   string // what happens without it, unless it is Needed

	Uses    []string  // the subjects that are used, if they are fewer than Subject matches
	Try     *nats.Msg // does nothing if it is published without a reply; nil if there is no such message
	AtStart bool      // a capture tries it before it begins, because it first uses it when it holds messages
	Once    bool      // needed only to create a stream or a consumer that does not exist yet
}

// Verb returns "publish" or "subscribe".
func (p *Permission) Verb() string {
	if p.Subscribe {
		return "subscribe"
	}
	return "publish"
}

// Used returns the subjects that are used.
func (p *Permission) Used() []string {
	if p.Uses != nil {
		return p.Uses
	}
	return []string{p.Subject}
}

// isFor reports whether the permission is for a subject. Other code may subscribe to inboxes, too.
func (p *Permission) isFor(subject string) bool {
	return slices.ContainsFunc(p.Used(), func(pattern string) bool { return Covers(pattern, subject) })
}

// err returns an error that wraps ErrMissing.
func (p *Permission) err() error {
	if p.Purpose == "" {
		return fmt.Errorf("%w: allow the user to %s to %s", ErrMissing, p.Verb(), p.Subject)
	}
	return fmt.Errorf("%w: allow the user to %s to %s, to %s", ErrMissing, p.Verb(), p.Subject, p.Purpose)
}

// WithMapped adds to each permission for the API of a JetStream domain the same permission without the domain. A server in that domain
// maps the subject before it checks the user's permissions, other servers do not.
func WithMapped(list []Permission) []Permission {
	var all []Permission
	for _, p := range list {
		all = append(all, p)
		if subject := Mapped(p.Subject); subject != p.Subject {
			p.Subject, p.Purpose, p.Try, p.AtStart = subject, p.Purpose+", of a server in the domain itself", nil, false
			all = append(all, p)
		}
	}
	return all
}

// Mapped returns a subject as a server in the domain of the subject checks it.
func Mapped(subject string) string {
	tokens := strings.SplitN(subject, ".", 4)
	if len(tokens) < 4 || tokens[0] != "$JS" || tokens[2] != "API" {
		return subject
	}
	return "$JS.API." + tokens[3]
}
