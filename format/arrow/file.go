package arrow

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	flatbuffers "github.com/google/flatbuffers/go"
)

// A file keeps track of the part of a file that was written to out.
type file struct {
	out    io.Writer
	stream bool
	begun  bool
	offset int64
	blocks []block // not of a stream
}

// Buffers begin at multiples of this in a file, so that readers can use them in place, with any instruction of any CPU.
// Compressed buffers need not: readers decompress them into other memory.
const (
	bufferAlign     = 64
	compressedAlign = 8
	messageAlign    = 8
)

// Of the format.
const (
	continuation = "\xff\xff\xff\xff" // before the length of each message
	endOfStream  = continuation + "\x00\x00\x00\x00"
	framing      = int64(len(continuation) + 4)
)

var zeroBytes [bufferAlign]byte

// A fileWriter counts the bytes that go to out, and gathers small writes.
type fileWriter struct {
	buffer *bufio.Writer
	offset int64
	err    error
}

const gathered = 16 << 10

func (w *fileWriter) write(p []byte) {
	if w.err == nil {
		n, err := w.buffer.Write(p)
		w.offset += int64(n)
		w.fail(err)
	}
}

// flush writes what was gathered.
func (w *fileWriter) flush() error {
	if w.err == nil {
		w.fail(w.buffer.Flush())
	}
	return w.err
}

func (w *fileWriter) fail(err error) {
	if err != nil {
		w.err = fmt.Errorf("write file: %w", err)
	}
}

// pad writes zeros up to the next multiple of align.
func (w *fileWriter) pad(align int64) { w.write(zeroBytes[:aligned(w.offset, align)-w.offset]) }

// begin writes the schema.
func (f *file) begin(w *fileWriter, h *head) {
	if f.begun {
		return
	}
	f.begun = true
	if !f.stream {
		w.write([]byte(magic + magicPadding))
	}
	w.write(h.message)
}

// add writes a record batch.
func (f *file) add(w *fileWriter, fb *flatbuffers.Builder, b *batch, c Codec) {
	align := int64(bufferAlign)
	if c != None {
		align = compressedAlign
	}
	message, bodyLength := b.recordBatch(fb, c, align)
	begin := w.offset
	body := aligned(begin+framing+int64(len(message)), align)
	w.write([]byte(continuation))
	w.write(binary.LittleEndian.AppendUint32(nil, uint32(body-begin-framing)))
	w.write(message)
	w.pad(align)
	for _, buffer := range b.buffers {
		w.write(buffer)
		w.pad(align)
	}
	if !f.stream {
		f.blocks = append(f.blocks, block{begin, int32(body - begin), bodyLength})
	}
}

// end writes the end of the file, after the last batch.
func (f *file) end(w *fileWriter, h *head) {
	w.write([]byte(endOfStream))
	if f.stream {
		return
	}
	footer := appendBlocks(append([]byte(nil), h.footer...), f.blocks)
	w.write(footer)
	w.write(binary.LittleEndian.AppendUint32(nil, uint32(len(footer))))
	w.write([]byte(magic))
}
