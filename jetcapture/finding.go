package jetcapture

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"
)

// A Severity is the consequence of a Finding for a capture.
type Severity string

// The severities, from best to worst.
const (
	SeverityOK      Severity = "ok"      // nothing to change
	SeverityAdvice  Severity = "advice"  // the capture works, and would work better with the change
	SeverityWarning Severity = "warning" // the capture works, at a cost: traffic, small files, or lost messages if something else fails, too
	SeverityFatal   Severity = "fatal"   // Run returns an error at once, or cannot store anything
)

// A Finding is what Examine has to say about one thing that a capture depends on.
type Finding struct {
	Severity Severity `json:"severity"`
	Check    string   `json:"check"`             // what was looked at, such as "AckWait"
	Found    string   `json:"found"`             // what it is, such as "30s"
	Why      string   `json:"why,omitempty"`     // that matters
	Change   string   `json:"change,omitempty"`  // the exact change to make; "" if there is none
	Fixable  bool     `json:"fixable,omitempty"` // Fix makes that change

	fix       func(*jetstream.ConsumerConfig) // of the consumer
	fixLedger func(*jetstream.StreamConfig)   // of the ledger's stream
}

// String returns a sentence or two.
func (f *Finding) String() string {
	link := ": "
	if first, _ := utf8.DecodeRuneInString(strings.TrimPrefix(f.Check, "stream's ")); unicode.IsUpper(first) { // a setting
		link = " is "
	}
	s := f.Check + link + f.Found
	if f.Why != "" {
		s += ": " + f.Why
	}
	s += "."
	if f.Change != "" {
		first, size := utf8.DecodeRuneInString(f.Change)
		s += " " + string(unicode.ToUpper(first)) + f.Change[size:]
		if f.Fixable {
			s += " (doctor --fix does)"
		}
		s += "."
	}
	return s
}

// A diagnosis is a list of findings in the making.
type diagnosis []Finding

func (d *diagnosis) ok(check, found string) {
	*d = append(*d, Finding{Severity: SeverityOK, Check: check, Found: found})
}

// note adds what is as it may be, but should be known.
func (d *diagnosis) note(check, found, why string) {
	*d = append(*d, Finding{Severity: SeverityOK, Check: check, Found: found, Why: why})
}

func (d *diagnosis) add(severity Severity, check, found, why, change string) {
	*d = append(*d, Finding{Severity: severity, Check: check, Found: found, Why: why, Change: change})
}

// fixable adds what a change to the consumer's configuration fixes at any time without a loss.
func (d *diagnosis) fixable(severity Severity, check, found, why, change string, fix func(*jetstream.ConsumerConfig)) {
	*d = append(*d, Finding{Severity: severity, Check: check, Found: found, Why: why, Change: change, Fixable: true, fix: fix})
}

// fixableLedger adds what a change to the configuration of the ledger's stream fixes at any time without a loss.
func (d *diagnosis) fixableLedger(severity Severity, check, found, why, change string, fix func(*jetstream.StreamConfig)) {
	*d = append(*d, Finding{Severity: severity, Check: check, Found: found, Why: why, Change: change, Fixable: true, fixLedger: fix})
}
