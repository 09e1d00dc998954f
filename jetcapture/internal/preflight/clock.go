package preflight

import "time"

// checkClock compares the local clock with the server's, by the time in an answer and the local times before and after it.
func (e *examination) checkClock(d *diagnosis) {
	const check = "clock"
	if e.consumer == nil || e.consumer.TimeStamp.IsZero() || e.asked.IsZero() {
		return
	}
	there := e.consumer.TimeStamp
	var skew time.Duration // at least
	direction := ""
	switch {
	case there.Before(e.asked):
		skew, direction = e.asked.Sub(there), "ahead of"
	case there.After(e.answered):
		skew, direction = there.Sub(e.answered), "behind"
	}
	if skew <= max(e.Grace, time.Second) {
		d.ok(check, "the same as the server's, within "+max(skew, e.answered.Sub(e.asked), time.Millisecond).Round(time.Millisecond).String())
		return
	}
	why := "the intervals of a quiet stream end by this clock"
	if direction == "ahead of" {
		why += ", too early: messages that come later make more files"
	} else {
		why += ", too late"
	}
	d.add(Warning, check, skew.Round(100*time.Millisecond).String()+" "+direction+" the server's",
		why+". Clouds refuse requests with a time that is minutes wrong",
		"synchronise the clocks here and at the server by NTP")
}
