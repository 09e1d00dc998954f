// Package gosource describes where the values of a schema are in Go's memory. Package schema finds it out when it walks a
// type, and package columns compiles it into a plan:
//
//	type → schema.Of → Rows, Value → columns.Compile → Plan
//
// It is internal because the descriptions hold offsets that only a walk of the same type can know.
package gosource

import (
	"math/big"
	"reflect"
	"sync"
	"unsafe"
)

// Rows describes the rows of a schema.
type Rows struct {
	Type reflect.Type // a struct, or nil if the schema is of no Go type

	once   sync.Once
	layout any
}

// Layout returns the result of compute, which it calls once: all Columns of a schema share it.
func (r *Rows) Layout(compute func() any) any {
	r.once.Do(func() { r.layout = compute() })
	return r.layout
}

// Value describes the values of a node.
type Value struct {
	Type           reflect.Type // of the value at the end of Steps
	Steps          []Step       // from the struct, the element, the key or the map's value that the node belongs to
	Reader         Reader
	ReplaceInvalid bool // text that is not UTF-8 is replaced, not rejected
}

// A Step leads from one place in memory to the next.
type Step struct {
	Op     Op
	Offset uintptr                   // of Add and Valid
	IsZero func(unsafe.Pointer) bool // of Zero
	Table  unsafe.Pointer            // of Oneof
}

// Op is what a Step does.
type Op uint8

// The steps. All but Add may end at a null.
const (
	Add   Op = iota // moves by Offset bytes
	Deref           // follows the pointer at the place; nil is null
	Valid           // stays; false at Offset is null
	Nil             // stays; nil is null, of slices, maps and interfaces: their first word is 0 exactly when they are nil
	Zero            // stays; null if IsZero says so
	Oneof           // follows the pointer in the interface at the place if its method table is Table; all else is null
)

// Reader is how a Go value becomes the value of a leaf.
type Reader uint8

// The readers.
const (
	ByKind      Reader = iota // by its Go kind: numbers, strings, slices and arrays of bytes
	ByTime                    // time.Time
	ByText                    // encoding.TextAppender or encoding.TextMarshaler
	ByStringer                // fmt.Stringer
	ByJSON                    // encoding/json
	ByBigInt                  // big.Int
	ByBigRat                  // big.Rat
	ByScaled                  // ScaledNumber
	ByProtoTime               // seconds and nanoseconds of a protocol buffer
	ByProtoSpan               // the same, of a duration
)

// ScaledNumber is a decimal number like those of github.com/shopspring/decimal: Coefficient times 10^Exponent.
type ScaledNumber interface {
	Coefficient() *big.Int
	Exponent() int32
}
