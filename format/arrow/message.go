package arrow

import (
	"encoding/binary"

	flatbuffers "github.com/google/flatbuffers/go"
)

// The table Message of Arrow's Message.fbs with a RecordBatch as its header. Arrow's own package does not export it, and writes
// only batches that are made of its arrays.
const (
	metadataV5        = 4 // MetadataVersion
	headerRecordBatch = 3 // MessageHeader
	codecLZ4          = 0 // CompressionType
	codecZstd         = 1

	structBytes = 16 // FieldNode and Buffer are two int64 each
)

// recordBatch returns the message of a batch, in memory of fb, and the length of the body that follows: the buffers, each
// at a multiple of align.
func (b *batch) recordBatch(fb *flatbuffers.Builder, c Codec, align int64) (message []byte, bodyLength int64) {
	fb.Reset()
	fb.StartVector(structBytes, len(b.nodes), 8)
	for i := len(b.nodes) - 1; i >= 0; i-- { // flatbuffers are built from the end
		n := &b.nodes[i]
		putStruct(fb, int64(n.slots), int64(n.nulls))
	}
	nodes := fb.EndVector(len(b.nodes))

	for _, buffer := range b.buffers {
		bodyLength += aligned(int64(len(buffer)), align)
	}
	fb.StartVector(structBytes, len(b.buffers), 8)
	at := bodyLength
	for i := len(b.buffers) - 1; i >= 0; i-- {
		n := int64(len(b.buffers[i]))
		at -= aligned(n, align)
		putStruct(fb, at, n)
	}
	buffers := fb.EndVector(len(b.buffers))

	var compression flatbuffers.UOffsetT
	if c != None {
		codec := int8(codecLZ4)
		if c == Zstd {
			codec = codecZstd
		}
		fb.StartObject(2)
		fb.PrependInt8Slot(0, codec, codecLZ4) // the method is BUFFER, the default
		compression = fb.EndObject()
	}

	fb.StartObject(5)
	fb.PrependInt64Slot(0, int64(b.rows), 0)
	fb.PrependUOffsetTSlot(1, nodes, 0)
	fb.PrependUOffsetTSlot(2, buffers, 0)
	fb.PrependUOffsetTSlot(3, compression, 0)
	header := fb.EndObject()

	fb.StartObject(5)
	fb.PrependInt16Slot(0, metadataV5, 0)
	fb.PrependByteSlot(1, headerRecordBatch, 0)
	fb.PrependUOffsetTSlot(2, header, 0)
	fb.PrependInt64Slot(3, bodyLength, 0)
	fb.Finish(fb.EndObject())
	return fb.FinishedBytes(), bodyLength
}

// putStruct puts a struct of two int64.
func putStruct(fb *flatbuffers.Builder, first, second int64) {
	fb.Prep(8, structBytes)
	fb.PrependInt64(second)
	fb.PrependInt64(first)
}

func aligned(n, align int64) int64 { return (n + align - 1) / align * align }

// A block is the position of a record batch in a file.
type block struct {
	offset     int64
	metaLength int32 // of the message, with its prefix and padding
	bodyLength int64
}

// The fields of the table Footer in File.fbs, as places in its vtable.
const footerRecordBatches = 4 + 2*3

// appendBlocks adds the blocks to a footer without record batches. It appends a vector and points the table to it; the empty
// vector, which the table pointed to before, remains as a few bytes that nobody reads.
func appendBlocks(footer []byte, blocks []block) []byte {
	table := flatbuffers.Table{Bytes: footer, Pos: flatbuffers.GetUOffsetT(footer)}
	field := table.Pos + flatbuffers.UOffsetT(table.Offset(footerRecordBatches))
	for len(footer)%8 != 4 { // the blocks, which follow their number, are aligned
		footer = append(footer, 0)
	}
	flatbuffers.WriteUOffsetT(footer[field:], flatbuffers.UOffsetT(len(footer))-field)
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(blocks)))
	for _, b := range blocks {
		footer = binary.LittleEndian.AppendUint64(footer, uint64(b.offset))
		footer = binary.LittleEndian.AppendUint64(footer, uint64(b.metaLength)) // and 4 bytes of padding
		footer = binary.LittleEndian.AppendUint64(footer, uint64(b.bodyLength))
	}
	return footer
}
