package formattest

import (
	"fmt"
	"math"
	"strings"
)

// Patterns returns cases of many rows: runs of nulls and values at the edges of encodings, dictionaries of many sizes, values
// that fill pages, and files without rows.
func Patterns() []*Case {
	return []*Case{
		emptyCase(), nullsCase(), runsCase(), dictionariesCase(), manyDistinctCase(), deltasCase(), pagesCase(),
		listsCase(), hugeCase(), deepCase(), wideCase(),
	}
}

// emptyCase has no rows, but columns in all places.
func emptyCase() *Case {
	return caseOf("no rows", 1, 0, places(textLeaves()[0])...)
}

// nullsCase has only nulls.
func nullsCase() *Case {
	type nested struct{ V *int64 }
	type row struct {
		I *int64
		S *string
		D *string `parquet:",dict"`
		B *bool
		F *[5]byte
		L []int64
		M map[string]string
		N *nested
		Z []nested
	}
	columns := []string{"I", "S", "D", "B", "F", "L", "M", "N", "Z"}
	rows := make([]is[row], 3000)
	for i := range rows {
		rows[i].want = List{nil, nil, nil, nil, nil, nil, NoMap{}, nil, nil}
	}
	return literal("all nulls", columns, rows)
}

// lengths of runs around 8, 64, and the most that fits in a byte of a header.
var lengths = []int{
	1, 1, 2, 7, 8, 9, 15, 16, 17, 1, 63, 64, 65, 3, 127, 128, 129, 503, 504, 505, 1, 1, 1, 1000, 1024, 8, 8, 2500,
}

// runsCase alternates between values and nulls, each column in its own step.
func runsCase() *Case {
	type row struct {
		Nullable *int64
		Dict     *string `parquet:",dict"`
		Bools    bool
		Maybe    *bool
		Same     int32 `parquet:",dict"`
		List     []int16
		Optional float64 `parquet:",optional"`
	}
	columns := []string{"Nullable", "Dict", "Bools", "Maybe", "Same", "List", "Optional"}
	runs := make([]runs, len(columns))
	for i := range runs {
		runs[i].next = i * 5
	}
	rows := make([]is[row], 9000)
	for i := range rows {
		r, want := &rows[i].value, make(List, len(columns))
		n, text := int64(i), string(rune('a'+i%3))
		if on, _ := runs[0].step(); on {
			r.Nullable, want[0] = &n, I(n)
		}
		if on, _ := runs[1].step(); on {
			r.Dict, want[1] = &text, Text(text)
		}
		r.Bools, _ = runs[2].step()
		want[2] = r.Bools
		if on, run := runs[3].step(); on {
			odd := run%2 == 1
			r.Maybe, want[3] = &odd, odd
		}
		_, run := runs[4].step()
		r.Same = int32(run * 1000)
		want[4] = I(r.Same)
		switch on, run := runs[5].step(); {
		case on && run%4 == 1:
			r.List, want[5] = []int16{}, List{}
		case on:
			r.List, want[5] = []int16{int16(run), int16(i)}, List{I(int16(run)), I(int16(i))}
		}
		if on, _ := runs[6].step(); on {
			r.Optional, want[6] = 0.5, F64(0.5)
		}
		rows[i].want = want
	}
	return literal("runs of nulls and values", columns, rows)
}

// runs reports for each row whether its run has values, and the number of the run.
type runs struct {
	next, left, count int
}

func (r *runs) step() (on bool, run int) {
	for r.left == 0 {
		r.left = lengths[r.next%len(lengths)]
		r.next++
		r.count++
	}
	r.left--
	return r.count%2 == 1, r.count
}

// dictionariesCase has dictionaries of sizes at which the width of indexes changes.
func dictionariesCase() *Case {
	var columns []part
	for _, size := range []int{1, 2, 3, 16, 17, 255, 256, 257} {
		ints, texts := make([]is[int64], size), make([]is[string], size)
		for i := range size {
			ints[i] = is[int64]{int64(i) * 1_000_003, I(i * 1_000_003)}
			text := strings.Repeat("v", i%20) + fmt.Sprint(i)
			texts[i] = is[string]{text, Text(text)}
		}
		columns = append(columns, part{name: fmt.Sprintf("Ints%d", size), of: leafOf("", "dict", ints, nil).shape},
			part{name: fmt.Sprintf("Texts%d", size), of: pointerTo(leafOf("", "dict", texts, nil).shape)})
	}
	return caseOf("dictionaries", 3, 1500, columns...)
}

// manyDistinctCase has 70,000 different values, too many for a dictionary.
func manyDistinctCase() *Case {
	type row struct {
		N int64  `parquet:",dict"`
		S string `parquet:",dict"`
	}
	rows := make([]is[row], 71_000)
	for i := range rows {
		n := int64(i%70_000) * 7919
		s := fmt.Sprintf("%x", n)
		rows[i] = is[row]{row{n, s}, List{I(n), Text(s)}}
	}
	return literal("70,000 distinct values", []string{"N", "S"}, rows)
}

