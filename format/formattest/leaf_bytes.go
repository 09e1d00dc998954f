package formattest

import "strings"

func byteLeaves() []leaf {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	plain := []is[[]byte]{
		{nil, nil},
		{[]byte{}, Bytes("")},
		{[]byte{0}, Bytes("\x00")},
		{[]byte{0xff}, Bytes("\xff")},
		{[]byte("text"), Bytes("text")},
		{every, Bytes(every)},
		{[]byte(strings.Repeat("\xff", 1000)), Bytes(strings.Repeat("\xff", 1000))},
		{[]byte("123456789012"), Bytes("123456789012")},
		{[]byte("1234567890123"), Bytes("1234567890123")},
	}
	random := func(s *source) ([]byte, any) {
		b := make([]byte, s.IntN(1+s.IntN(40)))
		for i := range b {
			b[i] = byte(s.Uint32())
		}
		return b, Bytes(b)
	}
	zero, ones := [16]byte{}, [16]byte{}
	for i := range ones {
		ones[i] = 0xff
	}
	some := [16]byte{0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0, 0xa7, 0x65, 0, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6}
	const text, highest = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "FFFFFFFF-ffff-ffff-ffff-ffffffffffff"
	return []leaf{
		leafOf("bytes", "", plain, random),
		leafOf("bytes dict", "dict", plain, random),
		leafOf("bytes delta", "delta", plain, random),
		leafOf("fixed 1", "", []is[[1]byte]{{[1]byte{}, Bytes("\x00")}, {[1]byte{0xff}, Bytes("\xff")}}, nil),
		leafOf("fixed 3", "", []is[[3]byte]{{[3]byte{}, Bytes("\x00\x00\x00")}, {[3]byte{1, 2, 0xff}, Bytes("\x01\x02\xff")}}, nil),
		leafOf("fixed 16", "", []is[[16]byte]{{zero, Bytes(zero[:])}, {ones, Bytes(ones[:])}, {some, Bytes(some[:])}}, nil),
		leafOf("fixed 300", "", []is[[300]byte]{
			{[300]byte{}, Bytes(strings.Repeat("\x00", 300))}, {[300]byte{299: 1}, Bytes(strings.Repeat("\x00", 299) + "\x01")},
		}, nil),
		leafOf("UUID", "", []is[UUID]{{zero, UUID(zero)}, {ones, UUID(ones)}, {some, UUID(some)}}, func(s *source) (UUID, any) {
			var u UUID
			for i := range u {
				u[i] = byte(s.Uint32())
			}
			return u, u
		}),
		leafOf("fixed UUID", "uuid", []is[[16]byte]{{zero, UUID(zero)}, {ones, UUID(ones)}, {some, UUID(some)}}, nil),
		leafOf("string UUID", "uuid", []is[string]{{text, UUID(some)}, {highest, UUID(ones)}}, nil, "", "f81d4fae", text+"0"),
		leafOf("bytes UUID", "uuid", []is[[]byte]{{nil, nil}, {some[:], UUID(some)}}, nil, []byte{}, some[:15]),
	}
}
