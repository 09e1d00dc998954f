package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

const (
	lookTimeoutOptional = 2 * time.Second // of requests that a capture does not make
	fewBytes            = 64 << 10        // a ledger needs more
)

// An account has the usage and the limits of a JetStream account: of the tier of the stream's replicas, if the account has tiers.
type account struct {
	jetstream.Tier
	domain   string
	tier     string // "" if there are none
	replicas int    // how often a byte of a stream counts
	missing  bool   // there are tiers, but none for so many replicas
}

// lookAtAccount returns nil if the limits are not known. A capture does not need to know them.
func lookAtAccount(ctx context.Context, d *diagnosis, js jetstream.JetStream, replicas int) *account {
	const check = "account"
	ctx, cancel := context.WithTimeout(ctx, lookTimeoutOptional)
	defer cancel()
	subject := jsapi.Prefix(js.Options().Domain) + ".INFO"
	info, err := permission.Ask(ctx, js.Conn(), subject, func(ctx context.Context) (*jetstream.AccountInfo, error) { return js.AccountInfo(ctx) })
	switch {
	case errors.Is(err, permission.ErrMissing):
		d.add(Advice, check, "not known", "whether its limits allow a new consumer and a ledger is not checked", "allow the user to publish to "+subject)
		return nil
	case err != nil:
		d.note(check, "not known", fmt.Sprintf("whether its limits allow a new consumer and a ledger is not checked: look up the account ($JS.API.INFO): %v", err))
		return nil
	}
	a := &account{Tier: info.Tier, domain: info.Domain, replicas: max(replicas, 1)}
	if len(info.Tiers) > 0 {
		a.tier = fmt.Sprintf("R%d", max(replicas, 1))
		tier, ok := info.Tiers[a.tier]
		a.Tier, a.replicas, a.missing = tier, 1, !ok
	}
	d.ok(check, a.String())
	return a
}

// String returns the usage and the limits.
func (a *account) String() string {
	if a.missing {
		return "no tier " + a.tier
	}
	used := []string{"storage: " + of(a.Store, a.Limits.MaxStore) + " bytes", "streams: " + of(a.Streams, cmp.Or(a.Limits.MaxStreams, -1))}
	if n := a.Limits.MaxConsumers; n > 0 {
		used = append(used, fmt.Sprintf("consumers of a stream: at most %d", n))
	}
	if n := a.Limits.MaxAckPending; n > 0 {
		used = append(used, fmt.Sprintf("MaxAckPending: at most %d", n))
	}
	if a.tier != "" {
		return "tier " + a.tier + ", " + strings.Join(used, ", ")
	}
	return strings.Join(used, ", ")
}

// of returns the usage of a limit, which is below 0 if there is none.
func of[A int | uint64, B int | int64](used A, most B) string {
	if most < 0 {
		return fmt.Sprint(used)
	}
	return fmt.Sprintf("%d of %d", used, most)
}

// checkNewConsumer reports whether a stream can have no more consumers, for reasons that tryConsumer does not find.
func (a *account) checkNewConsumer(d *diagnosis, stream *jetstream.StreamInfo) (refused bool) {
	const check = "consumer"
	c, n := &stream.Config, stream.State.Consumers
	most := c.MaxConsumers
	if a != nil && a.Limits.MaxConsumers > 0 && (most <= 0 || a.Limits.MaxConsumers < most) {
		most = a.Limits.MaxConsumers
	}
	switch {
	case most > 0 && n >= most:
		d.add(Fatal, check, fmt.Sprintf("not found, and stream %s has all of the %d consumers that it may have", c.Name, most), "it cannot be created",
			"remove a consumer of the stream, or allow it more, by its MaxConsumers and the limits of the account")
	case c.Retention == jetstream.WorkQueuePolicy && n > 0:
		d.add(Fatal, check, fmt.Sprintf("not found, and work queue %s has a consumer", c.Name), "consumers of a work queue cannot share messages, and a capture creates a consumer of all subjects",
			"use the existing consumer, or create one whose filter subjects no other consumer has, and name it")
	default:
		return false
	}
	return true
}

// checkNewLedger checks whether a ledger can be created and filled.
func (a *account) checkNewLedger(d *diagnosis, name string, maxBytes int64) {
	const check = "ledger"
	if a == nil {
		return
	}
	l := &a.Limits
	bytes := maxBytes
	if bytes == 0 && l.MaxBytesRequired {
		bytes = ledger.DefaultMaxBytes
	}
	found := name + ": it cannot be created"
	left := l.MaxStore - int64(a.ReservedStore)
	needed := max(bytes, 1) * int64(a.replicas)
	most := l.StoreMaxStreamBytes
	switch {
	case a.missing:
		d.add(Fatal, check, found, "the account has no tier for so many replicas, and so can have no stream of them", "give the account a tier "+a.tier+", or set Options.Delivery to at-least-once")
	case l.MaxStreams > 0 && a.Streams >= l.MaxStreams:
		d.add(Fatal, check, found, fmt.Sprintf("the account has all of the %d streams that it may have", l.MaxStreams), "allow the account more streams, remove one, or set Options.Delivery to at-least-once")
	case most > 0 && bytes > most:
		d.add(Fatal, check, found, fmt.Sprintf("it would have %d bytes, and a stream of the account may have %d", bytes, most), fmt.Sprintf("set Options.LedgerMaxBytes to %d or less", most))
	case l.MaxStore >= 0 && needed > left:
		a.addNoRoom(d, found, needed, left)
	default:
		a.checkRoom(d, name)
	}
}

