// Package format turns the payloads of a block into a file that other programs read as it is: CSV, newline-delimited
// JSON, and, in package parquet below it, Parquet.
//
//	InitNew(out) → Write(payload) → … → Flush
//
// A Writer encodes one block, on one goroutine, and is then thrown away. A payload that it rejects leaves no trace in
// the block. What a Writer holds back outside of out is little, and it says how much, so that ten thousand blocks can be
// open at once.
//
// Compress is for formats that do not compress inside: it makes .gz, .sz and .zst files. Messages that are to be archived
// whole, undecoded, are a RawMessage, with the same columns in every format.
//
// For example, five lines that make a gzipped CSV file:
//
//	zipped, err := format.Compress(file, format.GZip)
//	w := format.NewCSVWriter([]string{"id", "name"}, func(u User) ([][]string, error) {
//		return [][]string{{u.ID, u.Name}}, nil
//	})
//	err = w.InitNew(zipped)   // then w.Write(user) for each, w.Flush(), zipped.Close()
package format