// deltasCase has integers whose differences are of all widths, the widest among them, in blocks and parts of them.
func deltasCase() *Case {
	type row struct {
		N int64  `parquet:",delta"`
		S int32  `parquet:",delta"`
		P *int64 `parquet:",delta"`
		T string `parquet:",delta"`
	}
	rows := make([]is[row], 128*40+1)
	var n, s int64
	for i := range rows {
		switch block := i / 128 % 10; {
		case block < 2:
			n, s = n+1000, s+1
		case block == 2: // no difference
		case block == 3:
			n, s = []int64{math.MinInt64, math.MaxInt64}[i%2], []int64{math.MinInt32, math.MaxInt32}[i%2]
		default:
			n += int64(1) << (block * 6) * int64(1-2*(i%2))
			s = int64(int32(s + int64(1)<<(block*3)*int64(1-2*(i%2))))
		}
		r := row{N: n, S: int32(s), T: strings.Repeat("t", int(uint64(n)%23))}
		want := List{I(n), I(int32(s)), nil, Text(r.T)}
		if i%7 > 2 {
			m := n
			r.P, want[2] = &m, I(m)
		}
		rows[i] = is[row]{r, want}
	}
	return literal("differences of all widths", []string{"N", "S", "P", "T"}, rows)
}

// pagesCase has more than a page of each column, and rows that begin and end where pages do.
func pagesCase() *Case {
	type row struct {
		Text  string `parquet:",plain"`
		Bytes []byte
		Lists [][]string
		N     *float64 `parquet:",plain"`
	}
	rows := make([]is[row], 4000)
	for i := range rows {
		text := fmt.Sprintf("%0*d", 50+i%100, i)
		r := row{Text: text, Bytes: []byte(strings.Repeat(string(rune(i%128)), i%300))}
		want := List{Text(text), Bytes(r.Bytes), nil, nil}
		if i%9 > 0 {
			var lists List
			for j := range i % 4 {
				list, is := make([]string, (i+j)%5), make(List, (i+j)%5)
				for k := range list {
					list[k] = text[:i%50]
					is[k] = Text(list[k])
				}
				r.Lists, lists = append(r.Lists, list), append(lists, is)
			}
			if lists != nil {
				want[2] = lists
			}
			f := float64(i) / 3
			r.N, want[3] = &f, F64(f)
		}
		rows[i] = is[row]{r, want}
	}
	return literal("many pages", []string{"Text", "Bytes", "Lists", "N"}, rows)
}

// listsCase has a list that is longer than a page, between short ones.
func listsCase() *Case {
	type row struct {
		L []int64
		S []struct{ V *string }
	}
	var rows []is[row]
	for _, n := range []int{0, 1, 40_000, 2, 0, 1000, 1} {
		r, ints, structs := row{}, make(List, n), make(List, n)
		r.L = make([]int64, n)
		r.S = make([]struct{ V *string }, n)
		for i := range n {
			r.L[i] = int64(i) * int64(i)
			ints[i] = I(r.L[i])
			structs[i] = Struct{{"V", nil}}
			if i%3 > 0 {
				s := "s"
				r.S[i].V, structs[i] = &s, Struct{{"V", Text("s")}}
			}
		}
		rows = append(rows, is[row]{r, List{ints, structs}})
	}
	return literal("long lists", []string{"L", "S"}, rows)
}

// hugeCase has values of up to 5 MB.
func hugeCase() *Case {
	type row struct {
		S string
		B []byte
		D string `parquet:",dict"`
		L []string
	}
	var rows []is[row]
	for _, n := range []int{1 << 20, 0, 5_000_000, 1, 5_000_000, 5_000_000, 1<<16 - 1, 1 << 16} {
		s := strings.Repeat("0123456789abcdeä", n/17) + strings.Repeat("x", n%17)
		b := strings.Repeat("\xff", min(n, 1<<20))
		short := s[:min(len(s), 17*1000)]
		want := List{Text(s), Bytes(b), Text(short), List{Text(short), Text("")}}
		rows = append(rows, is[row]{row{s, []byte(b), short, []string{short, ""}}, want})
	}
	return literal("values of megabytes", []string{"S", "B", "D", "L"}, rows)
}

// deepCase is nested twenty deep.
func deepCase() *Case {
	in := leafOf("", "", []is[int32]{{1, Int("1")}, {2, Int("2")}}, nil).shape
	for i := range 6 {
		switch i % 3 {
		case 0:
			in = listOf(in)
		case 1:
			in = pointerTo(structOf(part{name: "F", of: in}, part{name: "G", of: pointerTo(keyInt)}))
		case 2:
			in = mapOf(keyText, in)
		}
	}
	for range 14 {
		in = pointerTo(structOf(part{name: "F", of: in}))
	}
	return caseOf("deeply nested", 9, 300, part{name: "A", of: in})
}

// wideCase has 500 columns, some with bloom filters.
func wideCase() *Case {
	some := leaves()
	var columns []part
	for i := range 500 {
		l := some[i%len(some)]
		bloom := i < 200 && l.name != "bool" && l.name != "sql.NullBool"
		columns = append(columns, part{name: fmt.Sprintf("C%d", i), of: pointerTo(l.shape), bloom: bloom})
	}
	return caseOf("many columns", 10, 20, columns...)
}
