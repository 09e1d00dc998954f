// Package formattest has what tests of formats need: what every format has to pass, and foreign readers that say whether
// files are what they claim to be.
//
// Suite is for every format.Writer. Typed is for formats of columns: its cases have all kinds of fields that package schema
// documents, in all places, with the values that break formats, and what each is in a file, written down by hand. Random
// makes as many more cases as a fuzz test wants.
//
//	formattest.Typed(t, func(plan schema.Appender[any]) (func() format.Writer[any], error) {
//		return parquet.PlanWriters(plan, parquet.Options{})
//	}, formattest.ParquetReaders(t))
//
// ParquetReaders and ArrowReaders bring all values to the same types, such as Int, Text and List, and lose nothing. Where a
// reader cannot tell one type from another, it says so in a limit of its own.
//
// A DuckDB answers in SQL:
//
//	duck := formattest.DuckDB(t)
//	n := duck.QueryInt("SELECT count(*) FROM read_parquet(" + formattest.Quote(path) + ")")
//
// The readers run in a Node process; `npm ci` in the folder readers installs them. Comparing rows is fastest in SQL;
// Duck.Each hands over about 45,000 raw messages a second, and CheckRaw compares them.
package formattest
