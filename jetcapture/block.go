package jetcapture

import (
	"fmt"
	"io"
	"maps"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/blockname"
	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/spool"
	"github.com/jetcapture/lake/store"
)

// An encoder is a format.Writer without its Write, which alone depends on the payload.
type encoder = format.AnyWriter

// A block is all that goes into one file. See queue for who owns it when.
type block[K DestKey] struct {
	id         string
	destKey    K
	deadLetter bool
	start      time.Time // of its interval, or of the first of them
	end        time.Time
	lineage    string         // of the stream that its messages are of; "" if it is not known
	oldest     elapsed.Moment // the earliest that any of its messages can have been sent to this capture

	acks.Refs
	extent
	rows int

	opening
	sealed time.Time
	reason SealReason
	blockFile
	storage
}

// An opening is what matters of a block while it is open.
type opening struct {
	opened   time.Time // by the local clock
	last     time.Time // the start of the last interval, by which the open ones are told apart
	late     bool      // opened after its interval had ended by stream time
	failed   int       // how many blocks with its messages failed in their writer
	budgeted int64     // bytes of memory, as counted against the budget
}

// An extent says between which numbers and times the messages of a block are.
type extent struct {
	firstSeq  uint64
	lastSeq   uint64
	firstTime int64 // of firstSeq, in nanoseconds since 1970
	lastTime  int64

	firstDelivery uint64    // the lowest consumer sequence
	before        [2]uint64 // the first and the last sequence that another capture may have held before, 0 without one
}

// A blockFile is a file in the making.
type blockFile struct {
	encoder    encoder
	compressor *format.Compressor // nil if the file is not compressed as a whole
	bufferer   format.Bufferer    // nil if the encoder is none
	spool      *spool.Spool
	extensions []string          // of the file name
	source     map[string]string // of the spec
	attributes map[string]string // once it is finished
	bytes      int64             // the same
}

// A storage says where a block is stored.
type storage struct {
	claimed  store.Location // with ExactlyOnce
	attempts int
	location string // once it is stored
}

// An openBlock is a block with the writer that its payloads go to.
type openBlock[P Payload, K DestKey] struct {
	*block[K]
	writer format.Writer[P]
}

// A blockSpec has the settings of all blocks of a capture, or of all its dead-letter blocks.
type blockSpec struct {
	suffix      string
	compression format.Codec
	spools      *spool.Folder     // nil: in memory
	source      map[string]string // attributes of every block: stream, consumer, version
	metadata    map[string]string // the same, for the file
}

// blockSpecs has the spec of blocks of payloads, and the one of blocks of dead letters.
type blockSpecs struct {
	blocks, deadLetters blockSpec
	idPrefix            string // of the ids of blocks
}

func newBlockSpecs[P Payload, K DestKey](o *Options[P, K], log *zap.Logger) *blockSpecs {
	source := map[string]string{"stream": o.NATSStreamName, "consumer": o.NATSConsumerName, "version": Version()}
	metadata := fileMetadata(source)
	specs := &blockSpecs{
		blocks:      blockSpec{suffix: o.Suffix, compression: o.Compression, source: source, metadata: metadata},
		deadLetters: blockSpec{suffix: deadLetterSuffix, compression: format.None, source: source, metadata: metadata},
	}
	if o.BufferToDisk {
		folder := spool.NewFolder(o.TempDir, log)
		specs.blocks.spools, specs.deadLetters.spools = folder, folder
	}
	return specs
}

// openEncoder starts the file of a block: the encoder writes through the compressor into the spool.
func (b *block[K]) openEncoder(e encoder, spec blockSpec) error {
	b.encoder = e
	b.spool = spool.New(spec.spools)
	b.extensions = []string{spec.suffix}
	b.source = spec.source
	b.bufferer, _ = format.As[format.Bufferer](e)

	var out io.Writer = b.spool
	if c, ok := format.As[format.SelfCompressor](e); ok {
		if err := c.SetCompression(spec.compression); err != nil {
			return fmt.Errorf("set compression %q: %w", spec.compression, err)
		}
	} else if extension := format.Extension(spec.compression); extension != "" {
		compressor, err := format.Compress(b.spool, spec.compression)
		if err != nil {
			return fmt.Errorf("set compression %q: %w", spec.compression, err)
		}
		b.compressor, out = compressor, compressor
		b.extensions = append(b.extensions, extension)
	}
	if err := guard.Call("InitNew", func() error { return e.InitNew(out) }); err != nil {
		return fmt.Errorf("start block: %w", err)
	}
	setMetadata(e, spec.metadata)
	return nil
}

// setMetadata puts metadata into the file, if its format has room for it.
func setMetadata(e encoder, metadata map[string]string) {
	if m, ok := format.As[format.MetadataSetter](e); ok {
		m.SetMetadata(metadata)
	}
}

// fileMetadata returns attributes as a file has them in its metadata.
func fileMetadata(attributes map[string]string) map[string]string {
	metadata := make(map[string]string, len(attributes))
	for name, value := range attributes {
		metadata["jetcapture."+name] = value
	}
	return metadata
}

// add counts a message whose payload became rows.
func (b *block[K]) add(d *acks.Delivery, rows int) {
	b.extent.add(d, b.Count() == 0)
	b.Add(d)
	b.rows += rows
}

func (e *extent) add(d *acks.Delivery, first bool) {
	if first || d.ConsumerSeq < e.firstDelivery {
		e.firstDelivery = d.ConsumerSeq
	}
	if first || d.StreamSeq < e.firstSeq {
		e.firstSeq, e.firstTime = d.StreamSeq, d.Timestamp
	}
	if first || d.StreamSeq > e.lastSeq {
		e.lastSeq, e.lastTime = d.StreamSeq, d.Timestamp
	}
}

