package format_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
)

var compressions = []format.Codec{format.None, format.GZip, format.Snappy, format.Zstd}

// compressed returns content as a file, written in pieces that pieces returns the length of.
func compressed(t testing.TB, c format.Codec, content []byte, piece func() int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := format.Compress(&out, c)
	if err != nil {
		t.Fatal(err)
	}
	for len(content) > 0 {
		n := min(piece(), len(content))
		if m, err := w.Write(content[:n]); m != n || err != nil {
			t.Fatalf("wrote %d of %d bytes: %v", m, n, err)
		}
		content = content[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func whole() int { return 1 << 30 }

// decompressed reads a file with the readers that others use.
func decompressed(t testing.TB, c format.Codec, file []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(file)
	var err error
	switch c {
	case format.GZip:
		z, e := gzip.NewReader(r)
		if e == nil {
			z.Multistream(false) // one member is all there is
		}
		r, err = z, e
	case format.Snappy:
		r = snappy.NewReader(r)
	case format.Zstd:
		z, e := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		r, err = z, e
		if e == nil {
			defer z.Close()
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	return content
}

func contents() map[string][]byte {
	random := rand.NewChaCha8([32]byte{1})
	noise := make([]byte, 1_000_000)
	_, _ = random.Read(noise)
	text := []byte(strings.Repeat(`{"id":12345,"name":"a name that repeats","tags":["x","y"]}`+"\n", 50_000))
	return map[string][]byte{
		"empty": nil, "one byte": {'x'}, "text": text, "noise": noise,
		"one chunk": text[:256<<10], "one frame": text[:64<<10], "a chunk and a byte": text[:256<<10+1],
		"mixed": append(append(append([]byte{}, text[:300_000]...), noise[:300_000]...), text[:300_000]...),
	}
}

func TestCompressedFilesAreReadByOthers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range compressions {
		for name, content := range contents() {
			for pieces, piece := range map[string]func() int{
				"whole": whole, "lines": func() int { return 58 }, "any": func() int { return 1 + random.IntN(400_000) },
			} {
				file := compressed(t, c, content, piece)
				if c != format.None && len(file) == 0 {
					t.Errorf("%s of %s is an empty file, which is no %s", c, name, c)
				}
				if got := decompressed(t, c, file); !bytes.Equal(got, content) {
					t.Errorf("%s of %s in pieces (%s): %d bytes became %d", c, name, pieces, len(content), len(got))
				}
			}
		}
	}
}

func TestAGzipFileIsOneMemberAndNothingElse(t *testing.T) {
	for name, content := range contents() {
		file := bytes.NewReader(compressed(t, format.GZip, content, whole))
		z, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		z.Multistream(false)
		if n, err := io.Copy(io.Discard, z); n != int64(len(content)) || err != nil {
			t.Errorf("%s: the first member has %d of %d bytes: %v", name, n, len(content), err)
		}
		if file.Len() != 0 {
			t.Errorf("%s: %d bytes follow the first member", name, file.Len())
		}
	}
}

func TestASnappyStreamHasOneIdentifier(t *testing.T) {
	file := compressed(t, format.Snappy, contents()["mixed"], whole)
	if n := bytes.Count(file, []byte("sNaPpY")); n != 1 {
		t.Errorf("%d identifiers", n)
	}
	if _, err := io.Copy(io.Discard, s2.NewReader(bytes.NewReader(file), s2.ReaderMaxBlockSize(64<<10))); err != nil {
		t.Errorf("a frame is over 64 KB: %v", err)
	}
}

func TestWhatWasSpilledIsReadBack(t *testing.T) {
	content := contents()["text"][:1000]
	for _, c := range compressions {
		var out bytes.Buffer
		w, _ := format.Compress(&out, c)
		for i := 0; i < len(content); i += 100 {
			if _, err := w.Write(content[i : i+100]); err != nil {
				t.Fatal(err)
			}
			if c != format.None && w.Buffered() == 0 {
				t.Errorf("%s: 100 bytes are nowhere", c)
			}
			if err := w.Spill(); err != nil || w.Buffered() != 0 {
				t.Errorf("%s: %d bytes are held after Spill, %v", c, w.Buffered(), err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := decompressed(t, c, out.Bytes()); !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes became %d", c, len(content), len(got))
		}
	}
}

// The gzip command warns of irregularities, such as bytes after the end; DuckDB reads with libzstd.
func TestGzipCommandReadsCompressedFiles(t *testing.T) {
	for name, content := range contents() {
		path := filepath.Join(t.TempDir(), "a.gz")
		if err := os.WriteFile(path, compressed(t, format.GZip, content, whole), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command("gzip", "-dc", path).Output()
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes became %d: %v", name, len(content), len(got), err)
		}
		if out, err := exec.Command("gzip", "-t", path).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: gzip -t: %v: %s", name, err, out)
		}
	}
}

func TestDuckDBReadsCompressedFiles(t *testing.T) {
	duck := formattest.DuckDB(t)
	const rows = 60_000 // of about 40 bytes: some ten chunks
	for _, c := range []format.Codec{format.None, format.GZip, format.Zstd} {
		name := strings.TrimSuffix("a.jsonl."+format.Extension(c), ".")
		path := filepath.Join(t.TempDir(), name)
		var out bytes.Buffer
		zipped, _ := format.Compress(&out, c)
		w := new(format.JSONLines[map[string]any])
		if err := w.InitNew(zipped); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if _, err := w.Write(map[string]any{"id": i, "text": fmt.Sprintf("text of row %d", i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Flush(), zipped.Close(), os.WriteFile(path, out.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
		row := duck.QueryRow("SELECT count(*), count(DISTINCT id), sum(id)::BIGINT, bool_and(text = 'text of row ' || id) " +
			"FROM read_json(" + formattest.Quote(path) + ")")
		if want := []any{int64(rows), int64(rows), int64(rows) * (rows - 1) / 2, true}; fmt.Sprint(row) != fmt.Sprint(want) {
			t.Errorf("%s: DuckDB reads %v, want %v", name, row, want)
		}
		if c == format.None {
			continue
		}
		path = filepath.Join(t.TempDir(), "a.csv."+format.Extension(c))
		var lines strings.Builder
		for i := range rows {
			fmt.Fprintf(&lines, "%d,text of row %d\n", i, i)
		}
		if err := os.WriteFile(path, compressed(t, c, []byte(lines.String()), func() int { return 1000 }), 0o600); err != nil {
			t.Fatal(err)
		}
		n := duck.QueryInt("SELECT count(DISTINCT id) FROM read_csv(" + formattest.Quote(path) +
			", header=false, names=['id', 'text']) WHERE text = 'text of row ' || id")
		if n != rows {
			t.Errorf("a.csv.%s: DuckDB reads %d rows", format.Extension(c), n)
		}
	}
}

func TestTheCompressorsFirstErrorIsFinal(t *testing.T) {
	errFull := errors.New("disk full")
	for _, c := range compressions {
		w, _ := format.Compress(writerFunc(func([]byte) (int, error) { return 0, errFull }), c)
		_, err := w.Write(make([]byte, 1<<20))
		if !errors.Is(err, errFull) {
			t.Errorf("%s: Write returns %v", c, err)
		}
		if _, err := w.Write([]byte{1}); !errors.Is(err, errFull) {
			t.Errorf("%s: the next Write returns %v", c, err)
		}
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("%s: Close returns %v", c, err)
		}
		if w.Buffered() != 0 {
			t.Errorf("%s: %d bytes are held after Close", c, w.Buffered())
		}
	}
}

func TestACompressorEndsOnce(t *testing.T) {
	for _, c := range compressions {
		var out bytes.Buffer
		w, _ := format.Compress(&out, c)
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Errorf("%s: %v", c, err)
		}
		size := out.Len()
		if _, err := w.Write([]byte("more")); err == nil || out.Len() != size {
			t.Errorf("%s: a closed file grew from %d to %d bytes: %v", c, size, out.Len(), err)
		}
	}
}

func TestEqualContentMakesEqualFiles(t *testing.T) {
	for _, c := range compressions {
		for name, content := range contents() {
			a, b := compressed(t, c, content, whole), compressed(t, c, content, func() int { return 1000 })
			if !bytes.Equal(a, b) {
				t.Errorf("%s of %s: written whole and in pieces, the files differ", c, name)
			}
		}
	}
}

func TestUnknownCompressionsAreRefusedWithAList(t *testing.T) {
	for _, c := range []format.Codec{"lz4", "GZIP", " "} {
		_, err := format.Compress(new(bytes.Buffer), c)
		if err == nil || !strings.Contains(err.Error(), `"gzip", "snappy" or "zstd"`) {
			t.Errorf("%q: error is %v", c, err)
		}
	}
	for c, extension := range map[format.Codec]string{"": "", format.None: "", format.GZip: "gz", format.Snappy: "sz", format.Zstd: "zst"} {
		if _, err := format.Compress(new(bytes.Buffer), c); err != nil || format.Extension(c) != extension {
			t.Errorf("%q: extension %q, %v", c, format.Extension(c), err)
		}
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func BenchmarkCompress(b *testing.B) {
	line := []byte(`{"id":%d,"subject":"orders.eu.1","customer":"c-81723","price":81.25,"currency":"EUR","items":[{"sku":"a","n":2}]}` + "\n")
	var content []byte
	for i := 0; len(content) < 4<<20; i++ {
		content = fmt.Appendf(content, string(line), i*7919)
	}
	for _, c := range compressions {
		b.Run(string(c), func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				size = len(compressed(b, c, content, func() int { return 32 << 10 }))
			}
			b.ReportMetric(100*float64(size)/float64(len(content)), "%size")
		})
	}
}

func BenchmarkOpenCompressors(b *testing.B) {
	const blocks = 10_000
	for _, c := range compressions {
		b.Run(string(c), func(b *testing.B) {
			for b.Loop() {
				before := heap()
				open := make([]*format.Compressor, blocks)
				buffered := int64(0)
				for i := range open {
					open[i], _ = format.Compress(io.Discard, c)
					_, _ = open[i].Write(make([]byte, 2500)) // ten messages
					buffered += open[i].Buffered()
				}
				b.ReportMetric(float64(heap()-before)/blocks, "heap-B/block")
				b.ReportMetric(float64(buffered)/blocks, "Buffered-B/block")
				runtime.KeepAlive(open)
			}
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
