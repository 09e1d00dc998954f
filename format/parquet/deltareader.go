package parquet

import (
	"encoding/binary"
	"fmt"
)

// A deltaReader reads values in the encoding DELTA_BINARY_PACKED one at a time, without memory for all of them.
type deltaReader struct {
	rest     []byte
	blockLen uint64 // values
	miniLen  uint64
	left     uint64 // values
	begun    bool

	last, least int64
	widths      []byte // of the remaining miniblocks of the block
	mini        []byte // the packed bits
	width       uint
	at          uint64 // values of the miniblock that were read
}

func (d *deltaReader) init(data []byte) error {
	*d = deltaReader{rest: data}
	var minis, first uint64
	for _, n := range []*uint64{&d.blockLen, &minis, &d.left, &first} {
		if err := d.uvarint(n); err != nil {
			return err
		}
	}
	if minis == 0 || minis > 1<<10 || d.blockLen > 1<<20 || d.blockLen%minis > 0 || d.blockLen/minis%8 > 0 || d.blockLen == 0 {
		return fmt.Errorf("blocks of %d values in %d parts", d.blockLen, minis)
	}
	d.miniLen, d.last = d.blockLen/minis, unzigzag(first)
	d.at = d.miniLen
	return nil
}

func (d *deltaReader) next() (int64, error) {
	if d.left == 0 {
		return 0, errCutOff
	}
	d.left--
	if !d.begun {
		d.begun = true
		return d.last, nil
	}
	if d.at == d.miniLen {
		if err := d.miniblock(); err != nil {
			return 0, err
		}
	}
	var bits uint64
	for got, at := uint(0), d.at*uint64(d.width); got < d.width; {
		shift := uint(at % 8)
		bits |= uint64(d.mini[at/8]>>shift) << got
		got += 8 - shift
		at += uint64(8 - shift)
	}
	if d.width < 64 {
		bits &= 1<<d.width - 1
	}
	d.at++
	d.last += d.least + int64(bits)
	return d.last, nil
}

// miniblock begins the next miniblock.
func (d *deltaReader) miniblock() error {
	if len(d.widths) == 0 {
		var least uint64
		if err := d.uvarint(&least); err != nil {
			return err
		}
		n := int(d.blockLen / d.miniLen)
		if len(d.rest) < n {
			return errCutOff
		}
		d.least, d.widths, d.rest = unzigzag(least), d.rest[:n], d.rest[n:]
	}
	d.width, d.widths, d.at = uint(d.widths[0]), d.widths[1:], 0
	n := int(d.miniLen) * int(d.width) / 8
	if d.width > 64 || len(d.rest) < n {
		return errCutOff
	}
	d.mini, d.rest = d.rest[:n], d.rest[n:]
	return nil
}

func (d *deltaReader) uvarint(to *uint64) error {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		return errCutOff
	}
	*to, d.rest = v, d.rest[n:]
	return nil
}

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
