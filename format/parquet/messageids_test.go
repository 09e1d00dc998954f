package parquet_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

func messageIDs(file []byte) (ids []parquet.MessageID, err error) {
	for id, e := range parquet.ReadMessageIDs(bytes.NewReader(file), int64(len(file))) {
		if e != nil {
			return ids, e
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func idsOf(messages []*formattest.Message, micros bool) (ids []parquet.MessageID) {
	for _, m := range messages {
		id := parquet.MessageID{Seq: m.StreamSeq, Time: m.Timestamp.UnixNano(), Micros: micros}
		if micros {
			id.Time = m.Timestamp.UnixMicro() * 1000
		}
		ids = append(ids, id)
	}
	return ids
}

func TestMessageIDsAreThoseOfTheRows(t *testing.T) {
	forked := manyMessages(5_000) // sequences that go back, and times that do
	for i, m := range forked {
		m.StreamSeq, m.Timestamp = uint64(i%3_000+1), m.Timestamp.Add(time.Duration(i*i%7919-i%5)*time.Hour+time.Duration(i%1000))
	}
	extremes := manyMessages(4)
	for i, m := range extremes {
		m.StreamSeq = []uint64{math.MaxInt64, 0, math.MaxInt64, 1}[i]
		m.Timestamp = time.Unix(0, []int64{math.MinInt64, math.MaxInt64, math.MinInt64, 0}[i])
	}
	for name, test := range map[string]struct {
		options  parquet.Options
		messages []*formattest.Message
	}{
		"none":         {parquet.Options{}, nil},
		"one":          {parquet.Options{}, manyMessages(1)},
		"some":         {parquet.Options{}, manyMessages(129)},
		"many":         {parquet.Options{}, manyMessages(50_000)},
		"row groups":   {parquet.Options{RowGroupRows: 1_500, PageBytes: 1 << 10}, forked},
		"version 2":    {parquet.Options{PageVersion: 2, PageBytes: 1 << 10}, forked},
		"extremes":     {parquet.Options{}, extremes},
		"snappy":       {parquet.Options{Codec: parquet.Snappy}, forked},
		"gzip":         {parquet.Options{Codec: parquet.GZip}, forked},
		"uncompressed": {parquet.Options{Codec: parquet.Uncompressed}, forked},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := messageIDs(encoded(t, rawWriters(t, test.options)(), test.messages))
			if err != nil || !slices.Equal(got, idsOf(test.messages, false)) {
				t.Errorf("%d ids of %d messages, %v", len(got), len(test.messages), err)
			}
		})
	}
}

// The columns of jetcapture.Meta.
type idRow struct {
	Note      string
	StreamSeq uint64    `parquet:"stream_seq,int(64),delta"`
	Timestamp time.Time `parquet:"timestamp,delta"`
}

func TestMessageIDsOfTypedRowsHaveMicroseconds(t *testing.T) {
	messages := manyMessages(3_000)
	rows := make([]idRow, len(messages))
	for i, m := range messages {
		rows[i] = idRow{"n", m.StreamSeq, m.Timestamp}
	}
	got, err := messageIDs(encoded(t, writersOf[idRow](t, parquet.Options{})(), rows))
	if err != nil || !slices.Equal(got, idsOf(messages, true)) {
		t.Errorf("%d ids of %d messages, %v", len(got), len(messages), err)
	}
}

func TestFilesWithoutMessageIDsAreErrors(t *testing.T) {
	type noTime struct {
		StreamSeq int64 `parquet:"stream_seq"`
	}
	type nullable struct {
		StreamSeq *int64 `parquet:"stream_seq"`
		At        int64  `parquet:"timestamp_ns"`
	}
	type inner struct {
		Inner struct {
			StreamSeq int64 `parquet:"stream_seq"`
		}
		At int64 `parquet:"timestamp_ns"`
	}
	raw := encoded(t, rawWriters(t, parquet.Options{})(), manyMessages(100))
	cut := slices.Clone(raw)
	clear(cut[4 : len(cut)-8-int(binary.LittleEndian.Uint32(cut[len(cut)-8:]))])
	for name, test := range map[string]struct {
		file   []byte
		reason string
	}{
		"no file":          {[]byte("PAR1"), "no Parquet file"},
		"no time":          {encoded(t, writersOf[noTime](t, parquet.Options{})(), make([]noTime, 2)), "no column timestamp"},
		"nullable":         {encoded(t, writersOf[nullable](t, parquet.Options{})(), make([]nullable, 2)), "stream_seq is not a required INT64"},
		"within another":   {encoded(t, writersOf[inner](t, parquet.Options{})(), make([]inner, 2)), "no column stream_seq"},
		"a codec not read": {encoded(t, rawWriters(t, parquet.Options{Codec: parquet.Brotli})(), manyMessages(100)), "BROTLI is not read"},
		"damaged pages":    {cut, "row group 0"},
	} {
		if _, err := messageIDs(test.file); err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadingMessageIDsStopsWhenAsked(t *testing.T) {
	file := encoded(t, rawWriters(t, parquet.Options{})(), manyMessages(100))
	n := 0
	for _, err := range parquet.ReadMessageIDs(bytes.NewReader(file), int64(len(file))) {
		if n++; n == 3 || err != nil {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d ids", n)
	}
}

func FuzzReadMessageIDs(f *testing.F) {
	for _, options := range []parquet.Options{
		{}, {PageVersion: 2, Codec: parquet.Uncompressed}, {Codec: parquet.Snappy, RowGroupRows: 20}, {Codec: parquet.GZip},
	} {
		f.Add(encoded(f, rawWriters(f, options)(), manyMessages(50)))
	}
	f.Add(encoded(f, writersOf[idRow](f, parquet.Options{Codec: parquet.Uncompressed})(), make([]idRow, 40)))
	f.Fuzz(func(t *testing.T, file []byte) {
		n, failed := 0, false
		for _, err := range parquet.ReadMessageIDs(bytes.NewReader(file), int64(len(file))) {
			if failed {
				t.Fatal("an id follows an error")
			}
			if failed = err != nil; !failed {
				n++
			}
			if n > 1_000_000 {
				break // pages of equal values take next to nothing
			}
		}
	})
}
