package jetcapture

import (
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/repeats"
)

const repeatEvery = 10 * time.Second // between two lines about the same failure

// A logger logs what happens once. What may fail again and again goes to often, which leaves out lines that come within repeatEvery
// and counts them.
type logger struct {
	*zap.Logger
	often *zap.Logger
}

func newLogger(log *zap.Logger) logger {
	return logger{log, log.WithOptions(repeats.Fold(repeatEvery))}
}