// heldBefore notes that another capture may have held a message before, and may have it in a file.
func (e *extent) heldBefore(seq uint64) {
	if e.before[0] == 0 {
		e.before[0] = seq
	}
	e.before = [2]uint64{min(e.before[0], seq), max(e.before[1], seq)}
}

// below returns the numbers, or those before the first message if these are lower.
func (e *extent) below(low acks.Ref) acks.Ref {
	low.StreamSeq = min(low.StreamSeq, e.firstSeq-1)
	low.ConsumerSeq = min(low.ConsumerSeq, e.firstDelivery-1)
	return low
}

// requested notes when a message of the block was asked for.
func (b *block[K]) requested(at elapsed.Moment) {
	if b.oldest.IsZero() || at.Before(b.oldest) {
		b.oldest = at
	}
}

// blockBytes is the memory of an empty block: itself, its writer without columns, its entries in maps.
const blockBytes = 1536

// measure returns the bytes of memory that the block holds.
func (b *block[K]) measure() int64 {
	return blockBytes + b.spool.Memory() + b.Memory() + b.buffered()
}

// buffered returns the bytes on their way to the spool.
func (b *block[K]) buffered() (n int64) {
	if b.bufferer != nil {
		n += b.bufferer.Buffered()
	}
	if b.compressor != nil {
		n += b.compressor.Buffered()
	}
	return n
}

// blockStats are the facts about a block that the decision to seal needs.
type blockStats struct {
	intervalEnd time.Time
	opened      time.Time // by the local clock
	late        bool      // opened after its interval had ended by stream time
	messages    int
	bytes       int64 // in the spool, and held by the writer
}

func (b *block[K]) stats() blockStats {
	return blockStats{
		intervalEnd: b.end,
		opened:      b.opened,
		late:        b.late,
		messages:    b.Count(),
	}
}

// finish encodes the rest. If it returns nil, the whole file is in the spool.
func (b *block[K]) finish() error {
	b.attributes = b.describeSelf()
	setMetadata(b.encoder, fileMetadata(b.attributes))
	if err := b.finishFile(); err != nil {
		return err
	}
	b.attributes["rows"] = strconv.Itoa(b.rows)
	if d, ok := format.As[format.Describer](b.encoder); ok {
		maps.Copy(b.attributes, d.Attributes())
	}
	b.encoder, b.compressor, b.bufferer = nil, nil, nil
	b.bytes = b.spool.Size()
	return nil
}

// finishFile ends what openEncoder started.
func (b *block[K]) finishFile() error {
	if err := guard.Call("Flush", b.encoder.Flush); err != nil {
		return fmt.Errorf("finish block: %w", err)
	}
	if b.compressor != nil {
		if err := b.compressor.Close(); err != nil {
			return fmt.Errorf("compress block: %w", err)
		}
	}
	if err := b.spool.Finish(); err != nil {
		return fmt.Errorf("finish block: %w", err)
	}
	return nil
}

// describeSelf returns the attributes of the file, which go into its footer where the format has room, and beside it where the
// store has.
func (b *block[K]) describeSelf() map[string]string {
	attributes := map[string]string{
		"first_seq":  strconv.FormatUint(b.firstSeq, 10),
		"last_seq":   strconv.FormatUint(b.lastSeq, 10),
		"first_time": time.Unix(0, b.firstTime).UTC().Format(time.RFC3339Nano),
		"last_time":  time.Unix(0, b.lastTime).UTC().Format(time.RFC3339Nano),
		"messages":   strconv.Itoa(b.Count()),
		"start":      b.start.Format(time.RFC3339),
		"end":        b.end.Format(time.RFC3339),
		"block":      b.id,
	}
	if b.lineage != "" {
		attributes["lineage"] = b.lineage
	}
	maps.Copy(attributes, b.source)
	return attributes
}

// content returns the file from its start, after finish.
func (b *block[K]) content() io.ReadSeeker { return &blockContent{b.spool.Reader(), b.attributes} }

// blockContent is a store.Attributed.
type blockContent struct {
	*io.SectionReader
	attributes map[string]string
}

func (c *blockContent) Attributes() map[string]string { return c.attributes }

func (b *block[K]) fileName() string {
	return blockname.File(b.start, b.firstSeq, b.lastSeq, b.id, b.extensions...)
}

func (b *block[K]) describe() Block {
	d := Block{
		ID: b.id, DestKey: b.destKey, DeadLetter: b.deadLetter, Start: b.start, End: b.end,
		FirstSeq: b.firstSeq, LastSeq: b.lastSeq, Messages: b.Count(), Rows: b.rows,
		Bytes: b.bytes, Location: b.location,
	}
	if !b.sealed.IsZero() {
		d.Open = b.sealed.Sub(b.opened)
	}
	return d
}

// emptyFile returns the file of a block without rows.
func emptyFile[K DestKey](e encoder, spec blockSpec) (file []byte, err error) {
	b := &block[K]{}
	spec.spools = nil
	if err := b.openEncoder(e, spec); err != nil {
		return nil, err
	}
	defer b.spool.Close()
	setMetadata(e, fileMetadata(map[string]string{"tombstone": "true"}))
	if err := b.finishFile(); err != nil {
		return nil, fmt.Errorf("make a file without rows: %w", err)
	}
	return io.ReadAll(b.spool.Reader())
}
