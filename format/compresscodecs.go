package format

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// gzipFile is one gzip member (RFC 1952), whatever the number of chunks: each is a run of deflate blocks that ends on a
// byte boundary and does not refer to earlier chunks.
type gzipFile struct {
	begun bool
	crc   uint32
	size  uint32 // of the raw bytes, modulo 2^32
}

func (*gzipFile) chunkSize() int { return maxChunk }

// gzipHeader has deflate, no name, no time and an unknown system, so that equal content makes equal files.
const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

type deflater struct {
	text  bytes.Buffer
	flate *flate.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	d.flate, _ = flate.NewWriter(&d.text, flate.DefaultCompression) // this level is no error
	return d
}}

func (f *gzipFile) appendChunk(dst, chunk []byte, last bool) ([]byte, error) {
	if !f.begun {
		f.begun = true
		dst = append(dst, gzipHeader...)
	}
	f.crc = crc32.Update(f.crc, crc32.IEEETable, chunk)
	f.size += uint32(len(chunk))

	d := deflaters.Get().(*deflater)
	d.text.Reset()
	d.flate.Reset(&d.text)
	if _, err := d.flate.Write(chunk); err != nil {
		return nil, err
	}
	end := d.flate.Flush
	if last {
		end = d.flate.Close
	}
	if err := end(); err != nil {
		return nil, err
	}
	dst = append(dst, d.text.Bytes()...)
	deflaters.Put(d)

	if last {
		dst = binary.LittleEndian.AppendUint32(dst, f.crc)
		dst = binary.LittleEndian.AppendUint32(dst, f.size)
	}
	return dst, nil
}

// snappyFile is a stream of Snappy's framing format: an identifier, then independent frames.
type snappyFile struct{ begun bool }

const (
	snappyFrame      = 64 << 10 // the most a frame may hold
	snappyIdentifier = "\xff\x06\x00\x00sNaPpY"
	snappyCompressed = 0x00
	snappyRaw        = 0x01
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (*snappyFile) chunkSize() int { return snappyFrame }

func (f *snappyFile) appendChunk(dst, chunk []byte, _ bool) ([]byte, error) {
	if !f.begun {
		f.begun = true
		dst = append(dst, snappyIdentifier...)
	}
	if len(chunk) == 0 {
		return dst, nil
	}
	sum := crc32.Checksum(chunk, castagnoli)
	sum = (sum>>15 | sum<<17) + 0xa282ead8 // the mask of the framing format

	const head = 1 + 3 + 4 // kind, length, checksum
	start := len(dst)
	dst = slices.Grow(dst, head+s2.MaxEncodedLen(len(chunk)))
	body := s2.EncodeSnappy(dst[start+head:cap(dst)], chunk)
	kind := byte(snappyCompressed)
	if len(body) >= len(chunk)-len(chunk)/8 {
		kind, body = snappyRaw, chunk
	}
	n := len(body) + 4
	dst = append(dst, kind, byte(n), byte(n>>8), byte(n>>16))
	dst = binary.LittleEndian.AppendUint32(dst, sum)
	return append(dst, body...), nil // a compressed body is in place already
}

// zstdFile is a run of frames (RFC 8878), one for each chunk, whose content readers concatenate.
type zstdFile struct{ begun bool }

func (*zstdFile) chunkSize() int { return maxChunk }

var zstdEncoders = sync.Pool{New: func() any {
	e, _ := zstd.NewWriter(nil, // these options are no error
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1),
		zstd.WithZeroFrames(true), // an empty file is one empty frame
	)
	return e
}}

func (f *zstdFile) appendChunk(dst, chunk []byte, _ bool) ([]byte, error) {
	if len(chunk) == 0 && f.begun {
		return dst, nil
	}
	f.begun = true
	e := zstdEncoders.Get().(*zstd.Encoder)
	dst = e.EncodeAll(chunk, dst)
	zstdEncoders.Put(e)
	return dst, nil
}
