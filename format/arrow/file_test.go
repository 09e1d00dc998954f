package arrow_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/jetcapture/lake/format/arrow"
)

// A place is where a record batch or one of its buffers is in a file.
type place struct{ offset, length int64 }

// placesOf reads the footer of a file by hand, and returns where it says that messages, bodies and their buffers are.
func placesOf(t *testing.T, file []byte) (messages, bodies, buffers []place) {
	t.Helper()
	end := len(file) - len("ARROW1") - 4
	footer := file[end-int(binary.LittleEndian.Uint32(file[end:])) : end]
	table := flatbuffers.Table{Bytes: footer, Pos: flatbuffers.GetUOffsetT(footer)}
	at := flatbuffers.UOffsetT(table.Offset(10))
	first := table.Vector(at)
	if first%8 != 0 || (end-len(footer))%8 != 0 {
		t.Errorf("the blocks in the footer are at byte %d of it, and the footer at %d: they are structs of 64 bits", first, end-len(footer))
	}
	for i := range table.VectorLen(at) {
		b := footer[int(first)+24*i:]
		offset, meta := int64(binary.LittleEndian.Uint64(b)), int64(int32(binary.LittleEndian.Uint32(b[8:])))
		messages = append(messages, place{offset, meta})
		bodies = append(bodies, place{offset + meta, int64(binary.LittleEndian.Uint64(b[16:]))})

		message := file[offset+8:]
		m := flatbuffers.Table{Bytes: message, Pos: flatbuffers.GetUOffsetT(message)}
		var batch flatbuffers.Table
		m.Union(&batch, flatbuffers.UOffsetT(m.Offset(8)))
		list := flatbuffers.UOffsetT(batch.Offset(8))
		for j := range batch.VectorLen(list) {
			b := message[int(batch.Vector(list))+16*j:]
			buffers = append(buffers, place{
				offset + meta + int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:])),
			})
		}
	}
	return messages, bodies, buffers
}

func TestBuffersAreAlignedAndInTheirBatch(t *testing.T) {
	for codec, align := range map[arrow.Codec]int64{arrow.None: 64, arrow.Zstd: 8} {
		file := encoded(t, factory[*order](t, arrow.Options{BatchRows: 4, Codec: codec})(), orders(10)...)
		messages, bodies, buffers := placesOf(t, file)
		if len(messages) != 3 {
			t.Fatalf("%d batches", len(messages))
		}
		for i := range messages {
			end := messages[i].offset + messages[i].length
			if messages[i].offset%8 != 0 || end != bodies[i].offset || end%align != 0 || bodies[i].length%align != 0 {
				t.Errorf("message %d is at %v, its body at %v", i, messages[i], bodies[i])
			}
			if i > 0 && messages[i].offset != bodies[i-1].offset+bodies[i-1].length {
				t.Errorf("message %d is at %v, the body before at %v", i, messages[i], bodies[i-1])
			}
		}
		per := len(buffers) / 3
		for i, b := range buffers {
			body := bodies[i/per]
			if b.offset%align != 0 || b.offset < body.offset || b.offset+b.length > body.offset+body.length {
				t.Errorf("buffer %d is at %v, its body at %v", i, b, body)
			}
		}
	}
}

func TestArraysWithoutNullsHaveNoBitmap(t *testing.T) {
	type row struct {
		A *struct{ B int64 }
		C []int64
	}
	full := row{&struct{ B int64 }{1}, []int64{}}
	for want, rows := range map[int64][]row{0: {full, full}, 1: {full, {}}} {
		_, _, buffers := placesOf(t, encoded(t, factory[row](t, arrow.Options{})(), rows...))
		if a, c := buffers[0].length, buffers[3].length; len(buffers) != 7 || a != want || c != want {
			t.Errorf("the bitmaps have %d and %d bytes, want %d", a, c, want)
		}
	}
}

func TestAFileIsAStreamWithMagicAndFooter(t *testing.T) {
	file := encoded(t, factory[*order](t, arrow.Options{BatchRows: 4})(), orders(10)...)
	if !bytes.HasPrefix(file, []byte("ARROW1\x00\x00")) || !bytes.HasSuffix(file, []byte("ARROW1")) {
		t.Fatalf("the file begins %q and ends %q", file[:8], file[len(file)-8:])
	}
	asStream, want := read(t, file[8:]), read(t, file)
	if got := asStream.text(); len(got) != 10 || got[9] != want.text()[9] {
		t.Errorf("read as a stream, the rows are\n%s", got)
	}
	_, bodies, _ := placesOf(t, file)
	last := bodies[len(bodies)-1]
	if end := file[last.offset+last.length:]; !bytes.HasPrefix(end, []byte("\xff\xff\xff\xff\x00\x00\x00\x00")) {
		t.Errorf("no end of stream behind the last batch: %q", end[:8])
	}
}

func TestAStreamEndsWithItsMark(t *testing.T) {
	for _, n := range []int{0, 10} {
		stream := encoded(t, factory[*order](t, arrow.Options{BatchRows: 4, Stream: true})(), orders(n)...)
		if !bytes.HasSuffix(stream, []byte("\xff\xff\xff\xff\x00\x00\x00\x00")) || bytes.Contains(stream, []byte("ARROW1")) {
			t.Errorf("a stream of %d rows ends %q", n, stream[len(stream)-8:])
		}
	}
}
