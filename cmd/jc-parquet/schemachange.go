package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/store"
)

// The limits of the search for the newest file of a lake.
const (
	maxListed  = 5_000 // objects outside folders that begin with _
	maxLooking = 20 * time.Second
)

// checkSchemaChange refuses typed columns whose types differ from those in the newest Parquet file of the lake. It is a help, not a guard: if
// it cannot compare, it logs a warning and returns nil.
func (a *archive) checkSchemaChange(ctx context.Context, allow bool, o *options) error {
	if a.typed.file == "" || a.format != "parquet" || allow {
		return nil
	}
	if err := a.configure(ctx, o); err != nil {
		return app.UsageError(err)
	}
	planned, err := schemaOf(o.WriterFactory())
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, maxLooking)
	defer stop()
	newest, found, err := a.newestSchema(ctx)
	switch {
	case err != nil:
		o.Logger.Warn("the columns were not compared with the files of the lake", zap.Error(err))
		return nil
	case newest == "":
		return nil
	}
	var errs []error
	for _, n := range a.plan.Schema().Columns() {
		name := n.Name()
		is, was := typeIn(planned, name), typeIn(found, name)
		if is != was && is != "" && was != "" {
			errs = append(errs, fmt.Errorf("--columns: column %s is %s, and was %s in %s: readers of both files fail or see wrong values; "+
				"give it another name or its old type, name another --out, or accept it with --allow-schema-change", name, is, was, newest))
		}
	}
	if len(errs) > 0 {
		return app.UsageError(errors.Join(errs...))
	}
	return nil
}

// schemaOf returns the schema of the files of a writer, in the notation of parquet.FileInfo.
func schemaOf(w writer) (string, error) {
	var file bytes.Buffer
	if err := errors.Join(w.InitNew(&file), w.Flush()); err != nil {
		return "", fmt.Errorf("--columns: write an empty file: %w", err)
	}
	info, err := parquet.Inspect(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		return "", fmt.Errorf("--columns: read an empty file: %w", err)
	}
	return info.Schema, nil
}

// newestSchema returns the schema of the newest Parquet file in the lake, and its name, "" if there is none.
func (a *archive) newestSchema(ctx context.Context) (name, schema string, err error) {
	bucket, err := a.lake.open(ctx)
	if err != nil {
		return "", "", err
	}
	for _, prefix := range a.newestFolders(time.Now().UTC()) {
		if name, err = newestFile(ctx, bucket, prefix); err != nil {
			return "", "", err
		}
		if name != "" {
			break
		}
	}
	if name == "" {
		return "", "", nil
	}
	r, err := store.NewReaderAt(ctx, bucket, name)
	if err != nil {
		return "", "", err
	}
	info, err := parquet.Inspect(r, r.Size())
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", name, err)
	}
	return name, info.Schema, nil
}

// newestFolders returns the folders to search for the newest file, in order: those of today and yesterday if the first folders are days,
// then all.
func (a *archive) newestFolders(now time.Time) []string {
	if a.split != "none" {
		return []string{""}
	}
	layout := "2006/01/02/"
	if a.layout == "hive" {
		layout = "date=2006-01-02/"
	}
	return []string{now.Format(layout), now.AddDate(0, 0, -1).Format(layout), ""}
}

var errManyObjects = errors.New("the newest file is among more than 5,000 objects, and may have columns of other types")

// captured matches the name of a Parquet file of a capture, which begins with the interval.
var captured = regexp.MustCompile(`^(\d{8}T\d{6}Z)-\d{16,}-\d{16,}-[0-9a-z]{16}\.parquet$`)

// newestFile returns the Parquet file of the latest interval below a prefix, the last one stored if there are several, or "".
// Its error is errManyObjects if there are more than maxListed objects: any of them may be newer.
func newestFile(ctx context.Context, bucket store.Bucket, prefix string) (newest string, err error) {
	var interval string
	var modified time.Time
	listed := 0
	for object, err := range bucket.List(ctx, prefix) {
		if err != nil {
			return "", err
		}
		if strings.Contains("/"+object.Name, "/_") { // dead letters and jc-parquet's own files
			continue
		}
		if listed++; listed > maxListed {
			return "", errManyObjects
		}
		name := captured.FindStringSubmatch(path.Base(object.Name))
		if name == nil || name[1] < interval || name[1] == interval && !object.Modified.After(modified) {
			continue
		}
		newest, interval, modified = object.Name, name[1], object.Modified
	}
	return newest, nil
}

// typeIn returns the type of a column in a schema, in the notation of the Parquet specification, or "" if it is not there.
func typeIn(schema, name string) string {
	line := regexp.MustCompile(`(?m)^  \w+ (\S+) ` + regexp.QuoteMeta(name) + `(?: (\(.*\)))?(?: = \d+)?(?:;| \{)$`)
	found := line.FindStringSubmatch(schema)
	if found == nil {
		return ""
	}
	return strings.TrimSpace(found[1] + " " + found[2])
}
