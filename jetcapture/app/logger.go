package app

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// LoggingFlags returns new flags for what Logger reads.
func LoggingFlags() []cli.Flag {
	const category = "Log"
	return []cli.Flag{
		&cli.StringFlag{
			Name: "log-level", Sources: Env("log-level"), Category: category,
			Usage: "the least `LEVEL` that is logged: debug, info, warn or error", Value: "info",
			Validator: func(s string) error {
				if _, err := zapcore.ParseLevel(s); err != nil {
					return fmt.Errorf("unknown level: use debug, info, warn or error")
				}
				return nil
			},
		},
		&cli.BoolFlag{
			Name: "log-json", Sources: Env("log-json"), Category: category,
			Usage: "log lines of JSON, and a final error as one",
		},
	}
}

// Logger returns a logger that writes to the error output of cmd, os.Stderr if it is none of its own, as its flags say. Its lines
// have printable characters only.
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
