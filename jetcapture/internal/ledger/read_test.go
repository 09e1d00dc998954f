package ledger

import (
	"strconv"
	"testing"
)

func TestMessagesOfTheFilesThatWereReadLastAreKept(t *testing.T) {
	var r readFiles
	const each = readMessages / 10
	for i := range 10 {
		r.put(readFile{strconv.Itoa(i), make([]Message, each)})
	}
	r.get("0")
	r.put(readFile{"10", make([]Message, each)})
	for i := range 11 {
		if _, ok := r.get(strconv.Itoa(i)); ok != (i != 1) {
			t.Errorf("file %d is kept: %v", i, ok)
		}
	}
	r.put(readFile{"large", make([]Message, 2*readMessages)})
	if _, ok := r.get("large"); !ok || len(r.files) != 1 || r.size != 2*readMessages {
		t.Errorf("%d files of %d messages are kept beside a large one, which is: %v", len(r.files), r.size, ok)
	}
}
