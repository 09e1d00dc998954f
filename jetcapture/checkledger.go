package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

func ledgerName[P Payload, K DestKey](o *Options[P, K]) string {
	if o.LedgerName != "" {
		return o.LedgerName
	}
	return ledger.StreamName(o.NATSStreamName, o.NATSConsumerName)
}

// examineLedger looks at the ledger and at what it holds, and tries what captures do to it, as far as that changes nothing. One that is
// not there is not made: whether it could be is found out by the limits of the account, and by who listens on its subjects.
func examineLedger[P Payload, K DestKey](ctx context.Context, d *diagnosis, nc *nats.Conn, js jetstream.JetStream, o *Options[P, K], e *examination, a *account) error {
	name, wanted := ledgerName(o), e.stream.Config.Replicas
	info, inspected := ledger.Inspect(ctx, js, o.NATSStreamName, o.NATSConsumerName, o.LedgerName)
	if info == nil && inspected == nil {
		var refused diagnosis
		const subjects, found, why = "ledger's subjects", "not compared", "whether another stream than the captured one takes them is not known"
		switch err := checkListeners(ctx, &refused, js, e, name, o.LedgerSubject); {
		case errors.Is(err, ErrPermission):
			d.add(SeverityAdvice, subjects, found, why, "allow the user to publish to "+apiPrefix(o.JetStreamDomain)+".STREAM.NAMES")
		case err != nil:
			d.note(subjects, found, fmt.Sprintf("%s: look up the streams of the account: %v", why, err))
		}
		a.checkNewLedger(&refused, name, o.LedgerMaxBytes)
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
		d.add(SeverityFatal, "entry in the ledger", "refused", err.Error(), "allow the connection to publish on "+info.Config.Subjects[0]+", or see why stream "+name+" does not answer")
	}
	fork, noted, err := ledger.LastFork(ctx, js, info)
	if err == nil && fork != nil {
		checkFork(d, fork, noted, time.Since(noted))
	}
	if err != nil {
		return err
	}
	return examineContents(ctx, d, nc, js, o, e, info)
}

// checkListeners reports that other streams take what would be the ledger's, if so. The server lets no two streams have the same
// subjects. It returns why it could look at the captured stream only.
func checkListeners(ctx context.Context, refused *diagnosis, js jetstream.JetStream, e *examination, name, subject string) error {
	others, err := e.listeners(ctx, js, subject)
	if len(others) == 0 {
		return err
	}
	change := "give that stream narrower subjects, or use at-least-once delivery"
	for _, other := range []string{"_JC.ledgers", "jetcapture.ledgers.of.captures"} {
		if taken, _ := e.listeners(ctx, js, other); len(taken) == 0 {
			change = fmt.Sprintf("set LedgerSubject to %s, or give that stream narrower subjects", other)
			break
		}
	}
	refused.add(SeverityFatal, "ledger", fmt.Sprintf("%s: its subjects %s.> are those of stream %s", name, subject, strings.Join(others, ", ")),
		"streams of an account may not take the same messages, so it cannot be made", change)
	return err
}

