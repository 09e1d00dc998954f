package main

import (
	"sync"
	"time"

	"go.uber.org/zap"

	jsoncolumns "github.com/jetcapture/lake/cmd/jc-parquet/internal/columns"
	"github.com/jetcapture/lake/jetcapture"
)

const progressEvery = 5 * time.Second

// A tally counts what a capture has done since it began.
type tally struct {
	pulled   int // messages that came in, including those delivered again
	messages int // of them, stored
	rows     int
	files    int
	bytes    int64 // of files
	letters  int   // messages stored as dead letters
	letterFs int   // the files of these
	repeated int   // messages that were in a file before
}

// progress watches a capture, logs how it goes on every few seconds, and has its sums at the end.
type progress struct {
	log    *zap.Logger
	misses *misses // nil: nothing is split

	mu    sync.Mutex
	sum   tally
	first time.Time // when the first block was opened: the first message had come
	last  time.Time // when the last block was acked

	counts *jsoncolumns.Counts // of typed columns, or nil
	warned map[string]bool     // columns that too many values do not fit into, as was said

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
		AlreadyStored: func(messages int) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.sum.repeated += messages
		},
		Sampled: p.sampled,
	}
}

func (p *progress) stored(b jetcapture.Block, _ time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	if b.DeadLetter {
		p.sum.letters += b.Messages
		p.sum.letterFs++
		return
	}
	p.sum.messages += b.Messages
	p.sum.rows += b.Rows
	p.sum.files++
	p.sum.bytes += b.Bytes
}

// sampled logs a line every few seconds, unless nothing has happened and nothing is to be done.
func (p *progress) sampled(s jetcapture.Stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	took := time.Since(p.shownAt)
	if took < progressEvery {
		return
	}
	idle := p.sum == p.shown && s.Pending == 0 && s.HeldMessages == p.stats.HeldMessages
	if !idle {
		fields := []zap.Field{
			zap.Int("messages_per_s", perSecond(p.sum.pulled-p.shown.pulled, took)),
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

// misfits returns how many values did not fit their columns.
func (p *progress) misfits() misfitCounts {
	if p.counts == nil {
		return nil
	}
	return p.counts.Misfits()
}

// began says whether there is anything to sum up.
func (p *progress) began() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.first.IsZero() || p.sum.repeated > 0
}

// took is the time from the first message to the last ack.
func (p *progress) took() time.Duration {
	if p.first.IsZero() {
		return 0
	}
	return max(0, p.last.Sub(p.first))
}

// summary logs the sums once the capture has ended.
func (p *progress) summary() {
	p.mu.Lock()
	defer p.mu.Unlock()
	fields := []zap.Field{
		zap.Int("messages", p.sum.messages), zap.Int("rows", p.sum.rows),
		zap.Int("files", p.sum.files), zap.Int64("bytes", p.sum.bytes),
		zap.Float64("seconds", p.took().Seconds()), zap.Int("messages_per_s", perSecond(p.sum.messages, p.took())),
	}
	misfits := p.misfits()
	p.log.Info("stored", append(append(fields, p.extras()...), misfits.fields()...)...)
	misfits.warn(p.log, map[string]bool{})
}

// extras are the counts that most captures do not have.
func (p *progress) extras() (fields []zap.Field) {
	if p.sum.letters > 0 {
		fields = append(fields, zap.Int("dead_letters", p.sum.letters), zap.Int("dead_letter_files", p.sum.letterFs))
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
