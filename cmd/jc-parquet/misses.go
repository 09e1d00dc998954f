package main

import (
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

const missesEvery = time.Minute // between two warnings

// misses counts messages without a value for --split, and warns of them, because the flag may be mistyped.
type misses struct {
	split  split
	log    *zap.Logger
	count  atomic.Int64
	warned time.Time // when it warned last
}

// value returns a message's value for the split. One goroutine may call it.
func (m *misses) value(msg *nats.Msg) string {
	value := m.split.value(msg)
	if value == "" && m.split.folder != "" {
		m.miss(msg)
	}
	return value
}

func (m *misses) miss(msg *nats.Msg) {
	n := m.count.Add(1)
	if time.Since(m.warned) < missesEvery {
		return
	}
	m.warned = time.Now()
	folder, _ := m.split.path("")
	m.log.Warn("messages have no value for --split and go to one folder", zap.Int64("so_far", n), zap.String("split", m.split.flag),
		zap.String("folder", folder), zap.String("subject", msg.Subject))
}

// n returns the number of such messages.
func (m *misses) n() int64 {
	if m == nil {
		return 0
	}
	return m.count.Load()
}