// listeners returns which streams take messages whose subjects begin with one and a ledger's token: all of the account, or the captured
// one alone, with the reason, if they may not be listed.
func (e *examination) listeners(ctx context.Context, js jetstream.JetStream, subject string) (names []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeoutOptional)
	defer cancel()
	entries := subject + ".nobodystoken0000.>" // as long as a token, and has digits that none has
	names, err = permitted(ctx, js.Conn(), apiPrefix(js.Options().Domain)+".STREAM.NAMES", func(ctx context.Context) (names []string, err error) {
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

// readWithin is how long a ledger may take to be read for the doctor.
const readWithin = 10 * time.Second

func examineContents[P Payload, K DestKey](ctx context.Context, d *diagnosis, nc *nats.Conn, js jetstream.JetStream, o *Options[P, K], e *examination, info *jetstream.StreamInfo) error {
	const check = "ledger's entries"
	api, consumers := apiPrefix(o.JetStreamDomain), "."+info.Config.Name+".any"
	if !e.may(api+".CONSUMER.CREATE"+consumers) || !e.may(api+".CONSUMER.MSG.NEXT"+consumers) {
		return nil
	}
	reading, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	c, err := ledger.ReadContents(reading, nc, js, info, filesLookedFor)
	if err == nil {
		if n, _ := filesToLookFor(e.consumer, c.Last); n > filesLookedFor && c.Files > filesLookedFor {
			c, err = ledger.ReadContents(reading, nc, js, info, n)
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ledger.ErrNewer):
		d.add(SeverityFatal, check, "of a later version", err.Error(), "upgrade this program")
	case errors.Is(err, context.DeadlineExceeded):
		d.note(check, "not read within "+readWithin.String(), "a capture reads them before it begins")
	case err != nil:
		d.add(SeverityFatal, check, "cannot be read", err.Error(), "allow the connection to create consumers of stream "+info.Config.Name+" and the stream to have some more")
	default:
		e.checkContents(d, c)
		e.checkAtWork(d, c)
		if locator, ok := o.Store.(store.Locator[K]); ok {
			checkFiles(ctx, d, locator, c, e.consumer)
		}
	}
	return nil
}

// checkContents holds what the ledger remembers against where the consumer stands.
func (e *examination) checkContents(d *diagnosis, c *ledger.Contents) {
	const check = "ledger's entries"
	found := fmt.Sprintf("%d messages in %d files", c.Messages, c.Files)
	if c.Open > 0 {
		found += fmt.Sprintf(", and %d files that captures are storing, or held when they crashed", c.Open)
	}
	i := e.consumer
	isNew := i == nil || i.Delivered.Consumer == 0 && i.AckFloor.Stream < c.Last
	if !isNew || c.Messages == 0 {
		d.ok(check, found)
		return
	}
	d.add(SeverityWarning, check, fmt.Sprintf("%s, up to sequence %d, and the consumer is new or was reset", found, c.Last),
		"these messages are taken for archived, and are not stored again",
		"see that their files are where they were; to archive the messages again use another consumer, or let the ledger forget them (jc-parquet reset)")
}

// checkAtWork says which captures are at work, as far as that can be seen.
func (e *examination) checkAtWork(d *diagnosis, c *ledger.Contents) {
	const check = "captures at work"
	i := e.consumer
	if i == nil {
		return
	}
	alone := i.Config.AckPolicy == jetstream.AckAllPolicy
	switch {
	case alone && c.Owner != "" && i.NumWaiting > 0:
		d.add(SeverityFatal, check, c.Owner, "the consumer has the ack policy all, so that one capture alone may use it, and this one pulls", "stop it, or use another consumer")
	case alone && c.Owner != "":
		d.note(check, c.Owner+", perhaps", "it has taken the consumer, which one capture alone may use, and not left it: it waits for its store, or was killed. The next capture asks it")
	case i.NumWaiting > 0 && c.Owner != "":
		d.ok(check, fmt.Sprintf("%d requests for messages are waiting; the last to tell the ledger is %s", i.NumWaiting, c.Owner))
	case i.NumWaiting > 0:
		d.ok(check, fmt.Sprintf("%d requests for messages are waiting", i.NumWaiting))
	default:
		d.ok(check, "none pulls")
	}
}

// oneReplica says what a ledger risks that one server has.
const oneReplica = "one server has it: if that dies before it has written the latest entries to disk, they are lost. " +
	"Captures notice it and restore them, and end where a file does not say which messages it has. " +
	"sync_interval: always in the server's configuration prevents that, and so do three replicas"

// checkLedger reports what ledger.Inspect has found. The captured stream has so many replicas.
func checkLedger(d *diagnosis, info *jetstream.StreamInfo, err error, name string, wanted int) error {
	const check = "ledger"
	switch {
	case errors.Is(err, ledger.ErrMisfit) && canUnlimit(info):
		d.fixableLedger(SeverityFatal, check, name, err.Error(), "remove MaxAge and MaxMsgsPerSubject of stream "+name+", and set its discard policy to new",
			func(c *jetstream.StreamConfig) { ledger.Unlimit(c) })
	case errors.Is(err, ledger.ErrMisfit):
		d.add(SeverityFatal, check, name, err.Error(), "change stream "+name+", or name another ledger")
	case err != nil:
		return err
	case info == nil:
		found := fmt.Sprintf("%s: it is made when the first capture begins, with %s", name, replicas(wanted))
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
		why := fmt.Sprintf("the stream has %s: when a server is lost the ledger may be, and then captures end", replicas(wanted))
		if has == 1 {
			why += "; " + oneReplica
		}
		d.fixableLedger(SeverityWarning, check, fmt.Sprintf("%s, %s", name, replicas(has)), why, fmt.Sprintf("set Replicas of stream %s to %d", name, wanted),
			func(c *jetstream.StreamConfig) { c.Replicas = wanted })
	case info.Config.Storage == jetstream.MemoryStorage:
		d.add(SeverityWarning, check, name+", memory storage", "when the server restarts nobody knows any more what is archived",
			"stop all captures, delete stream "+name+", and let the next capture make it")
	case has == 1 && isClustered(info):
		d.add(SeverityAdvice, check, found, oneReplica, "set Replicas of stream "+name+" to 3")
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

const (
	leastLedgerBytes   = 4 << 10 // below which there is no room for the claim of a block
	leastLedgerEntries = 8
)

// checkLedgerLimits looks whether the ledger may have more entries, and large ones.
func checkLedgerLimits(d *diagnosis, info *jetstream.StreamInfo) {
	const check = "ledger's room"
	c, s := &info.Config, &info.State
	found := fmt.Sprintf("%d bytes of %d", s.Bytes, c.MaxBytes)
	more := max(2*c.MaxBytes, 1<<20)
	raise := func(c *jetstream.StreamConfig) { c.MaxBytes = more }
	change := fmt.Sprintf("set MaxBytes of stream %s to %d", c.Name, more)
	const why = "nothing is stored when it is used up, until files are forgotten"
	switch left := c.MaxBytes - int64(s.Bytes); {
	case c.MaxBytes <= 0:
	case left < leastLedgerBytes:
		d.fixableLedger(SeverityFatal, check, found, why, change, raise)
	case float64(s.Bytes) > limitReached*float64(c.MaxBytes):
		d.fixableLedger(SeverityWarning, check, found, why, change, raise)
	default:
		d.ok(check, found)
	}
	if c.MaxMsgs > 0 && c.MaxMsgs-int64(s.Msgs) < leastLedgerEntries {
		d.fixableLedger(SeverityFatal, "ledger's MaxMsgs", fmt.Sprintf("%d entries of %d", s.Msgs, c.MaxMsgs), why, "remove MaxMsgs of stream "+c.Name,
			func(c *jetstream.StreamConfig) { c.MaxMsgs = -1 })
	}
	if c.MaxMsgSize > 0 {
		severity := SeverityWarning
		if c.MaxMsgSize < leastLedgerBytes {
			severity = SeverityFatal
		}
		d.fixableLedger(severity, "ledger's MaxMsgSize", fmt.Sprint(c.MaxMsgSize), "the claim of a block with many messages is larger, and is refused: then the block is never stored",
			"remove MaxMsgSize of stream "+c.Name, func(c *jetstream.StreamConfig) { c.MaxMsgSize = -1 })
	}
	if c.PersistMode == jetstream.AsyncPersistMode {
		d.add(SeverityWarning, "ledger's persist mode", "async", "the server takes entries before they are written: when it dies the latest are lost",
			"stop all captures, let them store what they hold, and remove stream "+c.Name+": the next capture makes it")
	}
}

// isClustered reports whether a stream could have more replicas.
func isClustered(info *jetstream.StreamInfo) bool {
	return info.Cluster != nil && info.Cluster.Name != ""
}

// forkWarned is for how long a fork is warned of: nobody can see here whether its cause is gone.
const forkWarned = 7 * 24 * time.Hour

// checkFork reports that the stream has lost its end, noted in the ledger at a time, so long ago.
func checkFork(d *diagnosis, fork *ledger.Fork, noted time.Time, ago time.Duration) {
	const check = "stream's end"
	found := fmt.Sprintf("lost: from sequence %d on other messages have the same sequences, noticed %s", fork.Seq, noted.UTC().Format(time.RFC3339))
	const why = "a server died before it had written the stream to disk, or an older copy of it was put back: " +
		"what captures held of the lost messages is in files, the others are gone"
	if ago > forkWarned {
		d.note(check, found, why)
		return
	}
	d.add(SeverityWarning, check, found, why, "set sync_interval: always in the server's configuration, or give the stream three replicas and file storage")
}
