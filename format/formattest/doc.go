// Package formattest has tests that every format must pass, and foreign readers that check the files.
//
// Suite is for every format.Writer. Typed is for formats of columns: its cases have all kinds of fields that package schema
// documents, in all places, with the values that break formats, and their expected values in a file, written down by hand. Random
// makes more cases for fuzz tests. Capabilities is for Writers that wrap others.
//
//	formattest.Typed(t, func(plan columns.Appender[any]) (func() format.Writer[any], error) {
//		return parquet.PlanWriters(plan, parquet.Options{})
//	}, formattest.ParquetReaders(t))
//
// ParquetReaders and ArrowReaders convert all values to the same types, such as Int, Text and List, without loss. A reader that
// cannot tell one type from another has a limit that says so.
//
// A DuckDB answers in SQL:
//
//	duck := formattest.DuckDB(t)
//	n := duck.QueryInt("SELECT count(*) FROM read_parquet(" + formattest.Quote(path) + ")")
//
// The readers run in a Node process; `npm ci` in the folder readers installs them. Comparing rows is fastest in SQL;
// Duck.Each passes about 45,000 raw messages a second, and CheckRaw compares them.
package formattest
