// Package slogcore lets a zap.Logger write to a slog.Handler.
package slogcore

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"go.uber.org/zap/zapcore"
)

// Names of the attributes that stand for parts of a zap entry that slog has no place for.
const (
	nameKey  = "logger"
	stackKey = "stacktrace"
)

// New returns a core that hands entries to h. Levels become those of slog with the same names; DPanic, Panic and Fatal are 12, 16 and
// 20. A namespace becomes a group, and errors stay errors. The handler decides which levels are enabled.
func New(h slog.Handler) zapcore.Core { return core{h} }

type core struct{ handler slog.Handler }

// levelStep is the difference of two neighbouring levels of slog. Those of zap differ by 1. Info is 0 in both.
const levelStep = slog.LevelWarn - slog.LevelInfo

func levelOf(l zapcore.Level) slog.Level { return slog.Level(l) * levelStep }

func (c core) Enabled(l zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), levelOf(l))
}

func (c core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// With opens a group for each namespace among the fields.
func (c core) With(fields []zapcore.Field) zapcore.Core {
	h := c.handler
	for len(fields) > 0 {
		before, group, after := cutNamespace(fields)
		if attrs := attrsOf(before); len(attrs) > 0 {
			h = h.WithAttrs(attrs)
		}
		if group != "" {
			h = h.WithGroup(group)
		}
		fields = after
	}
	return core{h}
}

func (c core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	var pc uintptr
	if e.Caller.Defined {
		pc = e.Caller.PC
	}
	record := slog.NewRecord(e.Time, levelOf(e.Level), e.Message, pc)
	if e.LoggerName != "" {
		record.AddAttrs(slog.String(nameKey, e.LoggerName))
	}
	record.AddAttrs(nested(fields)...)
	if e.Stack != "" {
		record.AddAttrs(slog.String(stackKey, e.Stack))
	}
	return c.handler.Handle(context.Background(), record)
}

// Sync does nothing: a slog.Handler has no buffer that others may flush.
func (c core) Sync() error { return nil }

// nested returns attributes in which a namespace is a group of all that follows.
func nested(fields []zapcore.Field) []slog.Attr {
	before, group, after := cutNamespace(fields)
	attrs := attrsOf(before)
	if group != "" {
		attrs = append(attrs, slog.Attr{Key: group, Value: slog.GroupValue(nested(after)...)})
	}
	return attrs
}

// cutNamespace returns the fields before the first namespace, its name, and the fields after it.
func cutNamespace(fields []zapcore.Field) (before []zapcore.Field, group string, after []zapcore.Field) {
	for i := range fields {
		if fields[i].Type == zapcore.NamespaceType {
			return fields[:i], fields[i].Key, fields[i+1:]
		}
	}
	return fields, "", nil
}

func attrsOf(fields []zapcore.Field) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(fields))
	for i := range fields {
		attrs = appendAttr(attrs, &fields[i])
	}
	return attrs
}

func appendAttr(attrs []slog.Attr, f *zapcore.Field) []slog.Attr {
	switch f.Type {
	case zapcore.SkipType:
		return attrs
	case zapcore.StringType:
		return append(attrs, slog.String(f.Key, f.String))
	case zapcore.BoolType:
		return append(attrs, slog.Bool(f.Key, f.Integer == 1))
	case zapcore.Int64Type, zapcore.Int32Type, zapcore.Int16Type, zapcore.Int8Type:
		return append(attrs, slog.Int64(f.Key, f.Integer))
	case zapcore.Uint64Type, zapcore.Uint32Type, zapcore.Uint16Type, zapcore.Uint8Type, zapcore.UintptrType:
		return append(attrs, slog.Uint64(f.Key, uint64(f.Integer))) //nolint:gosec // zap keeps it so
	case zapcore.Float64Type:
		return append(attrs, slog.Float64(f.Key, math.Float64frombits(uint64(f.Integer)))) //nolint:gosec // zap keeps it so
	case zapcore.DurationType:
		return append(attrs, slog.Duration(f.Key, time.Duration(f.Integer)))
	case zapcore.ErrorType:
		return append(attrs, slog.Any(f.Key, f.Interface))
	}
	encoder := zapcore.NewMapObjectEncoder() // for what has more than one value, or makes one by a method that may panic
	f.AddTo(encoder)
	return append(attrs, attrsOfMap(encoder.Fields)...)
}

// attrsOfMap returns the attributes of an object, by name.
func attrsOfMap(fields map[string]any) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(fields))
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if object, ok := fields[key].(map[string]any); ok {
			attrs = append(attrs, slog.Attr{Key: key, Value: slog.GroupValue(attrsOfMap(object)...)})
			continue
		}
		attrs = append(attrs, slog.Any(key, fields[key]))
	}
	return attrs
}
