//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"

	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"
	pqzstd "github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/parquet"
)

// An encoding is the cost of one way to encode rows.
type encoding struct {
	CPU    float64 // seconds
	Bytes  int64   // written
	Allocs float64 // a row
}

// encodingResult is the output of the role encode.
type encodingResult struct {
	Raw, Zstd      encoding // raw messages as Parquet, and their data and headers through zstd alone
	Typed, Generic encoding // nested structs through our writer, and through parquet-go's
}

// encode is the role that encodes a number of rows, on one processor.
func encode(args []string) error {
	runtime.GOMAXPROCS(1)
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	messages := rawMessages(n)
	typed, err := typedOrders(messages)
	if err != nil {
		return err
	}
	newRaw, err := parquet.RawWriters[*message](parquet.Options{})
	if err != nil {
		return err
	}
	newTyped, err := parquet.Writers[order](parquet.Options{})
	if err != nil {
		return err
	}
	generic := pq.NewGenericWriter[order](nil, pq.Compression(&pqzstd.Codec{Level: pqzstd.SpeedFastest}))
	pages := pagesOf(messages)
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	var result encodingResult
	for range 2 { // the first warms up
		for _, way := range []struct {
			result *encoding
			run    func(out io.Writer) error
		}{
			{&result.Zstd, func(out io.Writer) error { return compressAll(encoder, out, pages) }},
			{&result.Raw, func(out io.Writer) error { return writeAll(newRaw(), out, messages) }},
			{&result.Generic, func(out io.Writer) error {
				generic.Reset(out)
				_, err := generic.Write(typed)
				return errors.Join(err, generic.Close())
			}},
			{&result.Typed, func(out io.Writer) error { return writeAll(newTyped(), out, typed) }},
		} {
			if *way.result, err = measureEncoding(n, way.run); err != nil {
				return err
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func measureEncoding(rows int, run func(out io.Writer) error) (e encoding, err error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, err := ownCPU()
	if err != nil {
		return e, err
	}
	var out counter
	if err := run(&out); err != nil {
		return e, err
	}
	end, err := ownCPU()
	if err != nil {
		return e, err
	}
	runtime.ReadMemStats(&after)
	return encoding{(end - start).Seconds(), out.n, float64(after.Mallocs-before.Mallocs) / float64(rows)}, nil
}

// counter counts the bytes written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

func writeAll[P any](w format.Writer[P], out io.Writer, payloads []P) error {
	if err := w.InitNew(out); err != nil {
		return err
	}
	for _, p := range payloads {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return w.Flush()
}

// pagesOf returns the bytes of all data and headers, in pieces as large as pages.
func pagesOf(messages []*message) (pages [][]byte) {
	const size = 256 << 10
	var page []byte
	for _, m := range messages {
		page = append(page, m.Data...)
		for name, values := range m.Headers {
			page = append(append(page, name...), values[0]...)
		}
		if len(page) >= size {
			pages, page = append(pages, page), nil
		}
	}
	return append(pages, page)
}

func compressAll(e *zstd.Encoder, out io.Writer, pages [][]byte) error {
	var packed []byte
	for _, page := range pages {
		packed = e.EncodeAll(page, packed[:0])
		if _, err := out.Write(packed); err != nil {
			return err
		}
	}
	return nil
}

// openResult is the output of the role open.
type openResult struct {
	BlockBytes float64 // of the heap, for each open block, without the messages
}

// open is the role that holds a number of open blocks. The system reports its peak memory.
func open(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	newWriter, err := parquet.RawWriters[*message](parquet.Options{})
	if err != nil {
		return err
	}
	messages := rawMessages(rowsPerBlock)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	blocks := make([]format.Writer[*message], n)
	for i := range blocks {
		blocks[i] = newWriter()
		if err := blocks[i].InitNew(io.Discard); err != nil {
			return err
		}
		for _, m := range messages {
			if _, err := blocks[i].Write(m); err != nil {
				return err
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(blocks)
	return json.NewEncoder(os.Stdout).Encode(openResult{float64(after.HeapAlloc-before.HeapAlloc) / float64(n)})
}

// rowsPerBlock is the number of rows in an open block.
const rowsPerBlock = 10
