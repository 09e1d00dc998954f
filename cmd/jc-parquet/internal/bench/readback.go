//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jetcapture/lake/format/parquet"
)

// intoFolder archives a job's messages in a folder, counts the rows of its files, and removes them.
func (b *bench) intoFolder(j job, archive func(dir string) (*run, error)) (*run, error) {
	return archiveInto(filepath.Join(b.dir, "lake"), j, archive)
}

func archiveInto(dir string, j job, archive func(dir string) (*run, error)) (r *run, err error) {
	err = archiveIn(dir, func() (err error) {
		if r, err = archive(dir); err != nil {
			return err
		}
		r.Rows, err = r.readBack(dir)
		if err == nil && r.Rows != j.messages {
			err = fmt.Errorf("the files have %d rows for %d messages", r.Rows, j.messages)
		}
		return err
	})
	return r, err
}

// archiveIn makes a folder that exists while archive runs.
func archiveIn(dir string, archive func() error) (err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return archive()
}

// readBack counts the rows of all files, and notes how many files there are and how large they are.
func (r *run) readBack(dir string) (rows int, err error) {
	err = eachFile(dir, func(path string, size int64) error {
		r.Files++
		r.FileBytes += size
		n, err := countRows(path, size)
		rows += n
		return err
	})
	return rows, err
}

// eachFile calls each with the files below a folder, except the gateway's own in hidden folders and the capture's own, which
// hold no rows.
func eachFile(dir string, each func(path string, size int64) error) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != dir && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "_jetcapture"):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return each(path, info.Size())
	})
}

func countRows(path string, size int64) (n int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	if strings.HasSuffix(path, ".parquet") {
		info, err := parquet.Inspect(f, size)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", path, err)
		}
		return int(info.Rows), nil
	}
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	buf := make([]byte, 64<<10)
	for {
		k, err := zipped.Read(buf)
		n += bytes.Count(buf[:k], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("read %s: %w", path, err)
		}
	}
}
