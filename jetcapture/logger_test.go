package jetcapture

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
)

func TestLoggerWithoutOptionsWarns(t *testing.T) {
	var out bytes.Buffer
	log := warningLogger(&out)
	log.Info("quiet")
	log.Warn("loud", zap.Duration("took", time.Second))
	if line := out.String(); strings.Contains(line, "quiet") || !strings.Contains(line, "\twarn\tloud\t{\"took\": \"1s\"}\n") {
		t.Errorf("it writes %q", line)
	}
}

func TestSetLoggerIsTheDefault(t *testing.T) {
	defer SetDefaultLogger(defaultLogger.Load())
	log := zap.NewNop()
	SetDefaultLogger(log)
	if loggerFor(nil) != log {
		t.Error("the logger that was set is not used")
	}
	if SetDefaultLogger(nil); loggerFor(nil) != stderrLogger() {
		t.Error("without one, the log does not go to standard error")
	}
}
