// Package arrow writes payloads as Arrow IPC files (.arrow) or streams (.arrows), which polars, pyarrow, DuckDB and Arrow's
// JavaScript read without decoding a value.
//
//	payload → rows in columns.Columns → record batch → out; at the end, the footer
//
// There are three factories of format.Writer: RawWriters for messages that are archived whole, Writers for any Go struct,
// PlanWriters for rows that are made of payloads in another way.
//
// An open block holds its rows as compact columns, and nothing of Arrow: ten thousand blocks of ten messages of 250 bytes
// are some 90 MB, and 2 MB once they are spilled. Rows become a record batch when there are enough of them, at Spill and at
// Flush, in encoders that all blocks of a factory share. A block whose encoding failed, or whose out did, is broken: see
// format.ErrBroken.
//
// # Columns
//
// Package schema says which columns a struct has. In Arrow they are:
//
//	bool, intN, uintN, floatN    the same
//	string, json                 utf8
//	bytes                        binary
//	fixed, uuid                  fixed_size_binary
//	timestamp                    timestamp in the unit; with the time zone UTC, or without one if it is local
//	date                         date32
//	time                         time32 in milliseconds, time64 in microseconds and nanoseconds
//	duration                     duration in nanoseconds
//	decimal                      decimal128
//	list                         list of "item"
//	map                          map of "entries" with "key" and "value"; its keys are not said to be sorted
//	struct                       struct
//
// Files of the same schema have the same Arrow schema, whatever they hold; Schema returns it. Encodings and codecs of tags
// are for Parquet and have no effect here.
//
// # Metadata
//
// The metadata of SetMetadata becomes the metadata of the schema in the footer of a file. A stream has no footer, and its schema
// comes first: it has the metadata that was set before the first record batch, so all of it if the block is one batch.
//
// # Limits
//
// No array has more than 2,147,483,647 bytes, as readers count them in an int32: record batches end before they reach it. A
// row that has more in its lists, where a null takes as much room as a value, is rejected.
//
//	newWriter, err := arrow.Writers[Order](arrow.Options{})
//	w := newWriter()
//	err = w.InitNew(file)
//	rows, err := w.Write(order)   // for each
//	err = w.Flush()
package arrow
