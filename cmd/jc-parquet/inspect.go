package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture/app"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "show the contents of Parquet files",
		ArgsUsage: "FILE...",
		Description: `Prints the schema, row groups and columns of each file, with codecs and sizes, its metadata, and the sequences of
its messages. It reads only the footer, of files of any writer. A FILE is a path, or a URL such as
s3://bucket/lake/x.parquet with the parameters that "jc-parquet help run" lists.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print a line of JSON for each file"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if !cmd.Args().Present() {
				return app.UsageError(errors.New("name a Parquet file to inspect; see jc-parquet inspect --help"))
			}
			show := (*inspection).print
			if cmd.Bool("json") {
				show = (*inspection).printJSON
			}
			var errs []error
			for _, place := range cmd.Args().Slice() {
				i, err := inspect(ctx, place)
				if err == nil {
					err = show(i, cmd.Root().Writer)
				}
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		},
	}
}

// An inspection describes a file.
type inspection struct {
	File      string            `json:"file"`
	Bytes     int64             `json:"bytes"`
	Rows      int64             `json:"rows"`
	FirstSeq  uint64            `json:"first_seq,omitempty"` // of the messages; 0 if the file does not say
	LastSeq   uint64            `json:"last_seq,omitempty"`
	CreatedBy string            `json:"created_by"`
	Encrypted bool              `json:"encrypted,omitempty"` // some columns
	Metadata  map[string]string `json:"metadata"`
	Schema    string            `json:"schema"`
	Columns   []*column         `json:"columns"` // over all row groups
	RowGroups []rowGroup        `json:"row_groups"`

	byName map[string]*column
}

type column struct {
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	Codec      string   `json:"codec"`
	Encodings  []string `json:"encodings"`
	Values     int64    `json:"values"`
	Nulls      int64    `json:"nulls"`
	Bytes      int64    `json:"bytes"`      // raw
	Compressed int64    `json:"compressed"` // in the file
}

type rowGroup struct {
	Rows       int64 `json:"rows"`
	Bytes      int64 `json:"bytes"`
	Compressed int64 `json:"compressed"`
}

// inspect reads the footer of a local file, or of an object by its URL.
func inspect(ctx context.Context, place string) (*inspection, error) {
	if isURL(place) {
		r, err := openObject(ctx, place)
		if err != nil {
			return nil, fmt.Errorf("inspect %w", err)
		}
		return inspectReader(r.Object().Location, r, r.Size())
	}
	f, size, err := openFile(place)
	if err != nil {
		return nil, fmt.Errorf("inspect %w", err)
	}
	defer func() { _ = f.Close() }()
	return inspectReader(place, f, size)
}

func inspectReader(name string, r io.ReaderAt, size int64) (*inspection, error) {
	info, err := parquet.Inspect(r, size)
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", name, err)
	}
	i := &inspection{
		File: name, Bytes: info.Bytes, Rows: info.Rows, CreatedBy: info.CreatedBy, Metadata: info.Metadata, Schema: info.Schema,
		Encrypted: info.Encrypted, byName: map[string]*column{},
	}
	for _, g := range info.RowGroups {
		i.RowGroups = append(i.RowGroups, rowGroup{g.Rows, g.Bytes, g.Compressed})
		for _, c := range g.Columns {
			i.addColumn(c)
		}
	}
	i.FirstSeq, i.LastSeq, _ = info.Sequences()
	return i, nil
}

// addColumn adds the part of a column that is in one row group.
func (i *inspection) addColumn(c parquet.ColumnInfo) {
	name := strings.Join(c.Path, ".")
	sum := i.byName[name]
	if sum == nil {
		sum = &column{Name: name, Type: c.Type, Codec: c.Codec}
		if c.Encrypted && c.Codec == "" {
			sum.Codec = "encrypted"
		}
		i.byName[name] = sum
		i.Columns = append(i.Columns, sum)
	}
	for _, e := range c.Encodings {
		if !slices.Contains(sum.Encodings, e) {
			sum.Encodings = append(sum.Encodings, e)
		}
	}
	sum.Values += c.Values
	sum.Nulls += c.Nulls
	sum.Bytes += c.Bytes
	sum.Compressed += c.Compressed
}

func (i *inspection) printJSON(out io.Writer) error {
	return json.NewEncoder(app.PrintableJSON(out)).Encode(i)
}

func (i *inspection) print(out io.Writer) error {
	var b strings.Builder
	p := func(text string, args ...any) { _, _ = fmt.Fprintf(&b, text+"\n", args...) }
	p("%s", app.Printable(i.File))
	p("%s rows, %s bytes, row groups: %d, by %s", thousands(int(i.Rows)), thousands(int(i.Bytes)), len(i.RowGroups), app.Printable(i.CreatedBy))
	if i.Encrypted {
		p("some columns are encrypted")
	}
	if i.LastSeq > 0 {
		p("messages %d to %d", i.FirstSeq, i.LastSeq)
	}
	if len(i.Metadata) > 0 {
		p("\nMetadata")
		for _, name := range slices.Sorted(maps.Keys(i.Metadata)) {
			p("  %s = %s", app.Printable(name), app.Printable(i.Metadata[name]))
		}
	}
	p("\nSchema\n  %s", strings.ReplaceAll(strings.TrimSpace(i.Schema), "\n", "\n  "))
	p("\nColumns")
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  name\ttype\tcodec\tencodings\tvalues\tnulls\traw bytes\tin file\tshare")
	for _, c := range i.Columns {
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f%%\n", app.Printable(c.Name), c.Type, c.Codec, strings.Join(c.Encodings, ", "),
			thousands(int(c.Values)), thousands(int(c.Nulls)), thousands(int(c.Bytes)), thousands(int(c.Compressed)),
			100*float64(c.Compressed)/float64(max(1, i.Bytes)))
	}
	_ = table.Flush()
	p("\nRow groups")
	_, _ = fmt.Fprintln(table, "  number\trows\traw bytes\tin file")
	for n, g := range i.RowGroups {
		_, _ = fmt.Fprintf(table, "  %d\t%s\t%s\t%s\n", n+1, thousands(int(g.Rows)), thousands(int(g.Bytes)), thousands(int(g.Compressed)))
	}
	_ = table.Flush()
	p("")
	_, err := io.WriteString(out, b.String())
	return err
}
