package parquet

// The bounds of text, which no file shows for all texts there are.
var (
	CutLeast    = cutLeast
	CutGreatest = cutGreatest
)
