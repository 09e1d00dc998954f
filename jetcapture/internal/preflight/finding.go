package preflight

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"
)

// A Severity is the consequence of a Finding for a capture.
type Severity string

// The severities, from best to worst.
const (
	OK      Severity = "ok"
	Advice  Severity = "advice"  // the capture works, and would work better with the change
	Warning Severity = "warning" // the capture works, at a cost: traffic, small files, or lost messages if something else fails, too
	Fatal   Severity = "fatal"   // Run returns an error at once, or cannot store anything
)

// A Finding is the result of one check.
type Finding struct {
	Severity Severity
	Check    string // what was checked, such as "AckWait"
	Found    string // its value, such as "30s"
	Why      string // what is wrong with the value, or should be known about it
	Change   string // the exact change to make; "" if there is none
	Fixable  bool   // Fix makes that change

	Repair Repair
}

// A Repair makes the change of a finding. At most one of its functions is set.
type Repair struct {
	Consumer func(*jetstream.ConsumerConfig)
	Ledger   func(*jetstream.StreamConfig) // of the ledger's stream
}

// String returns the finding as one line: the check, the value, what is wrong with it, and the change.
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

// A diagnosis collects findings.
type diagnosis []Finding

// ok adds a value that is right.
func (d *diagnosis) ok(check, found string) {
	*d = append(*d, Finding{Severity: OK, Check: check, Found: found})
}

// note adds a value that is right, with what should be known about it.
func (d *diagnosis) note(check, found, why string) {
	*d = append(*d, Finding{Severity: OK, Check: check, Found: found, Why: why})
}

// add adds a problem and the change that solves it.
func (d *diagnosis) add(severity Severity, check, found, why, change string) {
	*d = append(*d, Finding{Severity: severity, Check: check, Found: found, Why: why, Change: change})
}

// fixable adds a problem that a change of the consumer's configuration solves, at any time and without a loss.
func (d *diagnosis) fixable(severity Severity, check, found, why, change string, fix func(*jetstream.ConsumerConfig)) {
	*d = append(*d, Finding{Severity: severity, Check: check, Found: found, Why: why, Change: change, Fixable: true, Repair: Repair{Consumer: fix}})
}

// fixableLedger adds a problem that a change of the ledger's stream solves, at any time and without a loss.
func (d *diagnosis) fixableLedger(severity Severity, check, found, why, change string, fix func(*jetstream.StreamConfig)) {
	*d = append(*d, Finding{Severity: severity, Check: check, Found: found, Why: why, Change: change, Fixable: true, Repair: Repair{Ledger: fix}})
}

// Worst returns the worst severity of findings, OK for none.
func Worst(findings []Finding) Severity {
	order := []Severity{OK, Advice, Warning, Fatal}
	worst := 0
	for _, f := range findings {
		worst = max(worst, slices.Index(order, f.Severity))
	}
	return order[worst]
}
