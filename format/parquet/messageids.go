package parquet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// A MessageID tells the messages of a stream apart: one sequence may be used again for a message of another time.
type MessageID struct {
	Seq    uint64
	Time   int64 // nanoseconds since 1970
	Micros bool  // Time is in whole microseconds, rounded down, as in the file
}

const (
	maxIDPage   = 8 << 20  // bytes of a page of sequences or times; those of this package have less than 200 KiB
	maxIDValues = 1 << 20  // and at most maxPageRows values
	maxIDHeader = 64 << 10 // bytes of its header
)

// ReadMessageIDs yields the sequence and the time of each row of a file that this package wrote: of raw messages, of typed columns
// of jc-parquet, or of payloads that embed jetcapture.Meta. It reads only these two columns, a page of each at a time.
//
// It ends after an error: for a file that is damaged or claims wrong sizes, and for one whose columns are missing, or have another
// form, as other writers may choose, or the codec LZ4 or Brotli. Do not rely on the IDs before an error.
func ReadMessageIDs(r io.ReaderAt, size int64) iter.Seq2[MessageID, error] {
	return func(yield func(MessageID, error) bool) {
		goOn := true
		each := func(id MessageID) bool {
			goOn = yield(id, nil)
			return goOn
		}
		if err := readMessageIDs(r, size, each); err != nil && goOn {
			yield(MessageID{}, fmt.Errorf("parquet: read message ids: %w", err))
		}
	}
}

func readMessageIDs(r io.ReaderAt, size int64, yield func(MessageID) bool) error {
	meta, seq, at, err := idColumns(r, size)
	if err != nil {
		return err
	}
	var total int64
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		if len(g.Columns) <= max(seq.index, at.index) || g.NumRows < 0 {
			return fmt.Errorf("row group %d has %d rows in %d columns", i, g.NumRows, len(g.Columns))
		}
		seqs, err := seq.read(r, size, g)
		if err != nil {
			return fmt.Errorf("row group %d: column %s: %w", i, seq.name, err)
		}
		times, err := at.read(r, size, g)
		if err != nil {
			return fmt.Errorf("row group %d: column %s: %w", i, at.name, err)
		}
		for row := range g.NumRows {
			s, err := seqs.next()
			if err != nil {
				return fmt.Errorf("row group %d, row %d: column %s: %w", i, row, seq.name, err)
			}
			t, err := times.next()
			if err != nil {
				return fmt.Errorf("row group %d, row %d: column %s: %w", i, row, at.name, err)
			}
			if at.unit > 1 && (t > math.MaxInt64/at.unit || t < math.MinInt64/at.unit) {
				return fmt.Errorf("row group %d, row %d: column %s: %d is not a time", i, row, at.name, t)
			}
			if !yield(MessageID{Seq: uint64(s), Time: t * at.unit, Micros: at.unit > 1}) {
				return nil
			}
		}
		total += g.NumRows
	}
	if total != meta.NumRows {
		return fmt.Errorf("the footer claims %d rows, and the row groups have %d", meta.NumRows, total)
	}
	return nil
}

// An idColumn is a required column of int64.
type idColumn struct {
	name  string
	index int   // of the leaf
	unit  int64 // nanoseconds of its values, if they are times
}

