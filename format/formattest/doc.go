// Package formattest has what tests of formats need: Suite, which every format.Writer passes, and DuckDB, a foreign
// reader that says whether the files are what they claim to be.
//
//	duck := formattest.DuckDB(t)
//	n := duck.QueryInt("SELECT count(*) FROM read_parquet(" + formattest.Quote(path) + ")")
//
// DuckDB runs in a Node process; `npm ci` in the folder readers installs it. Comparing rows is
// fastest in SQL; Duck.Each hands over about 45,000 raw messages a second, and CheckRaw compares them.
package formattest
