package jetcapture

import "github.com/nats-io/nats.go/jetstream"

// A Severity says how bad a Finding is.
type Severity string

// The severities, from best to worst.
const (
	SeverityOK      Severity = "ok"
	SeverityAdvice  Severity = "advice"  // it works, and would work better
	SeverityWarning Severity = "warning" // it works, but costs something: traffic, small files, or messages when something else fails
	SeverityFatal   Severity = "fatal"   // Run refuses to begin
)

// A Finding is what Examine has to say about one thing that a capture depends on.
type Finding struct {
	Severity Severity `json:"severity"`
	Check    string   `json:"check"`             // what was looked at, such as "AckWait"
	Found    string   `json:"found"`             // what it is, such as "30s"
	Why      string   `json:"why,omitempty"`     // that matters
	Change   string   `json:"change,omitempty"`  // the exact change to make; "" if there is none
	Fixable  bool     `json:"fixable,omitempty"` // Fix makes that change

	fix func(*jetstream.ConsumerConfig)
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

// fixable adds what a change to the consumer's configuration mends at any time without a loss.
func (d *diagnosis) fixable(severity Severity, check, found, why, change string, fix func(*jetstream.ConsumerConfig)) {
	*d = append(*d, Finding{Severity: severity, Check: check, Found: found, Why: why, Change: change, Fixable: true, fix: fix})
}
