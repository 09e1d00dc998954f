package app

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// LoggingFlags returns new flags, which Logger reads.
func LoggingFlags() []cli.Flag {
	const category = "Log"
	return []cli.Flag{
		&cli.StringFlag{
			Name: "log-level", Sources: Env("log-level"), Category: category,
			Usage: "log lines of `LEVEL` and above: debug, info, warn or error", Value: "info",
			Validator: func(s string) error {
				if _, err := zapcore.ParseLevel(s); err != nil {
					return fmt.Errorf("unknown level: use debug, info, warn or error")
				}
				return nil
			},
		},
		&cli.BoolFlag{
			Name: "log-json", Sources: Env("log-json"), Category: category,
			Usage: "log in JSON, including a final error",
		},
	}
}

// Logger returns a logger that writes to the error output of cmd, by default os.Stderr, as the flags of LoggingFlags say. Its lines
// contain only printable characters.
func Logger(cmd *cli.Command) *zap.Logger {
	level, err := zapcore.ParseLevel(cmd.String("log-level"))
	if err != nil {
		level = zapcore.InfoLevel
	}
	return newLogger(cmd.Root().ErrWriter, level, cmd.Bool("log-json"))
}

func newLogger(w io.Writer, level zapcore.Level, inJSON bool) *zap.Logger {
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.ISO8601TimeEncoder
	config.EncodeDuration = zapcore.StringDurationEncoder
	encoder, lines := zapcore.NewJSONEncoder(config), PrintableJSON(w)
	if !inJSON {
		config.EncodeLevel = zapcore.CapitalLevelEncoder
		config.ConsoleSeparator = " "
		encoder = zapcore.NewConsoleEncoder(config)
		lines = printableWriter{w, goEscape}
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(lines)), level))
}
