package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/nats-io/nats.go"
)

// A State is what has become of a block.
type State string

// The states of a block. Claimed is the first, the others are final.
const (
	Claimed State = "claimed" // its capture may be storing it
	Stored  State = "stored"  // its file is there
	Aborted State = "aborted" // its file is not there and never will be
)

// A Place is where a block's file belongs, in the words of the capture's store.
type Place struct {
	DestKey []byte // encoded by the capture
	Root    bool   // beside all destination keys; DestKey is empty
	Dir     string
	File    string
}

// An Entry is one message of the log.
type Entry struct {
	Block    string // id
	State    State
	Instance string    // of the capture that appended it
	Created  time.Time // of the stream whose sequences these are: one that was made again counts anew

	// Only in claims. A set too large for one message is split by sequence over several parts, and the claim counts from
	// its last one.
	Part      int // from 1
	Parts     int
	Place     Place  // in the first part
	Tombstone []byte // the file that settles the claim; in the first part
	Set       *roaring64.Bitmap
}

const (
	headerState    = "Jc-State"
	headerPart     = "Jc-Part"
	headerInstance = "Jc-Instance"
	headerCreated  = "Jc-Created"
	headerObject   = "Jc-Object" // for people; the body has it too
	headerRange    = "Jc-Range"  // for people
)

// encode returns the entry as a message without a subject.
func (e *Entry) encode() (*nats.Msg, error) {
	msg := &nats.Msg{Header: nats.Header{
		headerState:    {string(e.State)},
		headerInstance: {e.Instance},
		headerCreated:  {strconv.FormatInt(e.Created.UnixNano(), 10)},
	}}
	if e.State != Claimed {
		return msg, nil
	}
	set, err := e.Set.ToBytes()
	if err != nil {
		return nil, fmt.Errorf("encode sequences: %w", err)
	}
	tombstone, err := deflate(e.Tombstone)
	if err != nil {
		return nil, fmt.Errorf("encode tombstone: %w", err)
	}
	root := byte(0)
	if e.Place.Root {
		root = 1
	}
	body := []byte{root}
	for _, field := range [][]byte{e.Place.DestKey, []byte(e.Place.Dir), []byte(e.Place.File), tombstone, set} {
		body = binary.AppendUvarint(body, uint64(len(field)))
		body = append(body, field...)
	}
	msg.Data = body
	msg.Header.Set(headerPart, fmt.Sprintf("%d/%d", e.Part, e.Parts))
	if e.Place.File != "" {
		msg.Header.Set(headerObject, (&url.URL{Path: e.Place.Dir + "/" + e.Place.File}).EscapedPath())
	}
	if !e.Set.IsEmpty() {
		msg.Header.Set(headerRange, fmt.Sprintf("%d-%d", e.Set.Minimum(), e.Set.Maximum()))
	}
	return msg, nil
}

var errMalformed = errors.New("malformed ledger entry")

// decode reads a message of the log.
func decode(block string, header nats.Header, body []byte) (*Entry, error) {
	created, err := strconv.ParseInt(header.Get(headerCreated), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is %q", errMalformed, headerCreated, header.Get(headerCreated))
	}
	e := &Entry{
		Block: block, State: State(header.Get(headerState)), Instance: header.Get(headerInstance), Created: time.Unix(0, created),
	}
	switch e.State {
	case Stored, Aborted:
		return e, nil
	case Claimed:
	default:
		return nil, fmt.Errorf("%w: %s is %q", errMalformed, headerState, e.State)
	}
	part, parts, _ := strings.Cut(header.Get(headerPart), "/")
	if e.Part, err = strconv.Atoi(part); err == nil {
		e.Parts, err = strconv.Atoi(parts)
	}
	if err != nil || e.Part < 1 || e.Part > e.Parts {
		return nil, fmt.Errorf("%w: %s is %q", errMalformed, headerPart, header.Get(headerPart))
	}
	return e, e.decodeBody(body)
}

func (e *Entry) decodeBody(body []byte) error {
	if len(body) == 0 {
		return fmt.Errorf("%w: a claim without a body", errMalformed)
	}
	e.Place.Root = body[0] != 0
	body = body[1:]
	var fields [5][]byte
	for i := range fields {
		n, size := binary.Uvarint(body)
		if size <= 0 || n > uint64(len(body)-size) {
			return fmt.Errorf("%w: field %d is cut off", errMalformed, i)
		}
		fields[i] = body[size : size+int(n)]
		body = body[size+int(n):]
	}
	if len(fields[0]) > 0 {
		e.Place.DestKey = bytes.Clone(fields[0])
	}
	e.Place.Dir, e.Place.File = string(fields[1]), string(fields[2])
	var err error
	if e.Tombstone, err = inflate(fields[3]); err != nil {
		return fmt.Errorf("%w: tombstone: %w", errMalformed, err)
	}
	e.Set = roaring64.New()
	if err := e.Set.UnmarshalBinary(fields[4]); err != nil {
		return fmt.Errorf("%w: sequences: %w", errMalformed, err)
	}
	if err := e.Set.Validate(); err != nil && !e.Set.IsEmpty() {
		return fmt.Errorf("%w: sequences: %w", errMalformed, err)
	}
	return nil
}

// split cuts a claim into parts that each fit into limit bytes, which leaves room for headers.
func split(e *Entry, limit int) []*Entry {
	first := *e
	first.Part, first.Parts = 1, 1
	room := limit - len(e.Tombstone) - len(e.Place.DestKey) - len(e.Place.Dir) - len(e.Place.File) - 1024
	if int(e.Set.GetSerializedSizeInBytes()) <= room {
		return []*Entry{&first}
	}
	var parts []*Entry
	all := e.Set.ToArray()
	// A sequence costs at most two bytes in a run of the set, and 32 where each is far from the next.
	for size := max(1, max(room, 64)/32); len(all) > 0; {
		n := min(size, len(all))
		for n < len(all) { // as many as fit, found by doubling
			more := min(2*n, len(all))
			if int(optimized(all[:more]).GetSerializedSizeInBytes()) > max(room, 64) {
				break
			}
			n = more
		}
		part := &Entry{Block: e.Block, State: e.State, Instance: e.Instance, Created: e.Created, Set: optimized(all[:n])}
		if len(parts) == 0 {
			part.Place, part.Tombstone = e.Place, e.Tombstone
		}
		parts = append(parts, part)
		all = all[n:]
	}
	for i, part := range parts {
		part.Part, part.Parts = i+1, len(parts)
	}
	return parts
}

func optimized(seqs []uint64) *roaring64.Bitmap {
	set := roaring64.BitmapOf(seqs...)
	set.RunOptimize()
	return set
}