// idColumns reads the footer and finds the columns of sequences and times.
func idColumns(r io.ReaderAt, size int64) (meta *pqformat.FileMetaData, seq, at idColumn, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged footer: %v", p)
		}
	}()
	footer, err := readFooter(r, size)
	if err != nil {
		return nil, seq, at, err
	}
	if err := checkThrift(footer); err != nil {
		return nil, seq, at, fmt.Errorf("damaged footer: %w", err)
	}
	meta = new(pqformat.FileMetaData)
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, meta); err != nil {
		return nil, seq, at, fmt.Errorf("damaged footer: %w", err)
	}
	_, leaves, err := describeSchema(meta.Schema)
	if err != nil {
		return nil, seq, at, fmt.Errorf("damaged footer: %w", err)
	}
	// A column within another may have the same name: the first row group has the paths.
	find := func(name string) int {
		if len(meta.RowGroups) == 0 {
			return slices.IndexFunc(leaves, func(l leaf) bool { return l.element.Name == name })
		}
		if len(meta.RowGroups[0].Columns) != len(leaves) {
			return -1
		}
		return slices.IndexFunc(meta.RowGroups[0].Columns, func(c pqformat.ColumnChunk) bool {
			return slices.Equal(c.MetaData.PathInSchema, []string{name})
		})
	}
	seq = idColumn{name: "stream_seq", index: find("stream_seq"), unit: 1}
	at = idColumn{name: "timestamp_ns", index: find("timestamp_ns"), unit: 1}
	if at.index < 0 {
		at = idColumn{name: "timestamp", index: find("timestamp"), unit: 1_000}
	}
	for _, c := range []idColumn{seq, at} {
		if c.index < 0 {
			return nil, seq, at, fmt.Errorf("there is no column %s", c.name)
		}
		e := leaves[c.index].element
		if e.Type.V != pqformat.Int64 || e.RepetitionType.V != pqformat.Required {
			return nil, seq, at, fmt.Errorf("column %s is not a required INT64", c.name)
		}
	}
	if e := leaves[at.index].element; at.unit > 1 {
		if t, ok := e.LogicalType.Value.(*pqformat.TimestampType); !ok || !isMicros(t) {
			return nil, seq, at, fmt.Errorf("column %s has no times in microseconds", at.name)
		}
	}
	return meta, seq, at, nil
}

func isMicros(t *pqformat.TimestampType) bool {
	_, ok := t.Unit.Value.(*pqformat.MicroSeconds)
	return ok
}

// read begins to read the column's chunk in a row group.
func (c *idColumn) read(r io.ReaderAt, size int64, g *pqformat.RowGroup) (*idReader, error) {
	m := &g.Columns[c.index].MetaData
	begin, length := m.DataPageOffset, m.TotalCompressedSize
	switch {
	case !slices.Equal(m.PathInSchema, []string{c.name}):
		return nil, fmt.Errorf("it is %q there", m.PathInSchema)
	case m.NumValues != g.NumRows:
		return nil, fmt.Errorf("it has %d values, and the row group %d rows", m.NumValues, g.NumRows)
	case m.DictionaryPageOffset != 0:
		return nil, errors.New("it has a dictionary, which this package never writes for such a column")
	case begin < int64(len(magic)) || length < 0 || begin > size || length > size-begin:
		return nil, fmt.Errorf("it claims %d bytes at %d, but the file has %d", length, begin, size)
	}
	return &idReader{
		in: bufio.NewReaderSize(io.NewSectionReader(r, begin, length), maxIDHeader), left: length, codec: m.Codec,
	}, nil
}

// An idReader reads the values of a chunk of required int64, one page after the other.
type idReader struct {
	in     *bufio.Reader
	left   int64 // bytes of the chunk
	codec  pqformat.CompressionCodec
	packed []byte

	values int // of the page that are left
	delta  deltaReader
	plain  []byte // nil if the page is in the delta encoding
}

func (r *idReader) next() (int64, error) {
	for r.values == 0 {
		if err := r.page(); err != nil {
			return 0, err
		}
	}
	r.values--
	if r.plain == nil {
		return r.delta.next()
	}
	if len(r.plain) < 8 {
		return 0, errCutOff
	}
	v := int64(binary.LittleEndian.Uint64(r.plain))
	r.plain = r.plain[8:]
	return v, nil
}

