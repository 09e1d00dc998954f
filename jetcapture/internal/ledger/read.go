package ledger

import (
	"slices"
	"sync"
)

// readFiles has the messages of the files that were read last: messages that are delivered again come in order, but from many
// files by turns.
type readFiles struct {
	mu    sync.Mutex
	files []readFile // the one that was asked for last at the end
	size  int        // messages of all
}

type readFile struct {
	block    string
	messages []Message
}

const readMessages = 1 << 20 // that are kept, of 16 bytes each

// get returns the messages of a block's file, if they are kept.
func (r *readFiles) get(block string) ([]Message, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.files, func(f readFile) bool { return f.block == block })
	if i < 0 {
		return nil, false
	}
	f := r.files[i]
	r.files = append(slices.Delete(r.files, i, i+1), f)
	return f.messages, true
}

func (r *readFiles) put(f readFile) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.ContainsFunc(r.files, func(other readFile) bool { return other.block == f.block }) {
		return // two have read it
	}
	r.files = append(r.files, f)
	r.size += len(f.messages)
	for r.size > readMessages && len(r.files) > 1 {
		r.size -= len(r.files[0].messages)
		r.files = slices.Delete(r.files, 0, 1)
	}
}
