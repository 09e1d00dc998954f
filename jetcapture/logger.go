package jetcapture

import (
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/jetcapture/lake/jetcapture/internal/repeats"
	"github.com/jetcapture/lake/jetcapture/internal/slogcore"
)

var defaultLogger atomic.Pointer[zap.Logger]

// SetDefaultLogger sets the logger of captures whose Options have neither Logger nor Slog. Without it, or with nil, they write
// warnings and errors to standard error. zap.NewNop() makes them silent.
func SetDefaultLogger(logger *zap.Logger) { defaultLogger.Store(logger) }

// loggerFor returns the logger of a capture with this Options.Slog and no Options.Logger.
func loggerFor(log *slog.Logger) *zap.Logger {
	if log != nil {
		return zap.New(slogcore.New(log.Handler()), zap.AddCaller())
	}
	if set := defaultLogger.Load(); set != nil {
		return set
	}
	return stderrLogger()
}

// stderrLogger is shared, so that the lines of several captures do not mix.
var stderrLogger = sync.OnceValue(func() *zap.Logger { return warningLogger(os.Stderr) })

// warningLogger writes warnings and errors as lines for people.
func warningLogger(out io.Writer) *zap.Logger {
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime, config.EncodeDuration = zapcore.ISO8601TimeEncoder, zapcore.StringDurationEncoder
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(config), zapcore.Lock(zapcore.AddSync(out)), zapcore.WarnLevel))
}

const repeatEvery = 10 * time.Second // between two lines about the same failure

// A logger logs events that happen once. Failures that may repeat go to often, which leaves out lines that come within repeatEvery
// and counts them.
type logger struct {
	*zap.Logger
	often *zap.Logger
}

func newLogger(log *zap.Logger) logger {
	return logger{log, log.WithOptions(repeats.Fold(repeatEvery))}
}
