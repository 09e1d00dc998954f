package app

import "strings"

// InFlags puts what Options.Validate and jetcapture.Examine say into the words of the flags of CaptureFlags.
func InFlags(text string) string { return inFlags.Replace(text) }

// inFlags has field names alone only where nothing else is named so: streams have a MaxBytes and a MaxAge, too.
var inFlags = strings.NewReplacer(
	"options: MaxAge is", "--interval is",
	"options: Grace is", "--grace is",
	"options: MaxMessages is", "--max-messages is",
	"options: MaxBytes is", "--max-bytes is",
	"options: MinMessages is", "--min-messages is",
	"options: MaxLinger is", "--max-linger is",
	"options: MaxInFlight is", "--max-in-flight is",
	"options: MemoryLimit is", "--memory-limit is",
	"options: StoreConcurrency is", "--store-concurrency is",
	"options: DrainTimeout is", "--drain-timeout is",
	"options: LedgerName is", "--ledger is",
	"options: LedgerSubject is", "--ledger-subject is",
	"options: LedgerRetention is", "--ledger-retention is",
	"options: LedgerMaxBytes is", "--ledger-max-bytes is",
	"options: TempDir", "--tmp-dir",
	"create it, or set another", "create it, or name another",
	"set a shorter one (default", "write a shorter one, as in --ledger JC_ORDERS (the default is",

	"(LedgerSubject, --ledger-subject)", "(--ledger-subject)",
	"MaxInFlight", "--max-in-flight",
	"LedgerSubject", "--ledger-subject",
	"LedgerRetention", "--ledger-retention",
	"LedgerMaxBytes", "--ledger-max-bytes",
	"connect with the inbox prefix", "write --inbox-prefix",
	"or ask the capture to do it", "or write --create-consumer",
	"name another ledger", "name another by --ledger",
	"at-least-once delivery", "--delivery at-least-once",
)
