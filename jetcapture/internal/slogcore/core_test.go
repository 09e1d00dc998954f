package slogcore_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/jetcapture/lake/jetcapture/internal/slogcore"
)

// logged returns what a JSON handler of slog writes, without the time.
func logged(t *testing.T, level slog.Level, log func(*zap.Logger)) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	log(zap.New(slogcore.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level}))))
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["time"] == nil {
			t.Errorf("there is no time in %s", line)
		}
		delete(fields, "time")
		lines = append(lines, fields)
	}
	return lines
}

func TestLevelsAreThoseOfSlog(t *testing.T) {
	log := func(log *zap.Logger) {
		log.Debug("d")
		log.Info("i")
		log.Warn("w")
		log.Error("e")
		log.DPanic("p")
	}
	var got []any
	for _, line := range logged(t, slog.LevelDebug, log) {
		got = append(got, line["level"], line["msg"])
	}
	if want := []any{"DEBUG", "d", "INFO", "i", "WARN", "w", "ERROR", "e", "ERROR+4", "p"}; !reflect.DeepEqual(got, want) {
		t.Errorf("the levels are %v, want %v", got, want)
	}
	if lines := logged(t, slog.LevelWarn, log); len(lines) != 3 {
		t.Errorf("a handler for warnings gets %v", lines)
	}
}

type point struct{ x, y int }

func (p point) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddInt("x", p.x)
	return e.AddObject("deep", zapcore.ObjectMarshalerFunc(func(e zapcore.ObjectEncoder) error { e.AddInt("y", p.y); return nil }))
}

type named struct{ name string }

func (n *named) String() string { return n.name }

func TestFieldsAreAttributes(t *testing.T) {
	lines := logged(t, slog.LevelInfo, func(log *zap.Logger) {
		log.Named("part").Info("m",
			zap.String("string", "s"), zap.Bool("bool", true), zap.Int("int", -1), zap.Uint64("uint", 1<<63), zap.Float64("float", 1.5), zap.Float32("single", 2.5),
			zap.Duration("duration", time.Second), zap.Time("at", time.Unix(0, 0).UTC()), zap.Error(errors.New("broken")), zap.NamedError("none", nil),
			zap.Stringer("stringer", &named{"n"}), zap.Stringer("nothing", (*named)(nil)), zap.Strings("list", []string{"a", "b"}),
			zap.ByteString("bytes", []byte("b")), zap.Any("any", map[string]int{"a": 1}), zap.Object("object", point{1, 2}), zap.Inline(point{3, 4}), zap.Skip())
	})
	want := []map[string]any{{
		"level": "INFO", "msg": "m", "logger": "part",
		"string": "s", "bool": true, "int": -1.0, "uint": 9223372036854775808.0, "float": 1.5, "single": 2.5,
		"duration": 1e9, "at": "1970-01-01T00:00:00Z", "error": "broken",
		"stringer": "n", "nothing": "<nil>", "list": []any{"a", "b"},
		"bytes": "b", "any": map[string]any{"a": 1.0}, "object": map[string]any{"x": 1.0, "deep": map[string]any{"y": 2.0}}, "x": 3.0, "deep": map[string]any{"y": 4.0},
	}}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("the handler wrote\n%v, want\n%v", lines, want)
	}
}

func TestNamespacesAreGroups(t *testing.T) {
	lines := logged(t, slog.LevelInfo, func(log *zap.Logger) {
		log.With(zap.Int("a", 1), zap.Namespace("outer"), zap.Int("b", 2)).Info("m", zap.Int("c", 3), zap.Namespace("inner"), zap.Int("d", 4))
	})
	want := []map[string]any{{"level": "INFO", "msg": "m", "a": 1.0, "outer": map[string]any{"b": 2.0, "c": 3.0, "inner": map[string]any{"d": 4.0}}}}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("the handler wrote %v, want %v", lines, want)
	}
}

// TestErrorsStayErrors for handlers that look into them.
func TestErrorsStayErrors(t *testing.T) {
	broken := errors.New("broken")
	var got any
	h := slog.NewTextHandler(&bytes.Buffer{}, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "error" {
			got = a.Value.Any()
		}
		return a
	}})
	zap.New(slogcore.New(h)).Warn("m", zap.Error(broken))
	if err, ok := got.(error); !ok || !errors.Is(err, broken) {
		t.Errorf("the attribute is %v, want the error", got)
	}
}

func TestSourceIsWhereItWasLogged(t *testing.T) {
	var out bytes.Buffer
	log := zap.New(slogcore.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{AddSource: true})), zap.AddCaller())
	_, _, line, _ := runtime.Caller(0)
	log.Info("m")
	var fields struct{ Source slog.Source }
	if err := json.Unmarshal(out.Bytes(), &fields); err != nil || !strings.HasSuffix(fields.Source.File, "core_test.go") || fields.Source.Line != line+1 {
		t.Errorf("the source is %+v, %v", fields.Source, err)
	}
}
