package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// checkThrift returns an error unless b is one structure in Thrift's compact protocol. It is for untrusted input: a
// decoder allocates a list before it has read one element, whatever length the list claims to have.
func checkThrift(b []byte) error {
	c := thriftChecker{rest: b}
	if err := c.structure(1); err != nil {
		return err
	}
	if len(c.rest) > 0 {
		return fmt.Errorf("%d bytes follow it", len(c.rest))
	}
	return nil
}

// Types of the compact protocol.
const (
	thriftStop      = 0
	thriftTrue      = 1
	thriftFalse     = 2
	thriftByte      = 3
	thriftI16       = 4
	thriftI32       = 5
	thriftI64       = 6
	thriftDouble    = 7
	thriftBinary    = 8
	thriftList      = 9
	thriftSet       = 10
	thriftMap       = 11
	thriftStructure = 12
)

var errCutOff = errors.New("it is cut off")

type thriftChecker struct{ rest []byte }

func (c *thriftChecker) structure(depth int) error {
	for {
		header, err := c.take(1)
		if err != nil {
			return err
		}
		kind := header[0] & 0x0f
		if kind == thriftStop {
			return nil
		}
		if header[0]>>4 == 0 { // the field's id follows
			if _, err := c.varint(); err != nil {
				return err
			}
		}
		if kind == thriftTrue || kind == thriftFalse {
			continue // the value is the type
		}
		if err := c.value(kind, depth); err != nil {
			return err
		}
	}
}

func (c *thriftChecker) value(kind byte, depth int) (err error) {
	if depth > maxDepth {
		return errors.New("it is too deep")
	}
	switch {
	case kind == thriftTrue || kind == thriftFalse || kind == thriftByte:
		_, err = c.take(1)
	case kind >= thriftI16 && kind <= thriftI64:
		_, err = c.varint()
	case kind == thriftDouble:
		_, err = c.take(8)
	case kind == thriftBinary:
		var n uint64
		if n, err = c.varint(); err == nil {
			_, err = c.take(n)
		}
	case kind == thriftList || kind == thriftSet:
		err = c.list(depth)
	case kind == thriftMap:
		err = c.mapping(depth)
	case kind == thriftStructure:
		err = c.structure(depth + 1)
	default:
		err = fmt.Errorf("it has an unknown type %d", kind)
	}
	return err
}

func (c *thriftChecker) list(depth int) error {
	header, err := c.take(1)
	if err != nil {
		return err
	}
	n := uint64(header[0] >> 4)
	if n == 15 {
		if n, err = c.varint(); err != nil {
			return err
		}
	}
	return c.values(n, depth, header[0]&0x0f)
}

func (c *thriftChecker) mapping(depth int) error {
	n, err := c.varint()
	if err != nil || n == 0 {
		return err
	}
	kinds, err := c.take(1)
	if err != nil {
		return err
	}
	return c.values(n, depth, kinds[0]>>4, kinds[0]&0x0f)
}

// values checks n times one value of each kind. Each has at least one byte.
func (c *thriftChecker) values(n uint64, depth int, kinds ...byte) error {
	if n > uint64(len(c.rest)) {
		return fmt.Errorf("it claims a list of %d", n)
	}
	for range n {
		for _, kind := range kinds {
			if err := c.value(kind, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *thriftChecker) take(n uint64) ([]byte, error) {
	if n > uint64(len(c.rest)) {
		return nil, errCutOff
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b, nil
}

func (c *thriftChecker) varint() (uint64, error) {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		return 0, errCutOff
	}
	c.rest = c.rest[size:]
	return n, nil
}
