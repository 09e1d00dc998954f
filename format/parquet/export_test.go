package parquet

import (
	"github.com/klauspost/compress/zstd"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/format"
)

// The bounds of text, which files cannot show for all texts.
var (
	CutLeast    = cutLeast
	CutGreatest = cutGreatest
)

// EarlyBytes returns options with which pages are encoded early as soon as a column has so many bytes.
func EarlyBytes(o Options, bytes int) Options {
	o.earlyBytes = bytes
	return o
}

// WaitEarly waits until w encodes no early pages.
func WaitEarly[P any](w format.Writer[P]) error { return w.(*writer[P]).early.wait() }

// FailCodec makes a codec fail in all Writers of the factory that w is of.
func FailCodec[P any](w format.Writer[P], codec Codec, err error) {
	w.(*writer[P]).factory.codecs.Store(codec, compressor(failing{err}))
}

type failing struct{ err error }

func (failing) CompressionCodec() pqformat.CompressionCodec  { return pqformat.Zstd }
func (f failing) Encode([]byte, []byte, int) ([]byte, error) { return nil, f.err }

// ZstdWindow returns the window of the frame that a page of so many bytes and values becomes.
func ZstdWindow(size, values int) (uint64, error) {
	packed, err := newCodec(Zstd, 0).Encode(nil, make([]byte, size), values)
	if err != nil {
		return 0, err
	}
	var h zstd.Header
	if err := h.Decode(packed); err != nil {
		return 0, err
	}
	return h.WindowSize, nil
}
