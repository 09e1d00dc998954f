package format_test

import (
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/schema/columns"
)

func TestRawPlanRejectsInTheWordsOfValidate(t *testing.T) {
	plan := format.RawPlan[*formattest.Message]()
	columns := columns.New(plan.Schema())
	for i, m := range formattest.BadMessages() {
		raw := m.Raw()
		want := raw.Validate()
		if rows, err := plan.Append(columns, m); rows != 0 || err == nil || err.Error() != want.Error() {
			t.Errorf("message %d: %d rows, %v, want %v", i, rows, err, want)
		}
	}
	if columns.Rows() != 0 {
		t.Errorf("%d rows of messages that are not valid", columns.Rows())
	}
	for i, m := range formattest.Messages() {
		if rows, err := plan.Append(columns, m); rows != 1 || err != nil {
			t.Errorf("message %d: %d rows, %v", i, rows, err)
		}
	}
}
