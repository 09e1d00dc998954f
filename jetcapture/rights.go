package jetcapture

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

const rightsTimeout = 2 * time.Second // of a request

// userRights are what a server says that a user may do.
type userRights struct {
	Publish   subjectRights `json:"publish"`
	Subscribe subjectRights `json:"subscribe"`
}

// subjectRights have patterns. Without Allow all is allowed that is not denied.
type subjectRights struct {
	Allow []string `json:"allow"`
	Deny  []string `json:"deny"`
}

// allow reports whether all that a permission is for is allowed, and nothing of it denied.
func (u *userRights) allow(p *Permission) bool {
	if m := *p; mapped(p.Subject) != p.Subject { // either, as only the server knows its domain
		m.Subject = mapped(p.Subject)
		if u.allow(&m) {
			return true
		}
	}
	r := u.Publish
	if p.Subscribe {
		r = u.Subscribe
	}
	for _, used := range p.used() {
		covered := func(pattern string) bool { return covers(pattern, used) }
		denied := func(pattern string) bool { return collide(pattern, used) }
		if r.Allow != nil && !slices.ContainsFunc(r.Allow, covered) || slices.ContainsFunc(r.Deny, denied) {
			return false
		}
	}
	return true
}

// checkRights reports which permissions are missing that Run needs with these options, and returns them. mayLook is false if one of those is
// missing by which the rest is looked at.
func checkRights[P Payload, K DestKey](ctx context.Context, d *diagnosis, nc *nats.Conn, o *Options[P, K]) (missing []Permission, mayLook bool) {
	const check = "permissions"
	if missing, _ = tryRights(ctx, nc, []Permission{inboxPermission(nc.Opts.InboxPrefix)}); len(missing) > 0 {
		d.missingPermission(check, &missing[0]) // and no request has an answer
		return missing, false
	}
	list := o.thereof(ctx, nc)
	wanted := len(list)
	var unchecked []Permission
	rights, err := askRights(ctx, nc)
	if err == nil {
		missing = slices.DeleteFunc(list, func(p Permission) bool { return rights.allow(&p) })
	} else {
		missing, unchecked = tryRights(ctx, nc, list)
	}
	mayLook = true
	for i := range missing {
		p := &missing[i]
		mayLook = mayLook && !p.looks()
		d.missingPermission(check, p)
	}
	switch {
	case len(unchecked) > 0:
		var subjects []string
		for _, p := range unchecked {
			subjects = append(subjects, p.Subject)
		}
		d.note(check, fmt.Sprintf("%d could not be checked: %s", len(unchecked), strings.Join(subjects, ", ")),
			"they cannot be tried without a risk, and are known only if the user may publish to "+userInfoSubject)
	case len(missing) == 0:
		d.ok(check, fmt.Sprintf("all %d are there", wanted))
	}
	return missing, mayLook
}

// may reports whether no permission is missing that a subject needs.
func (e *examination) may(subject string) bool {
	return !slices.ContainsFunc(e.missing, func(p Permission) bool { return covers(p.Subject, subject) || covers(mapped(p.Subject), subject) })
}

func (d *diagnosis) missingPermission(check string, p *Permission) {
	severity, why := SeverityFatal, "it is needed to "+p.Purpose
	if !p.Needed {
		severity, why = SeverityWarning, p.Without
	}
	change := "allow the user to " + p.verb() + " to " + p.Subject
	if m := mapped(p.Subject); m != p.Subject {
		change += ", or where the server is in the domain itself, to " + m
	}
	d.add(severity, check, "the user may not "+p.verb()+" to "+p.Subject, why, change)
}

// looks reports whether a permission is for what Examine asks for.
func (p *Permission) looks() bool {
	return p.Subscribe || strings.Contains(p.Subject, ".INFO.") || strings.Contains(p.Subject, streamMessageSubject) && p.Needed
}

// thereof returns what Run needs as things are: what is there already need not be created, and a ledger that is there has its subjects.
func (o *Options[P, K]) thereof(ctx context.Context, nc *nats.Conn) []Permission {
	api := apiPrefix(o.JetStreamDomain)
	_, thereErr := lookAt(ctx, nc, api+".CONSUMER.INFO."+o.NATSStreamName+"."+o.NATSConsumerName)
	var subjects []string
	ledgerErr := error(nil)
	if o.Delivery == ExactlyOnce {
		subjects, ledgerErr = lookAt(ctx, nc, api+streamInfoSubject+ledgerName(o))
	}
	list := slices.DeleteFunc(o.permissions(nc.Opts.InboxPrefix), func(p Permission) bool {
		isConsumer := strings.Contains(p.Subject, ".CONSUMER.CREATE.")
		return p.once && (isConsumer && thereErr == nil || !isConsumer && ledgerErr == nil)
	})
	for i := range list {
		if p := &list[i]; p.Subject == cmp.Or(o.LedgerSubject, ledger.DefaultSubject)+".>" && len(subjects) == 1 {
			p.uses = subjects
			p.try = tryOf(strings.TrimSuffix(subjects[0], ">")+"try", "")
		}
	}
	return list
}

// lookAt asks for a stream or a consumer, and returns the subjects of a stream.
func lookAt(ctx context.Context, nc *nats.Conn, subject string) ([]string, error) {
	var answer struct {
		Error  json.RawMessage `json:"error"`
		Config struct {
			Subjects []string `json:"subjects"`
		} `json:"config"`
	}
	if err := askFor(ctx, nc, subject, &answer); err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, errors.New("not there")
	}
	return answer.Config.Subjects, nil
}

// askRights asks the server what the user may do. It returns an error that wraps ErrPermission if that is not allowed.
func askRights(ctx context.Context, nc *nats.Conn) (*userRights, error) {
	var answer struct {
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
		Data *struct {
			Permissions userRights `json:"permissions"` // none: all is allowed
		} `json:"data"`
	}
	err := askFor(ctx, nc, userInfoSubject, &answer)
	switch {
	case err != nil:
		return nil, err
	case answer.Error != nil:
		return nil, errors.New(answer.Error.Description)
	case answer.Data == nil:
		return nil, errors.New("the answer has no permissions")
	}
	return &answer.Data.Permissions, nil
}

func askFor(ctx context.Context, nc *nats.Conn, subject string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, rightsTimeout)
	defer cancel()
	msg, err := permitted(ctx, nc, subject, func(ctx context.Context) (*nats.Msg, error) { return nc.RequestWithContext(ctx, subject, nil) })
	if err != nil {
		return fmt.Errorf("request on %s: %w", subject, err)
	}
	return json.Unmarshal(msg.Data, answer)
}

// tryRights tries what does nothing, and returns what is missing and what cannot be tried.
func tryRights(ctx context.Context, nc *nats.Conn, list []Permission) (missing, unchecked []Permission) {
	for _, p := range list {
		if p.try == nil && !p.Subscribe {
			unchecked = append(unchecked, p)
			continue
		}
		alone := p
		alone.Needed = true // a refusal is an error then
		_, r := watchRefusals(ctx, nc, []Permission{alone}, zap.NewNop())
		if p.Subscribe {
			_ = r.tryAtStart(ctx)
		} else {
			r.try(ctx, &p)
		}
		if r.refusal() != nil {
			missing = append(missing, p)
		}
		r.stop()
	}
	return missing, unchecked
}
