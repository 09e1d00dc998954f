package ledgerfiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// LetterSuffix is the suffix of dead-letter files. Readers of the archive do not look for it.
const LetterSuffix = "deadletter.jsonl"

// A letterReader reads which messages a file of dead letters has.
type letterReader struct{}

// ReadMessages implements format.MessageReader.
func (letterReader) ReadMessages(file io.ReaderAt, size int64, each func(streamSeq uint64, timestamp time.Time)) error {
	lines := json.NewDecoder(io.NewSectionReader(file, 0, size))
	for {
		var letter struct {
			StreamSeq uint64    `json:"stream_seq"`
			Timestamp time.Time `json:"timestamp"`
		}
		switch err := lines.Decode(&letter); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read dead letters: %w", err)
		}
		each(letter.StreamSeq, letter.Timestamp)
	}
}
