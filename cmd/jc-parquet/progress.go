package main

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

const progressEvery = 5 * time.Second

// A tally has the counts of a capture since it began.
type tally struct {
	pulled      int // messages received, including redeliveries
	messages    int // messages stored in files of rows
	rows        int
	files       int
	bytes       int64 // of files
	deadLetters int   // messages stored as dead letters
	letterFiles int   // files of dead letters
	repeated    int   // messages that were in a file already
}

// progress observes a capture, logs a line every few seconds, and a summary at the end.
type progress struct {
	log    *zap.Logger
	misses *misses // nil without --split

	mu    sync.Mutex
	sum   tally
	first time.Time // when the first block was opened
	last  time.Time // when the last block was acked

	counts *jsoncolumns.Counts // of typed columns, or nil
	warned map[string]bool     // columns for which a warning was logged

	shown   tally // at the last line
	shownAt time.Time
	stats   jetcapture.Stats // at the last line
}

func newProgress(log *zap.Logger) *progress {
	return &progress{log: log, shownAt: time.Now(), warned: map[string]bool{}}
}

func (p *progress) observer() jetcapture.Observer {
	return jetcapture.Observer{
		Pulled: func(messages int, _ int64) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.sum.pulled += messages
		},
		BlockOpened: func(jetcapture.Block) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.first.IsZero() {
				p.first = time.Now()
			}
		},
		BlockStored: p.stored,
		BlockAcked: func(jetcapture.Block, time.Duration) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.last = time.Now()
		},
		Repeated: func(_, stored int) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.sum.repeated += stored
		},
		Sampled: p.sampled,
	}
}

func (p *progress) stored(b jetcapture.Block, _ time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	if p.sum.files+p.sum.letterFiles == 0 {
		p.log.Info("first file is stored", zap.String("location", b.Location), zap.Int("messages", b.Messages))
	}
	if b.DeadLetter {
		p.sum.deadLetters += b.Messages
		p.sum.letterFiles++
		return
	}
	p.sum.messages += b.Messages
	p.sum.rows += b.Rows
	p.sum.files++
	p.sum.bytes += b.Bytes
}

// sampled logs a line every few seconds, unless the capture is idle.
func (p *progress) sampled(s jetcapture.Stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	duration := time.Since(p.shownAt)
	if duration < progressEvery {
		return
	}
	idle := p.sum == p.shown && s.Pending == 0 && s.HeldMessages == p.stats.HeldMessages
	if !idle {
		fields := []zap.Field{
			zap.Int("messages_per_s", perSecond(p.sum.pulled-p.shown.pulled, duration)),
			zap.Int("held", s.HeldMessages),
			zap.Uint64("pending", s.Pending),
			zap.Duration("lag", s.Lag.Round(time.Millisecond)),
			zap.Int("files", p.sum.files),
			zap.Int64("bytes", p.sum.bytes),
		}
		misfits := p.misfits()
		p.log.Info("progress", append(append(fields, p.extras()...), misfits.fields()...)...)
		misfits.warn(p.log, p.warned)
	}
	p.shown, p.shownAt, p.stats = p.sum, time.Now(), s
}

// misfits returns the number of values, by column, that did not fit.
func (p *progress) misfits() misfitCounts {
	if p.counts == nil {
		return nil
	}
	return p.counts.Misfits()
}

// began reports whether any message has come.
func (p *progress) began() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.first.IsZero() || p.sum.repeated > 0
}

// took returns the time from the first message to the last ack.
func (p *progress) duration() time.Duration {
	if p.first.IsZero() {
		return 0
	}
	return max(0, p.last.Sub(p.first))
}

// summary logs the totals of a capture that has ended.
func (p *progress) summary() {
	p.mu.Lock()
	defer p.mu.Unlock()
	fields := []zap.Field{
		zap.Int("messages", p.sum.messages), zap.Int("rows", p.sum.rows),
		zap.Int("files", p.sum.files), zap.Int64("bytes", p.sum.bytes),
		zap.Float64("seconds", p.duration().Seconds()), zap.Int("messages_per_s", perSecond(p.sum.messages, p.duration())),
	}
	misfits := p.misfits()
	p.log.Info("stored", append(append(fields, p.extras()...), misfits.fields()...)...)
	misfits.warn(p.log, map[string]bool{})
}

// extras returns the counts that are usually zero, if they are not.
func (p *progress) extras() (fields []zap.Field) {
	if p.sum.deadLetters > 0 {
		fields = append(fields, zap.Int("dead_letters", p.sum.deadLetters), zap.Int("dead_letter_files", p.sum.letterFiles))
	}
	if p.sum.repeated > 0 {
		fields = append(fields, zap.Int("already_stored", p.sum.repeated))
	}
	if n := p.misses.n(); n > 0 {
		fields = append(fields, zap.Int64("without_split", n))
	}
	return fields
}

func perSecond(n int, d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int(float64(n) / d.Seconds())
}
