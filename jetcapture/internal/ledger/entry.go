package ledger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Version is the version of the entries that this package writes, and the only one that it reads. Entries of a later version
// that need not be understood are passed over; at others a capture ends with ErrNewer.
const Version = 2

// A State is the state of a block, or the kind of an entry that is not about a block.
type State string

// The states of a block. Claimed is the first; its capture ends it with Stored or Aborted.
const (
	Claimed State = "claimed" // its capture may be storing it
	Stored  State = "stored"  // its file exists
	Aborted State = "aborted" // its file does not exist and never will
	Revoked State = "revoked" // its file is damaged or gone: its messages may be stored in another file
)

// The entries that are not about a block.
const (
	settingsEntry State = "settings"
	lineageEntry  State = "lineage"
	presenceEntry State = "presence"
)

// A Place is where a block's file belongs. The capture that claims the block resolves it: a capture that settles the claim uses it
// unchanged, whatever its own settings are.
type Place struct {
	Root string // which of the store's buckets, as store.Location has it; "" where there is one
	Name string // of the object, relative to the bucket's root
}

// An Entry is one message of the log.
type Entry struct {
	State    State
	Instance string // of the capture that appended it

	// Only about a block.
	Block   string // id
	Lineage string // of the stream, as the claim's capture knew it

	// Only in claims. One whose segments are too large for one message is split over several parts, and the claim counts from
	// its last one.
	Part      int // from 1
	Parts     int
	Again     bool   // the log had lost it: it may have been made before any other claim, whatever its place in the log
	Place     Place  // in the first part
	Tombstone []byte // the file that settles the claim; in the first part
	Segments  Segments

	Settings *Settings // only in an entry of settings
	Fork     *Fork     // only in one of lineage
	Presence *Presence // only in one of presence
}

// Settings hold for all captures of a ledger.
type Settings struct {
	Retention time.Duration `json:"retention"` // see Options.Retention
	Store     string        `json:"store"`     // the id of the store that the claimed files are in, "" if it has none
	Place     string        `json:"place"`     // where the store was when the ledger got its id, for people
}

// A Fork says that a stream lost its end, and gave the same sequences to other messages.
type Fork struct {
	Lineage string `json:"lineage"` // the name of the stream since the fork, as claims have it
	Parent  string `json:"parent"`  // its name before, "" before the first fork
	Seq     uint64 `json:"seq"`     // the first sequence known to be of another message
	Old     int64  `json:"old"`     // the latest time known of a lost message, in nanoseconds since 1970
	New     int64  `json:"new"`     // the time of the first new message that was noticed, 0 if none was
}

const (
	headerVersion  = "Jc-Version"
	headerMust     = "Jc-Must" // "1": who does not understand the entry must not go on
	headerState    = "Jc-State"
	headerPart     = "Jc-Part"
	headerAgain    = "Jc-Again" // "1"
	headerInstance = "Jc-Instance"
	headerLineage  = "Jc-Lineage"
	headerObject   = "Jc-Object" // for people; the body has it too
	headerRange    = "Jc-Range"  // for people

	blockToken   = "b." // before the id of a block in a subject
	settingToken = "s." // before the name of something that concerns the whole ledger
)

// Limits of what is read: an entry is at most as large as the server's largest message, but what it unpacks to is not.
const (
	maxParts = 100_000
	maxName  = 64 << 10 // bytes of a root or a name; a root may hold a destination key
)

// Subject returns the end of the entry's subject: all entries with the same have one order of their own, and Log.Append
// looks at the last of them.
func (e *Entry) Subject() string {
	switch e.State {
	case settingsEntry, lineageEntry, presenceEntry:
		return settingToken + string(e.State)
	default:
		return blockToken + e.Block
	}
}

// encode returns the entry as a message without a subject.
func (e *Entry) encode() (*nats.Msg, error) {
	msg := &nats.Msg{Header: nats.Header{
		headerVersion:  {strconv.Itoa(Version)},
		headerMust:     {"1"},
		headerState:    {string(e.State)},
		headerInstance: {e.Instance},
	}}
	var err error
	switch e.State {
	case Claimed:
		return msg, e.encodeClaim(msg)
	case settingsEntry:
		msg.Data, err = json.Marshal(e.Settings)
	case lineageEntry:
		msg.Data, err = json.Marshal(e.Fork)
	case presenceEntry:
		msg.Data, err = json.Marshal(e.Presence)
	}
	return msg, err
}

