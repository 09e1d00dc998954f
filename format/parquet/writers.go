package parquet

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// Writers returns a factory of Writers of the struct type P, or of the struct type that P points to: a capture takes it
// as its WriterFactory. Package schema says which columns a struct has, and what opts change.
//
// Writers reports everything that can be wrong with the type or the options, all at once; opening a block reports nothing more.
//
// Write rejects the payloads that columns.Plan.Append rejects, alone. The Writers are a format.Bufferer, Spiller,
// SelfCompressor and MetadataSetter.
func Writers[P any](options Options, opts ...schema.Option) (func() format.Writer[P], error) {
	plan, err := columns.PlanOf[P](opts...)
	if err != nil {
		return nil, err
	}
	return newWriters(plan, nil, options, nameOf[P]())
}

// nameOf returns the name of a struct type, without its package and parameters, for the root of the file's schema.
func nameOf[P any]() string {
	t := reflect.TypeFor[P]()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name, _, _ := strings.Cut(t.Name(), "["); name != "" {
		return name
	}
	return rootName
}

// rootName is the name of a schema without one.
const rootName = "message"

// RawWriters returns a factory of Writers of raw messages, with the columns that format.RawMessage describes and field
// ids from 1 on. It fails only for invalid options.
//
// Write rejects a message with the error of format.RawMessage.Validate. Row groups whose messages are in the order of
// their stream sequence say so in the footer.
func RawWriters[P format.RawMessager](options Options) (func() format.Writer[P], error) {
	return newWriters(format.RawPlan[P](), P.Raw, options, rootName)
}

// PlanWriters returns a factory of Writers of the rows that plan makes of payloads: several of each with columns.Rows, or rows with
// columns that are known only at run time.
func PlanWriters[P any](plan columns.Appender[P], options Options) (func() format.Writer[P], error) {
	return newWriters(plan, nil, options, rootName)
}

func newWriters[P any](plan columns.Appender[P], raw func(P) format.RawMessage, options Options, name string) (func() format.Writer[P], error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	if plan == nil || plan.Schema() == nil {
		return nil, errors.New("parquet: there is no plan that makes rows of payloads: take one of columns.PlanOf")
	}
	f := &factory[P]{plan: plan, raw: raw, options: options, earlyBytes: cmp.Or(options.earlyBytes, max(earlyBytes, 4*options.PageBytes))}
	f.table, err = newTable(plan.Schema(), name, f.level)
	if err != nil {
		return nil, err
	}
	return func() format.Writer[P] { return &writer[P]{factory: f, codec: options.Codec} }, nil
}

// A factory has all that the Writers of one call share.
type factory[P any] struct {
	plan       columns.Appender[P]
	raw        func(P) format.RawMessage // nil unless the plan is that of raw messages
	options    Options
	table      *table
	codecs     sync.Map  // of Codec to compressor
	earlyBytes int       // the constant, or more if pages are large
	columns    sync.Pool // of *columns.Columns without rows
}

func (f *factory[P]) newColumns() *columns.Columns {
	if c, ok := f.columns.Get().(*columns.Columns); ok {
		return c
	}
	return columns.New(f.plan.Schema())
}

// keptBytes is the most that columns hold in the pool. Larger ones give their buffers back to package schema.
const keptBytes = 256 << 10

// release gives columns to other Writers.
func (f *factory[P]) release(c *columns.Columns) {
	if c.Buffered() <= keptBytes {
		c.Reset()
	} else {
		c.Release()
	}
	f.columns.Put(c)
}

// level returns the level of a codec: the one of the options if it is their codec.
func (f *factory[P]) level(c Codec) int {
	if c == f.options.Codec {
		return f.options.Level
	}
	return 0
}

func (f *factory[P]) compressor(c Codec) compressor {
	if known, ok := f.codecs.Load(c); ok {
		return known.(compressor)
	}
	known, _ := f.codecs.LoadOrStore(c, newCodec(c, f.level(c)))
	return known.(compressor)
}

// encode writes columns as a row group, which is the file's last if last is set. An encoder that failed or panicked is not
// reused.
func (f *factory[P]) encode(out *file, codec Codec, c *columns.Columns, early earlyColumns, last bool) error {
	if err := early.wait(); err != nil {
		return err
	}
	e := encoders.Get().(*encoder)
	e.file, e.only = out, last && len(out.groups) == 0
	group, err := e.rowGroup(f.table, &f.options, f.compressor(codec), c, early)
	if err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	e.release()
	return out.add(group)
}
