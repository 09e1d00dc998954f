//go:build unix

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jetcapture/lake/format/parquet"
)

// runArchive runs jc-parquet until it has caught up, reads back how many rows its files have, and removes them.
func runArchive(binary, dir, format string, flags ...string) func(context.Context, string, string, int) (*run, error) {
	return func(ctx context.Context, url, consumer string, messages int) (r *run, err error) {
		out := filepath.Join(dir, "lake")
		defer func() { err = errors.Join(err, os.RemoveAll(out)) }()
		args := []string{
			"run", "--server", url, "--stream", stream, "--consumer", consumer, "--out", out, "--format", format,
			"--until-caught-up", "--log-json",
		}
		command := exec.CommandContext(ctx, binary, append(args, flags...)...)
		command.Env = []string{"TMPDIR=" + os.TempDir()} // no JC_ or NATS_ variable
		var log bytes.Buffer
		command.Stderr = &log
		start := time.Now()
		if err := command.Run(); err != nil {
			return nil, fmt.Errorf("%w:\n%s", err, log.Bytes())
		}
		wall := time.Since(start)
		seconds, err := loggedSeconds(&log)
		if err != nil {
			return nil, err
		}
		r = newRun(messages, seconds, wall, usageOf(command))
		rows, err := r.readBack(out)
		if err == nil && rows != messages {
			err = fmt.Errorf("the files have %d rows for %d messages", rows, messages)
		}
		return r, err
	}
}

// loggedSeconds finds in the log how long it took from the first message until the last ack was confirmed.
func loggedSeconds(log io.Reader) (float64, error) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct {
			Msg     string
			Seconds float64
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Msg == "stored" {
			return line.Seconds, nil
		}
	}
	return 0, fmt.Errorf("jc-parquet logged no sums")
}

// readBack counts the rows of all files, and notes how many files there are and how large they are.
func (r *run) readBack(dir string) (rows int, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		r.Files++
		r.FileBytes += info.Size()
		n, err := countRows(path, info.Size())
		rows += n
		return err
	})
	return rows, err
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
			return 0, err
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
