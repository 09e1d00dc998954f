package repeats

import (
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestARepeatedMessageIsLoggedAtOnceAndThenWithItsCount(t *testing.T) {
	now := time.Now()
	observed, logs := observer.New(zapcore.WarnLevel)
	log := zap.New(observed).WithOptions(fold(10*time.Second, func() time.Time { return now }))
	child := log.With(zap.String("block", "b"))
	for i := range 25 {
		log.Warn("it fails", zap.Int("i", i))
		child.Warn("it fails", zap.Int("i", i))
		now = now.Add(time.Second)
	}
	log.Warn("something else")
	log.Info("below the level")
	type reported struct {
		i, repeated int64
	}
	var got []reported
	for _, e := range logs.FilterMessage("it fails").All() {
		fields := e.ContextMap()
		i, _ := fields["i"].(int64)
		repeated, _ := fields[Field].(int64)
		got = append(got, reported{i, repeated})
	}
	if want := []reported{{0, 0}, {10, 19}, {20, 19}}; len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("logged %v, want %v", got, want)
	}
	if n := logs.FilterMessage("something else").Len(); n != 1 {
		t.Errorf("another message was logged %d times", n)
	}
}
