package app

import "regexp"

// InFlags replaces the names of options in a text by flags: Options.MaxAge by --interval. Errors of Options.Validate and of Run, and
// findings of jetcapture.Examine, name options like that.
func InFlags(text string) string {
	return optionName.ReplaceAllStringFunc(text, func(name string) string {
		if flag, ok := flagOf[name]; ok {
			return flag
		}
		return name
	})
}

var optionName = regexp.MustCompile(`\b(Options|nats)\.[A-Z]\w*`)

// flagOf has the flags of options.
var flagOf = map[string]string{
	"Options.NATSStreamName":   "--stream",
	"Options.NATSConsumerName": "--consumer",
	"Options.CreateConsumer":   "--create-consumer",
	"Options.MaxAge":           "--interval",
	"Options.Grace":            "--grace",
	"Options.MaxMessages":      "--max-messages",
	"Options.MaxBytes":         "--max-bytes",
	"Options.MinMessages":      "--min-messages",
	"Options.MaxLinger":        "--max-linger",
	"Options.MaxInFlight":      "--max-in-flight",
	"Options.MemoryLimit":      "--memory-limit",
	"Options.StoreConcurrency": "--store-concurrency",
	"Options.BufferToDisk":     "--buffer-to-disk",
	"Options.TempDir":          "--tmp-dir",
	"Options.DrainTimeout":     "--drain-timeout",
	"Options.Compression":      "--compression",
	"Options.Delivery":         "--delivery",
	"Options.LedgerName":       "--ledger",
	"Options.LedgerSubject":    "--ledger-subject",
	"Options.LedgerRetention":  "--ledger-retention",
	"Options.LedgerMaxBytes":   "--ledger-max-bytes",
	"nats.CustomInboxPrefix":   "--inbox-prefix",
}

// A flagError is an error whose text names flags instead of options.
type flagError struct{ err error }

// inFlags returns an error that names flags instead of options. nil stays nil.
func inFlags(err error) error {
	if err == nil {
		return nil
	}
	return &flagError{err}
}

func (e *flagError) Error() string { return InFlags(e.err.Error()) }
func (e *flagError) Unwrap() error { return e.err }