func (e *Entry) encodeClaim(msg *nats.Msg) error {
	tombstone, err := deflate(e.Tombstone)
	if err != nil {
		return fmt.Errorf("encode tombstone: %w", err)
	}
	var body []byte
	for _, field := range [][]byte{[]byte(e.Place.Root), []byte(e.Place.Name), tombstone} {
		body = binary.AppendUvarint(body, uint64(len(field)))
		body = append(body, field...)
	}
	if msg.Data, err = e.Segments.encode(body); err != nil {
		return err
	}
	msg.Header.Set(headerPart, fmt.Sprintf("%d/%d", e.Part, e.Parts))
	if e.Again {
		msg.Header.Set(headerAgain, "1")
	}
	if e.Lineage != "" {
		msg.Header.Set(headerLineage, e.Lineage)
	}
	if e.Place.Name != "" {
		msg.Header.Set(headerObject, (&url.URL{Path: e.Place.Name}).EscapedPath())
	}
	if set := e.Segments.Set(); !set.IsEmpty() {
		msg.Header.Set(headerRange, fmt.Sprintf("%d-%d", set.Minimum(), set.Maximum()))
	}
	return nil
}

var (
	// errMalformed is the error of a message that is no entry. Nobody who writes entries made it, so nothing depends on it.
	errMalformed = errors.New("malformed ledger entry")

	// errHint is the error of an entry of a later version that need not be understood.
	errHint = errors.New("ledger entry of a later version")

	// ErrNewer ends a capture that reads an entry of a later version which it would have to understand.
	ErrNewer = errors.New("a capture of a later version has written entries that this version does not understand: upgrade this program")
)

// decode reads a message of the log. subject is its end, as Entry.Subject has it. The error wraps ErrNewer for an entry of a
// later version that must be understood, errHint for another of such, and errMalformed for what is no entry.
func decode(subject string, header nats.Header, body []byte) (*Entry, error) {
	version, err := strconv.Atoi(header.Get(headerVersion))
	if err != nil || version < Version {
		return nil, fmt.Errorf("%w: %s is %.40q", errMalformed, headerVersion, header.Get(headerVersion))
	}
	e := &Entry{State: State(header.Get(headerState)), Instance: header.Get(headerInstance)}
	known := false
	switch e.State {
	case Claimed, Stored, Aborted, Revoked, settingsEntry, lineageEntry, presenceEntry:
		known = version == Version
	}
	if !known {
		if header.Get(headerMust) == "1" {
			return nil, fmt.Errorf("%w: version %d, state %.40q", ErrNewer, version, e.State)
		}
		return nil, fmt.Errorf("%w: version %d, state %.40q", errHint, version, e.State)
	}
	switch e.State {
	case settingsEntry:
		err = decodeJSON(body, &e.Settings)
	case lineageEntry:
		err = decodeJSON(body, &e.Fork)
	case presenceEntry:
		err = decodeJSON(body, &e.Presence)
	default:
		e.Block = strings.TrimPrefix(subject, blockToken)
		if e.State == Claimed {
			err = e.decodeClaim(header, body)
		}
	}
	if err == nil && subject != e.Subject() {
		err = fmt.Errorf("its subject is %.80q", subject)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errMalformed, e.State, err)
	}
	return e, nil
}

func decodeJSON[T any](body []byte, to **T) error {
	if err := json.Unmarshal(body, to); err != nil {
		return err
	}
	if *to == nil {
		return errors.New("it is null")
	}
	return nil
}

func (e *Entry) decodeClaim(header nats.Header, body []byte) error {
	part, parts, _ := strings.Cut(header.Get(headerPart), "/")
	var err error
	if e.Part, err = strconv.Atoi(part); err == nil {
		e.Parts, err = strconv.Atoi(parts)
	}
	if err != nil || e.Part < 1 || e.Part > e.Parts || e.Parts > maxParts {
		return fmt.Errorf("%s is %.40q", headerPart, header.Get(headerPart))
	}
	e.Lineage, e.Again = header.Get(headerLineage), header.Get(headerAgain) == "1"
	r := reader{rest: body}
	root, name, tombstone := r.bytes(), r.bytes(), r.bytes()
	if r.err != nil {
		return r.err
	}
	if len(root) > maxName || len(name) > maxName {
		return errors.New("its place is too long")
	}
	e.Place = Place{Root: string(root), Name: string(name)}
	if e.Tombstone, err = inflate(tombstone); err != nil {
		return fmt.Errorf("tombstone: %w", err)
	}
	e.Segments, err = decodeSegments(r.rest)
	return err
}

// split cuts a claim into parts that each fit into limit bytes, which leaves room for headers.
func split(e *Entry, limit int) []*Entry {
	const headers = 1024
	room := max(limit-len(e.Tombstone)-len(e.Place.Root)-len(e.Place.Name)-headers, 256)
	var parts []*Entry
	for _, segments := range e.Segments.split(room) {
		part := &Entry{Block: e.Block, State: e.State, Instance: e.Instance, Lineage: e.Lineage, Again: e.Again, Segments: segments}
		if len(parts) == 0 {
			part.Place, part.Tombstone = e.Place, e.Tombstone
		}
		parts = append(parts, part)
	}
	for i, part := range parts {
		part.Part, part.Parts = i+1, len(parts)
	}
	return parts
}
