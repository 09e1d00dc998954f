package preflight

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

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

const rightsTimeout = 2 * time.Second // of a request

// userRights are the permissions of a user, as the server reports them.
type userRights struct {
	Publish   subjectRights `json:"publish"`
	Subscribe subjectRights `json:"subscribe"`
}

// subjectRights has patterns. Without Allow every subject is allowed that is not denied.
type subjectRights struct {
	Allow []string `json:"allow"`
	Deny  []string `json:"deny"`
}

// allow reports whether all subjects of a permission are allowed, and none is denied.
func (u *userRights) allow(p *permission.Permission) bool {
	if m := *p; permission.Mapped(p.Subject) != p.Subject { // either, because only the server knows its domain
		m.Subject = permission.Mapped(p.Subject)
		if u.allow(&m) {
			return true
		}
	}
	r := u.Publish
	if p.Subscribe {
		r = u.Subscribe
	}
	for _, used := range p.Used() {
		covered := func(pattern string) bool { return permission.Covers(pattern, used) }
		denied := func(pattern string) bool { return permission.Collide(pattern, used) }
		if r.Allow != nil && !slices.ContainsFunc(r.Allow, covered) || slices.ContainsFunc(r.Deny, denied) {
			return false
		}
	}
	return true
}

// checkRights reports the permissions that are missing for a capture, and returns them. mayLook is false if a permission is missing that the
// other checks need.
func checkRights(ctx context.Context, d *diagnosis, nc *nats.Conn, p *Plan) (missing []permission.Permission, mayLook bool) {
	const check = "permissions"
	if missing, _ = tryRights(ctx, nc, []permission.Permission{inboxPermission(nc.Opts.InboxPrefix)}); len(missing) > 0 {
		d.missingPermission(check, &missing[0]) // no request gets an answer
		return missing, false
	}
	list := p.neededNow(ctx, nc)
	wanted := len(list)
	var unchecked []permission.Permission
	rights, err := askRights(ctx, nc)
	if err == nil {
		missing = slices.DeleteFunc(list, func(needed permission.Permission) bool { return rights.allow(&needed) })
	} else {
		missing, unchecked = tryRights(ctx, nc, list)
	}
	mayLook = true
	for i := range missing {
		p := &missing[i]
		mayLook = mayLook && !looks(p)
		d.missingPermission(check, p)
	}
	switch {
	case len(unchecked) > 0:
		var subjects []string
		for _, p := range unchecked {
			subjects = append(subjects, p.Subject)
		}
		d.note(check, fmt.Sprintf("%d could not be checked: %s", len(unchecked), strings.Join(subjects, ", ")),
			"they cannot be tried without a risk, and the server reports them only if the user may publish to "+userInfoSubject)
	case len(missing) == 0:
		d.ok(check, fmt.Sprintf("the user has all %d", wanted))
	}
	return missing, mayLook
}

// may reports whether a subject may be used, as far as is known.
func (e *examination) may(subject string) bool {
	return !slices.ContainsFunc(e.missing, func(p permission.Permission) bool {
		return permission.Covers(p.Subject, subject) || permission.Covers(permission.Mapped(p.Subject), subject)
	})
}

func (d *diagnosis) missingPermission(check string, p *permission.Permission) {
	severity, why := Fatal, "it is needed to "+p.Purpose
	if !p.Needed {
		severity, why = Warning, p.Without
	}
	change := "allow the user to " + p.Verb() + " to " + p.Subject
	if m := permission.Mapped(p.Subject); m != p.Subject {
		change += ", or if the server is in the domain itself, to " + m
	}
	d.add(severity, check, "the user may not "+p.Verb()+" to "+p.Subject, why, change)
}

// looks reports whether the other checks need a permission.
func looks(p *permission.Permission) bool {
	return p.Subscribe || strings.Contains(p.Subject, ".INFO.") || strings.Contains(p.Subject, jsapi.StreamMessage) && p.Needed
}

// neededNow returns the permissions that a capture needs now: a stream or consumer that exists need not be created, and an existing ledger
// has its subjects.
func (p *Plan) neededNow(ctx context.Context, nc *nats.Conn) []permission.Permission {
	api := jsapi.Prefix(p.Domain)
	_, thereErr := lookAt(ctx, nc, api+".CONSUMER.INFO."+p.Stream+"."+p.Consumer)
	var subjects []string
	ledgerErr := error(nil)
	if p.ExactlyOnce {
		subjects, ledgerErr = lookAt(ctx, nc, api+jsapi.StreamInfo+p.Ledger())
	}
	list := slices.DeleteFunc(p.permissions(nc.Opts.InboxPrefix), func(p permission.Permission) bool {
		isConsumer := strings.Contains(p.Subject, ".CONSUMER.CREATE.")
		return p.Once && (isConsumer && thereErr == nil || !isConsumer && ledgerErr == nil)
	})
	for i := range list {
		if entry := &list[i]; entry.Subject == cmp.Or(p.LedgerSubject, ledger.DefaultSubject)+".>" && len(subjects) == 1 {
			entry.Uses = subjects
			entry.Try = tryOf(strings.TrimSuffix(subjects[0], ">")+"try", "")
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

// askRights asks the server for the permissions of the user. The error wraps permission.ErrMissing if that is not allowed.
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
	msg, err := permission.Ask(ctx, nc, subject, func(ctx context.Context) (*nats.Msg, error) { return nc.RequestWithContext(ctx, subject, nil) })
	if err != nil {
		return fmt.Errorf("request on %s: %w", subject, err)
	}
	return json.Unmarshal(msg.Data, answer)
}

// tryRights tries permissions by messages that do nothing, and returns the missing ones and those that cannot be tried.
func tryRights(ctx context.Context, nc *nats.Conn, list []permission.Permission) (missing, unchecked []permission.Permission) {
	for _, p := range list {
		if p.Try == nil && !p.Subscribe {
			unchecked = append(unchecked, p)
			continue
		}
		alone := p
		alone.Needed = true // a refusal is an error then
		_, r := permission.Watch(ctx, nc, []permission.Permission{alone}, zap.NewNop())
		if p.Subscribe {
			_ = r.TryAtStart(ctx)
		} else {
			r.Try(ctx, &p)
		}
		if r.Refusal() != nil {
			missing = append(missing, p)
		}
		r.Stop()
	}
	return missing, unchecked
}
