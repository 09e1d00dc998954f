package preflight

import (
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

// examineLedger checks the ledger and its contents, and tries what captures do to it, as far as that changes nothing. It does not create a
// ledger that does not exist, but checks whether a capture can, by the limits of the account and the streams on its subjects.
func examineLedger(ctx context.Context, d *diagnosis, nc *nats.Conn, js jetstream.JetStream, e *examination, a *account) error {
	p := e.Plan
	name, wanted := p.Ledger(), e.stream.Config.Replicas
	info, inspected := ledger.Inspect(ctx, js, p.Stream, p.Consumer, p.LedgerName)
	if info == nil && inspected == nil {
		var refused diagnosis
		const subjects, found, why = "ledger's subjects", "not compared", "whether another stream than the captured one has them is not known"
		switch err := checkListeners(ctx, &refused, js, e, name, p.LedgerSubject); {
		case errors.Is(err, permission.ErrMissing):
			d.add(Advice, subjects, found, why, "allow the user to publish to "+jsapi.Prefix(p.Domain)+".STREAM.NAMES")
		case err != nil:
			d.note(subjects, found, fmt.Sprintf("%s: look up the streams of the account: %v", why, err))
		}
		a.checkNewLedger(&refused, name, p.LedgerMaxBytes)
		if len(refused) > 0 {
			*d = append(*d, refused...)
			return nil
		}
	}
	if err := checkLedger(d, info, inspected, name, wanted); err != nil || info == nil || inspected != nil {
		return err
	}
	checkLedgerLimits(d, info)
	a.checkRoom(d, name)
	if !e.may(strings.TrimSuffix(info.Config.Subjects[0], ">") + "try") {
		return nil
	}
	if err := ledger.TryAppend(ctx, js, info); err != nil && ctx.Err() == nil {
		d.add(Fatal, "entry in the ledger", "refused", err.Error(), "allow the user to publish to "+info.Config.Subjects[0]+", or find out why stream "+name+" does not answer")
	}
	fork, noted, err := ledger.LastFork(ctx, js, info)
	if err == nil && fork != nil {
		checkFork(d, fork, noted, time.Since(noted))
	}
	if err != nil {
		return err
	}
	return examineContents(ctx, d, nc, js, e, info)
}

// checkListeners checks whether other streams have the subjects of the ledger. No two streams can have the same subjects. If only the
// captured stream could be checked, it returns the reason.
func checkListeners(ctx context.Context, refused *diagnosis, js jetstream.JetStream, e *examination, name, subject string) error {
	others, err := e.listeners(ctx, js, subject)
	if len(others) == 0 {
		return err
	}
	change := "give that stream narrower subjects, or set Options.Delivery to at-least-once"
	for _, other := range []string{"_JC.ledgers", "jetcapture.ledgers.of.captures"} {
		if taken, _ := e.listeners(ctx, js, other); len(taken) == 0 {
			change = fmt.Sprintf("set Options.LedgerSubject to %s, or give that stream narrower subjects", other)
			break
		}
	}
	refused.add(Fatal, "ledger", fmt.Sprintf("%s: its subjects %s.> are those of stream %s", name, subject, strings.Join(others, ", ")),
		"streams of an account cannot have the same subjects, so it cannot be created", change)
	return err
}

// listeners returns the streams of the account that have the subjects of a ledger below a subject. If streams cannot be listed, it checks
// the captured stream only, and returns the reason.
func (e *examination) listeners(ctx context.Context, js jetstream.JetStream, subject string) (names []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeoutOptional)
	defer cancel()
	entries := subject + ".nobodystoken0000.>" // as long as a token, with digits that no token has
	names, err = permission.Ask(ctx, js.Conn(), jsapi.Prefix(js.Options().Domain)+".STREAM.NAMES", func(ctx context.Context) (names []string, err error) {
		lister := js.StreamNames(ctx, jetstream.WithStreamListSubject(entries))
		for name := range lister.Name() {
			names = append(names, name)
		}
		return names, lister.Err()
	})
	if err != nil && e.takes([]string{entries}) {
		names = []string{e.stream.Config.Name}
	}
	return names, err
}

