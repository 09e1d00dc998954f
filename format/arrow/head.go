package arrow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

const (
	magic        = "ARROW1"
	magicPadding = "\x00\x00"
	footerTail   = 4 + len(magic) // length and magic
)

// A head has the parts of a file that hold its schema and metadata: its first message, and its footer without record batches.
type head struct{ message, footer []byte }

// headOf returns the head for a schema with additional metadata, which does not replace the schema's own. It cuts an empty file
// of Arrow's own writer into pieces.
func headOf(s *arrow.Schema, metadata map[string]string) (*head, error) {
	valid := make(map[string]string, len(metadata))
	for name, value := range metadata { // readers refuse a file whose strings are not UTF-8
		valid[strings.ToValidUTF8(name, "\uFFFD")] = strings.ToValidUTF8(value, "\uFFFD")
	}
	maps.Copy(valid, s.Metadata().ToMap())
	meta := arrow.MetadataFrom(valid)
	var file seekable
	w, err := ipc.NewFileWriter(&file, ipc.WithSchema(arrow.NewSchema(s.Fields(), &meta)))
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	rest, ok := bytes.CutPrefix(file.Bytes(), []byte(magic+magicPadding))
	end := len(rest) - footerTail
	if !ok || end < 0 {
		return nil, errNoFile
	}
	footerLength := int(binary.LittleEndian.Uint32(rest[end:]))
	if footerLength > end {
		return nil, errNoFile
	}
	begin := end - footerLength
	return &head{message: rest[:begin:begin], footer: rest[begin:end:end]}, nil
}

var errNoFile = errors.New("write schema: Arrow's writer made no file")

// seekable is an io.WriteSeeker, which Arrow's writer wants only to ask for its position.
type seekable struct{ bytes.Buffer }

func (s *seekable) Seek(int64, int) (int64, error) { return int64(s.Len()), nil }
