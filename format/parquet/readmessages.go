package parquet

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jetcapture/lake/format"
)

// ReadMessages implements format.MessageReader, for files with the time of each message to the nanosecond: of raw messages, and
// of columns made from them.
func (w *writer[P]) ReadMessages(file io.ReaderAt, size int64, each func(streamSeq uint64, timestamp time.Time)) error {
	in := &watchedReader{ReaderAt: file}
	for id, err := range ReadMessageIDs(in, size) {
		switch {
		case in.err != nil:
			return fmt.Errorf("read messages: %w", in.err)
		case err != nil:
			return fmt.Errorf("%w: %w", format.ErrNoMessages, err)
		case id.Micros:
			return fmt.Errorf("%w: their times are in microseconds", format.ErrNoMessages)
		}
		each(id.Seq, time.Unix(0, id.Time))
	}
	return nil
}

// A watchedReader remembers the first error, which tells a file that cannot be read from one that is not such a file.
type watchedReader struct {
	io.ReaderAt
	err error
}

func (r *watchedReader) ReadAt(p []byte, offset int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) && r.err == nil {
		r.err = err
	}
	return n, err
}
