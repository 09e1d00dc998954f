package arrow

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// compress replaces all buffers of b by compressed ones, in the memory of packed, which it returns.
func (b *batch) compress(c Codec, packed []byte) ([]byte, error) {
	ends := make([]int, len(b.buffers))
	for i, raw := range b.buffers {
		if len(raw) > 0 { // an empty buffer has no length before it
			var err error
			if packed, err = appendBuffer(packed, raw, c); err != nil {
				return nil, err
			}
		}
		ends[i] = len(packed)
	}
	begin := 0
	for i, end := range ends {
		b.buffers[i] = packed[begin:end]
		begin = end
	}
	return packed, nil
}

// appendBuffer appends the raw length of a buffer and the compressed buffer. The format also allows a raw buffer, with -1 as its
// length, where that is shorter, but polars fails on some of those, and older readers fail on all.
func appendBuffer(dst, raw []byte, c Codec) ([]byte, error) {
	return appendFrame(binary.LittleEndian.AppendUint64(dst, uint64(len(raw))), raw, c)
}

func appendFrame(dst, raw []byte, c Codec) ([]byte, error) {
	if c == Zstd {
		e, _ := zstdEncoders.Get().(*zstd.Encoder)
		defer zstdEncoders.Put(e)
		return e.EncodeAll(raw, dst), nil
	}
	e, _ := lz4Encoders.Get().(*lz4Encoder)
	e.frame.Reset()
	e.Reset(&e.frame)
	if _, err := e.Write(raw); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	dst = append(dst, e.frame.Bytes()...)
	lz4Encoders.Put(e)
	return dst, nil
}

var zstdEncoders = sync.Pool{New: func() any {
	e, _ := zstd.NewWriter(nil, // these options are no error
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), // the other writers of the format have none
	)
	return e
}}

type lz4Encoder struct {
	*lz4.Writer
	frame bytes.Buffer
}

var lz4Encoders = sync.Pool{New: func() any {
	e := &lz4Encoder{Writer: lz4.NewWriter(nil)}
	_ = e.Apply(lz4.ChecksumOption(false), lz4.BlockSizeOption(lz4.Block64Kb)) // these options are no error
	return e
}}
