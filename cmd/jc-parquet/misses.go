package main

import (
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

const missesEvery = time.Minute // between two warnings

// misses count the messages that have nothing of what --split asks for, and warn of them: the flag may be mistyped.
type misses struct {
	split split
	log   *zap.Logger
	count atomic.Int64
	said  time.Time
}

// value returns a message's value of the split. It is for one goroutine.
func (m *misses) value(msg *nats.Msg) string {
	value := m.split.value(msg)
	if value == "" && m.split.folder != "" {
		m.miss(msg)
	}
	return value
}

func (m *misses) miss(msg *nats.Msg) {
	n := m.count.Add(1)
	if time.Since(m.said) < missesEvery {
		return
	}
	m.said = time.Now()
	folder, _ := m.split.path("")
	m.log.Warn("messages have no value for --split: they all go to one folder", zap.Int64("so_far", n), zap.String("split", m.split.flag),
		zap.String("folder", folder), zap.String("subject", msg.Subject))
}

// n returns how many there were.
func (m *misses) n() int64 {
	if m == nil {
		return 0
	}
	return m.count.Load()
}