// addNoRoom reports that the bytes cannot be reserved.
func (a *account) addNoRoom(d *diagnosis, found string, needed, left int64) {
	change := "allow the account more storage, or set Options.Delivery to at-least-once"
	if most := left / int64(a.replicas); most >= fewBytes {
		change = fmt.Sprintf("set Options.LedgerMaxBytes to %d or less, or allow the account more storage", most)
	}
	d.add(Fatal, "ledger", found, fmt.Sprintf("it would have %d bytes, and the account has %d of its %d bytes of storage left to reserve", needed, max(left, 0), a.Limits.MaxStore), change)
}

// checkRoom checks whether the account has room for entries of a ledger.
func (a *account) checkRoom(d *diagnosis, name string) {
	if a == nil || a.Limits.MaxStore < 0 {
		return
	}
	all := a.Limits.MaxStore
	if a.tier != "" {
		all *= int64(max(1, a.replicasOfTier()))
	}
	if left := all - int64(a.Store); left < leastLedgerBytes {
		d.add(Fatal, "account's storage", fmt.Sprintf("%d of %d bytes are used", a.Store, all), "ledger "+name+" can take no entry, and nothing is stored without one",
			"allow the account more storage, or purge or delete streams that are not needed")
	}
}

// replicasOfTier returns how often the bytes of a tier's streams count: its limit is for one replica.
func (a *account) replicasOfTier() (n int) {
	_, _ = fmt.Sscanf(a.tier, "R%d", &n)
	return n
}

// tryConsumer asks the server to update the consumer that Run would create. The server checks the configuration, and then refuses because
// there is nothing to update. Servers before 2.11, whose answers do not have their version, may not know updates.
func tryConsumer(ctx context.Context, d *diagnosis, js jetstream.JetStream, e *examination) {
	const check = "consumer"
	ctx, cancel := context.WithTimeout(ctx, jsapi.Timeout)
	defer cancel()
	name, config := e.stream.Config.Name, *e.wanted
	if most := e.mostAckPending(); most > 0 {
		config.MaxAckPending = min(config.MaxAckPending, most)
	}
	if e.stream.Config.Metadata["_nats.ver"] != "" {
		_, err := jsapi.WithinLimits(&config, func() error {
			_, err := js.UpdateConsumer(ctx, name, config)
			return err
		})
		if !errors.Is(err, jetstream.ErrConsumerDoesNotExist) && err != nil {
			d.add(Fatal, check, "not found, and it cannot be created", err.Error(), "allow it, or create the consumer beforehand")
			return
		}
	}
	d.ok(check, "not found: the capture creates it at its start")
	if config.MaxAckPending < e.wanted.MaxAckPending {
		d.add(Warning, MaxAckPending, fmt.Sprintf("%d, the most that is allowed", config.MaxAckPending),
			fmt.Sprintf("the consumer is created with it, and not with %d: all captures together may hold no more messages, and seal files at half of it", e.wanted.MaxAckPending),
			fmt.Sprintf("allow a MaxAckPending of %d to consumers of stream %s, by its limits for consumers and those of the account and the server", e.wanted.MaxAckPending, name))
	}
	if threshold := e.stream.Config.ConsumerLimits.InactiveThreshold; threshold > 0 {
		e.addStreamThreshold(d, threshold)
	}
}

// checkOtherDomain looks for a consumer of the same name in the domain of the connection. The server routes acks by these names alone.
func checkOtherDomain(ctx context.Context, d *diagnosis, nc *nats.Conn, e *examination, domain, stream, consumer string) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeoutOptional)
	defer cancel()
	js, err := jetstream.New(nc)
	if domain == "" || err != nil {
		return
	}
	info, err := js.AccountInfo(ctx)
	if err != nil || info.Domain == domain {
		return
	}
	c, err := js.Consumer(ctx, stream, consumer)
	if err != nil || e.consumer != nil && c.CachedInfo().Created.Equal(e.consumer.Created) {
		return
	}
	d.add(Warning, "domain", fmt.Sprintf("%s, and domain %s also has a consumer %s of a stream %s", domain, cmp.Or(info.Domain, "of the connection"), consumer, stream),
		"acks for one may reach the other, which then counts messages as archived that are not", "use a consumer of another name")
}
