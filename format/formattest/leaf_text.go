package formattest

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"strings"
)

// texts are UTF-8, of many lengths: 12 bytes fit into a view of Arrow, 13 do not.
var texts = []string{
	"", "a", "ab", "ä", "\x00", "a\x00b\x00", "日本語", "😀", "e\u0301", "\u2028", "\ufeffmark", "\ufffd",
	"\U0010ffff", "\u007f\u0080",
	"\"quoted\" \\ 'and' `so`", "line\r\nbreak\ttab", "123456789012", "1234567890123",
	"-0", "null", "NaN", " ", strings.Repeat("long ", 200),
}

// notTexts are not UTF-8: a lone byte, a rune cut short, a surrogate, an overlong zero, a rune beyond the last.
var notTexts = []string{"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "ok\xff\xfe"}

func (s *source) text() string {
	var b strings.Builder
	for range s.IntN(1 + s.IntN(30)) {
		b.WriteString(texts[s.IntN(len(texts)-1)]) // without the long one
	}
	return b.String()
}

type (
	level     int // has a method String
	direction int // has a method MarshalText
)

// String returns the level's name.
func (l level) String() string { return [...]string{"low", "mid", "högh"}[l] }

// MarshalText returns the direction's name.
func (d direction) MarshalText() ([]byte, error) { return []byte([...]string{"up", "down"}[d]), nil }

func textLeaves() []leaf {
	var plain []is[string]
	var asBytes []is[string]
	var fromBytes []is[[]byte]
	for _, s := range texts {
		plain = append(plain, is[string]{s, Text(s)})
		asBytes = append(asBytes, is[string]{s, Bytes(s)})
		fromBytes = append(fromBytes, is[[]byte]{[]byte(s), Text(s)})
	}
	fromBytes = append(fromBytes, is[[]byte]{nil, nil})
	for _, s := range notTexts {
		asBytes = append(asBytes, is[string]{s, Bytes(s)})
	}
	var notBytes [][]byte
	for _, s := range notTexts {
		notBytes = append(notBytes, []byte(s))
	}
	random := func(s *source) (string, any) { v := s.text(); return v, Text(v) }
	return []leaf{
		leafOf("string", "", plain, random, notTexts...),
		leafOf("string dict", "dict", plain, random),
		leafOf("string delta", "delta", plain, random),
		leafOf("string plain", "plain", plain, random),
		leafOf("string enum", "enum", plain, random, notTexts...),
		leafOf("string bytes", "bytes", asBytes, nil),
		leafOf("bytes string", "string", fromBytes, nil, notBytes...),
		leafOf("enum", "enum", []is[level]{{0, Text("low")}, {1, Text("mid")}, {2, Text("högh")}}, nil, 3, -1),
		leafOf("stringer", "string", []is[level]{{0, Text("low")}, {1, Text("mid")}, {2, Text("högh")}}, nil, 3, -1),
		leafOf("marshaler", "", []is[direction]{{0, Text("up")}, {1, Text("down")}}, nil, 2),
		leafOf("address", "", []is[netip.Addr]{
			{netip.Addr{}, Text("")},
			{netip.MustParseAddr("127.0.0.1"), Text("127.0.0.1")},
			{netip.MustParseAddr("fe80::1%eth0"), Text("fe80::1%eth0")},
			{netip.MustParseAddr("::ffff:1.2.3.4"), Text("::ffff:1.2.3.4")},
		}, nil),
		leafOf("big.Int", "", []is[big.Int]{
			{bigInt("0"), Text("0")}, {bigInt("-" + strings.Repeat("9", 60)), Text("-" + strings.Repeat("9", 60))},
		}, nil),
		leafOf("json.Number", "", []is[json.Number]{{"", Text("")}, {"1e400", Text("1e400")}, {"-0.10", Text("-0.10")}}, nil),
	}
}

func jsonLeaves() []leaf {
	raw := []is[json.RawMessage]{
		{nil, nil},
		{json.RawMessage(`null`), JSON(`null`)},
		{json.RawMessage(`{}`), JSON(`{}`)},
		{json.RawMessage(` { "a" : [1, "ä😀", null, 1e400 ] } `), JSON(` { "a" : [1, "ä😀", null, 1e400 ] } `)},
		{json.RawMessage(`"\u0000"`), JSON(`"\u0000"`)},
		{json.RawMessage(`-0`), JSON(`-0`)},
		{json.RawMessage(`""`), JSON(`""`)},
	}
	type object struct {
		A int     `json:"a"`
		B *string `json:"b,omitempty"`
	}
	return []leaf{
		leafOf("json", "", raw, nil,
			json.RawMessage("{"), json.RawMessage(""), json.RawMessage("1 2"), json.RawMessage("\"\xff\"")),
		leafOf("string json", "json", []is[string]{{"1", JSON("1")}, {`[ ]`, JSON(`[ ]`)}}, nil, "", "x"),
		leafOf("any json", "json", []is[any]{
			{nil, nil}, {1, JSON(`1`)}, {"<&>", JSON(`"<&>"`)}, {map[string]any{"b": []int{1}, "a": nil}, JSON(`{"a":null,"b":[1]}`)},
		}, nil, any(make(chan int)), any(func() {})),
		leafOf("struct json", "json", []is[object]{{object{}, JSON(`{"a":0}`)}, {object{A: -1}, JSON(`{"a":-1}`)}}, nil),
		leafOf("slice json", "json", []is[[]int]{{nil, nil}, {[]int{}, JSON(`[]`)}, {[]int{1, 2}, JSON(`[1,2]`)}}, nil),
		leafOf("map json", "json", []is[map[string]int]{{nil, nil}, {map[string]int{"b": 1, "a": 2}, JSON(`{"a":2,"b":1}`)}}, nil),
	}
}