// page reads a page.
func (r *idReader) page() (err error) {
	if r.left == 0 {
		return errors.New("it has fewer values than rows")
	}
	h, err := r.header()
	if err != nil {
		return fmt.Errorf("page header: %w", err)
	}
	packed, unpacked := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
	if packed < 0 || packed > r.left || packed > maxIDPage || unpacked < 0 || unpacked > maxIDPage {
		return fmt.Errorf("a page claims %d bytes, %d in the file, of which %d are left", unpacked, packed, r.left)
	}
	r.packed = slices.Grow(r.packed[:0], int(packed))[:packed]
	if _, err := io.ReadFull(r.in, r.packed); err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	r.left -= packed
	if h.CRC != 0 && uint32(h.CRC) != crc32.ChecksumIEEE(r.packed) {
		return errors.New("a page does not match its checksum")
	}
	codec := r.codec
	var encoding pqformat.Encoding
	switch v1, v2 := h.DataPageHeader, h.DataPageHeaderV2; {
	case h.Type == pqformat.DataPage && v1.Valid:
		r.values, encoding = int(v1.V.NumValues), v1.V.Encoding
	case h.Type == pqformat.DataPageV2 && v2.Valid && v2.V.DefinitionLevelsByteLength == 0 && v2.V.RepetitionLevelsByteLength == 0:
		r.values, encoding = int(v2.V.NumValues), v2.V.Encoding
		if v2.V.IsCompressed.Valid && !v2.V.IsCompressed.V {
			codec = pqformat.Uncompressed
		}
	default:
		return fmt.Errorf("a page of type %v is none of data alone", h.Type)
	}
	if r.values < 0 || r.values > maxIDValues {
		return fmt.Errorf("a page claims %d values", r.values)
	}
	data, err := unpack(codec, r.packed, int(unpacked))
	if err != nil {
		return err
	}
	switch encoding {
	case pqformat.Plain:
		r.plain = data[:len(data):len(data)]
		if r.plain == nil {
			r.plain = []byte{}
		}
		return nil
	case pqformat.DeltaBinaryPacked:
		r.plain = nil
		return r.delta.init(data)
	default:
		return fmt.Errorf("this package never writes such a column in encoding %v", encoding)
	}
}

// header reads a page header.
func (r *idReader) header() (h *pqformat.PageHeader, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it is damaged: %v", p)
		}
	}()
	head, err := r.in.Peek(int(min(r.left, maxIDHeader)))
	if err != nil {
		return nil, err
	}
	c := thriftChecker{rest: head}
	if err := c.structure(1); err != nil {
		return nil, err
	}
	n := len(head) - len(c.rest)
	h = new(pqformat.PageHeader)
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), head[:n], h); err != nil {
		return nil, err
	}
	r.left -= int64(n)
	_, err = r.in.Discard(n)
	return h, err
}

// unpack decompresses a page to exactly size bytes.
func unpack(codec pqformat.CompressionCodec, page []byte, size int) (data []byte, err error) {
	switch codec {
	case pqformat.Uncompressed:
		data = page
	case pqformat.Snappy:
		var n int
		if n, err = snappy.DecodedLen(page); err == nil && n == size {
			data, err = snappy.Decode(nil, page)
		}
	case pqformat.Zstd:
		var d *zstd.Decoder
		if d, err = zstd.NewReader(bytes.NewReader(page), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxIDPage), zstd.WithDecoderMaxWindow(maxIDPage)); err == nil {
			data, err = io.ReadAll(io.LimitReader(d, int64(size)+1))
			d.Close()
		}
	case pqformat.Gzip:
		var d *gzip.Reader
		if d, err = gzip.NewReader(bytes.NewReader(page)); err == nil {
			data, err = io.ReadAll(io.LimitReader(d, int64(size)+1))
		}
	default:
		return nil, fmt.Errorf("codec %v is not read: ZSTD, SNAPPY and GZIP are", codec)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("decompress a page: %w", err)
	case len(data) != size:
		return nil, fmt.Errorf("a page does not have the %d bytes that its header claims", size)
	}
	return data, nil
}
