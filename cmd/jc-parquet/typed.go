package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

// typed says which typed columns files have; the zero value means raw messages.
type typed struct {
	file    string // the list of columns
	infer   bool   // write the file if it does not exist
	pending bool   // the file is still to be written
	bucket  bool   // the stream is a key-value bucket
}

func typedFlags() []cli.Flag {
	const category = "Columns"
	return []cli.Flag{
		&cli.StringFlag{
			Name: "columns", Sources: app.Env("columns"), Category: category, TakesFile: true,
			Usage: "make the typed columns that `FILE` lists, of payloads that are JSON objects",
		},
		&cli.BoolFlag{
			Name: "infer", Sources: app.Env("infer"), Category: category,
			Usage: "write the file of --columns from the first messages, unless it exists",
		},
		inferMessagesFlag("infer-messages", category),
		&cli.BoolFlag{
			Name: "allow-schema-change", Sources: app.Env("allow-schema-change"), Category: category,
			Usage: "allow columns whose types differ from those in existing Parquet files",
		},
	}
}

func inferMessagesFlag(name, category string) cli.Flag {
	return &cli.IntFlag{
		Name: name, Sources: app.Env("infer-messages"), Category: category, Value: 1_000,
		Usage: "infer from at most `N` messages, or from fewer if none comes for 10 s",
		Validator: func(n int) error {
			if n < 1 {
				return errors.New("it must be at least 1")
			}
			return nil
		},
	}
}

// typedFrom reads the flags of typedFlags.
func typedFrom(cmd *cli.Command) typed {
	return typed{file: cmd.String("columns"), infer: cmd.Bool("infer")}
}

// isBucket reports whether a stream is a key-value bucket, by its name.
func isBucket(stream string) bool { return strings.HasPrefix(stream, "KV_") }

// missing reports whether the file is to be inferred first.
func (t typed) missing() bool {
	if t.file == "" || !t.infer {
		return false
	}
	_, err := os.Stat(t.file)
	return errors.Is(err, fs.ErrNotExist)
}

// A messagePlan writes messages to typed columns.
type messagePlan = jsoncolumns.Plan[*jetcapture.NatsMessage]

// plan reads the file. No column may have the name of one of the folders. It returns nil if the file is still to be written.
func (t typed) plan(folders []string, log *zap.Logger) (*messagePlan, error) {
	switch {
	case t.file == "":
		return nil, errors.New("--infer needs --columns: name the file for the columns, as in --columns orders.yaml")
	case t.pending:
		dir := filepath.Dir(t.file)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("--columns: %q is not a folder: create it, or name a file in another", dir)
		}
		return nil, nil
	}
	list, err := t.list(folders)
	if err != nil {
		return nil, err
	}
	plan, err := jsoncolumns.New[*jetcapture.NatsMessage](list, jsoncolumns.Options{Bucket: t.bucket, OnMisfit: func(m jsoncolumns.Misfit) {
		log.Warn("a value does not fit its column and is in _rest; further ones are counted",
			append(misfitFields(m), zap.Strings("path", m.Column.Path), zap.Uint64("stream_seq", m.StreamSeq))...)
	}})
	if err != nil {
		return nil, fmt.Errorf("--columns: %s: %w", t.file, err)
	}
	return plan, nil
}

// list reads the columns of the file.
func (t typed) list(folders []string) ([]jsoncolumns.Column, error) {
	text, err := readList(t.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--columns: %s does not exist: write it, or add --infer", t.file)
	}
	if err != nil {
		return nil, fmt.Errorf("--columns: %w", err)
	}
	return jsoncolumns.Parse(t.file, text, folders...) // each line of its error begins with the file
}

// readList reads a file, up to one byte more than a list of columns may have.
func readList(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, jsoncolumns.MaxFile+1))
	return text, errors.Join(err, file.Close())
}

func misfitFields(m jsoncolumns.Misfit) []zap.Field {
	return []zap.Field{
		zap.String("column", m.Column.Name), zap.String("type", m.Column.TypeText()), zap.String("value_is", m.Kind),
		zap.String("example", m.Example), zap.String("instead", m.Hint),
	}
}

// misfitCounts has the number of values that did not fit, by column. It is logged as an object.
type misfitCounts []jsoncolumns.Count

// MarshalLogObject writes the counts under the names of their columns.
func (c misfitCounts) MarshalLogObject(e zapcore.ObjectEncoder) error {
	for i := range c {
		e.AddUint64(c[i].Column, c[i].Misfits)
	}
	return nil
}

// fields returns the counts as fields of a log line.
func (c misfitCounts) fields() []zap.Field {
	if len(c) == 0 {
		return nil
	}
	return []zap.Field{zap.Object("misfits", c)}
}

// warn warns of each column that more than 1% of values do not fit, unless warned has it.
func (c misfitCounts) warn(log *zap.Logger, warned map[string]bool) {
	for i := range c {
		if !c[i].MostlyFits() && !warned[c[i].Column] {
			warned[c[i].Column] = true
			log.Warn("more than 1% of a column's values do not fit; they are null in the column, and in _rest",
				append(misfitFields(c[i].First), zap.Uint64("misfits", c[i].Misfits), zap.Uint64("values", c[i].Values))...)
		}
	}
}