// oneReplica says what a ledger with one replica risks.
const oneReplica = "only one server has it: if that server dies before it has written the latest entries to disk, they are lost. " +
	"Captures notice that and append them again, and end if a file does not say which messages it has. " +
	"sync_interval: always in the server's configuration prevents the loss, and so do three replicas"

// checkLedger reports the result of ledger.Inspect. wanted is the number of replicas of the captured stream.
func checkLedger(d *diagnosis, info *jetstream.StreamInfo, err error, name string, wanted int) error {
	const check = "ledger"
	switch {
	case errors.Is(err, ledger.ErrMisfit) && canUnlimit(info):
		d.fixableLedger(Fatal, check, name, err.Error(), "remove MaxAge and MaxMsgsPerSubject of stream "+name+", and set its discard policy to new",
			func(c *jetstream.StreamConfig) { ledger.Unlimit(c) })
	case errors.Is(err, ledger.ErrMisfit):
		d.add(Fatal, check, name, err.Error(), "change stream "+name+", or set Options.LedgerName to another")
	case err != nil:
		return err
	case info == nil:
		found := fmt.Sprintf("%s: the first capture creates it, with %s", name, replicas(wanted))
		if wanted > 1 {
			d.ok(check, found)
		} else {
			d.note(check, found, oneReplica)
		}
	default:
		checkLedgerStream(d, info, wanted)
	}
	return nil
}

func checkLedgerStream(d *diagnosis, info *jetstream.StreamInfo, wanted int) {
	const check = "ledger"
	name, has := info.Config.Name, info.Config.Replicas
	found := fmt.Sprintf("%s, %d entries, %d bytes, %s", name, info.State.Msgs, info.State.Bytes, replicas(has))
	switch {
	case has < wanted:
		why := fmt.Sprintf("the stream has %s: if a server is lost the ledger may be lost with it, and then captures end", replicas(wanted))
		if has == 1 {
			why += "; " + oneReplica
		}
		d.fixableLedger(Warning, check, fmt.Sprintf("%s, %s", name, replicas(has)), why, fmt.Sprintf("set Replicas of stream %s to %d", name, wanted),
			func(c *jetstream.StreamConfig) { c.Replicas = wanted })
	case info.Config.Storage == jetstream.MemoryStorage:
		d.add(Warning, check, name+", memory storage", "when the server restarts, it is not known any more which messages are archived",
			"stop all captures, delete stream "+name+", and let the next capture create it")
	case has == 1 && isClustered(info):
		d.add(Advice, check, found, oneReplica, "set Replicas of stream "+name+" to 3")
	case has == 1:
		d.note(check, found, oneReplica)
	default:
		d.ok(check, found)
	}
}

func canUnlimit(info *jetstream.StreamInfo) bool {
	config := info.Config
	return ledger.Unlimit(&config)
}

// isClustered reports whether a stream can have more replicas.
func isClustered(info *jetstream.StreamInfo) bool {
	return info.Cluster != nil && info.Cluster.Name != ""
}

// forkWarned is how long a fork is a warning: whether its cause is gone cannot be seen here.
const forkWarned = 7 * 24 * time.Hour

// checkFork reports that the stream has lost its end. noted is when the ledger recorded it, ago is how long that is ago.
func checkFork(d *diagnosis, fork *ledger.Fork, noted time.Time, ago time.Duration) {
	const check = "stream's end"
	found := fmt.Sprintf("lost: from sequence %d on other messages have the same sequences, noticed %s", fork.Seq, noted.UTC().Format(time.RFC3339))
	const why = "a server died before it had written the stream to disk, or an older copy of it was restored: " +
		"lost messages that captures held are in files, the others are gone"
	if ago > forkWarned {
		d.note(check, found, why)
		return
	}
	d.add(Warning, check, found, why, "set sync_interval: always in the server's configuration, or give the stream three replicas and file storage")
}
