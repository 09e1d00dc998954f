package format_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"

	"github.com/jetcapture/lake/format"
)

type visit struct {
	Page    string `json:"page"`
	Seconds int    `json:"seconds"`
}

func ExampleCompress() {
	var file bytes.Buffer // such as a file visits.csv.gz
	zipped, err := format.Compress(&file, format.GZip)
	if err != nil {
		log.Fatal(err)
	}
	w := format.NewCSVWriter([]string{"page", "seconds"}, func(v visit) ([][]string, error) {
		return [][]string{{v.Page, strconv.Itoa(v.Seconds)}}, nil
	})
	if err := w.InitNew(zipped); err != nil {
		log.Fatal(err)
	}
	if _, err := w.Write(visit{"/prices", 12}); err != nil {
		log.Print("rejected: ", err) // this payload alone
	}
	if err := w.Flush(); err != nil { // the rows are in zipped
		log.Fatal(err)
	}
	if err := zipped.Close(); err != nil { // the file is complete
		log.Fatal(err)
	}

	text, err := gzip.NewReader(&file)
	if err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(os.Stdout, text)
	// Output:
	// page,seconds
	// /prices,12
}

func ExampleCompress_unsupported() {
	_, err := format.Compress(io.Discard, format.LZ4)
	fmt.Println(err)
	// Output: unsupported codec "lz4": use "none", "gzip", "snappy" or "zstd"
}

func ExampleJSONLines() {
	w := new(format.JSONLines[visit])
	if err := w.InitNew(os.Stdout); err != nil {
		log.Fatal(err)
	}
	for _, v := range []visit{{"/prices", 12}, {"/order?id=1&new", 40}} {
		if _, err := w.Write(v); err != nil {
			log.Print(err)
		}
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"page":"/prices","seconds":12}
	// {"page":"/order?id=1&new","seconds":40}
}

// A limited Writer rejects long visits, and can do all that the Writer inside can.
type limited struct{ format.Writer[visit] }

func (l limited) Unwrap() format.AnyWriter { return l.Writer }

func (l limited) Write(v visit) (rows int, err error) {
	if v.Seconds > 3600 {
		return 0, fmt.Errorf("%d seconds are no visit", v.Seconds)
	}
	return l.Writer.Write(v)
}

func ExampleAs() {
	w := limited{new(format.JSONLines[visit])}
	if err := w.InitNew(os.Stdout); err != nil {
		log.Fatal(err)
	}
	if _, err := w.Write(visit{"/prices", 12}); err != nil {
		log.Fatal(err)
	}
	spiller, ok := format.As[format.Spiller](w)
	fmt.Println(ok, format.Suffix(w))
	fmt.Println(spiller.Spill())
	// Output:
	// true ndjson
	// {"page":"/prices","seconds":12}
	// <nil>
}
