package format

import (
	"bytes"
	"encoding/json"
	"sync"
)

// JSONLines is a Writer that makes one line of JSON of each payload, as encoding/json marshals it, but without escapes for HTML.
// Its zero value is ready to use, as in new(JSONLines[Order]).
//
// Write rejects a payload with the error of encoding/json, which replaces text that is not UTF-8: a payload whose text must not
// change needs a MarshalJSON that returns an error. NDJSON rejects such text, and has the same members in all lines.
//
// It is a Bufferer and a Spiller.
type JSONLines[P any] struct {
	rowBuffer
}

// Suffix returns "ndjson".
func (w *JSONLines[P]) Suffix() string { return "ndjson" }

// Write appends payload as one line.
func (w *JSONLines[P]) Write(payload P) (rows int, err error) { return w.addJSON(payload) }

// maxPooled is the size in bytes above which a buffer is not kept for the next payload.
const maxPooled = 1 << 20

// A jsonEncoder is shared by all blocks.
type jsonEncoder struct {
	text bytes.Buffer
	json *json.Encoder
}

var jsonEncoders = sync.Pool{New: func() any {
	e := new(jsonEncoder)
	e.json = json.NewEncoder(&e.text)
	e.json.SetEscapeHTML(false)
	return e
}}

// addJSON marshals first, so that an error or a panic leaves the buffer as it was.
func (b *rowBuffer) addJSON(v any) (rows int, err error) {
	e := jsonEncoders.Get().(*jsonEncoder)
	e.text.Reset()
	if err := e.json.Encode(v); err != nil {
		return 0, err
	}
	err = b.add(e.text.Bytes())
	if e.text.Cap() <= maxPooled {
		jsonEncoders.Put(e)
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}
