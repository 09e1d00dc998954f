package jetcapture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/store"
)

// simStorage is where the files go.
type simStorage struct {
	w       *world
	files   map[string]*simFile
	holding map[ledger.Message]int // how many files have a message
	wire    []put                  // on their way though nobody waits any more
}

// A simFile is a file. Its rows name messages.
type simFile struct {
	content  []byte
	messages []ledger.Message
}

type put struct {
	name    string
	content []byte
}

func simName(m ledger.Message) string { return fmt.Sprintf("%d@%d", m.Seq, m.Time-created.UnixNano()) }

// create never overwrites, unless it is sabotaged.
func (s *simStorage) create(name string, content []byte) error {
	there := s.files[name]
	if there != nil && s.w.sabotage != overwrites {
		if bytes.Equal(there.content, content) {
			return nil
		}
		return fmt.Errorf("other content is there: %w", fs.ErrExist)
	}
	file := &simFile{content: content}
	if !bytes.Equal(content, tombstone) {
		for in := bytes.NewReader(content); in.Len() > 0; {
			var m ledger.Message
			if _, err := fmt.Fscanf(in, "%d %d\n", &m.Seq, &m.Time); err != nil {
				s.w.violate("file %s: %v", name, err)
				return nil
			}
			file.messages = append(file.messages, m)
		}
	}
	s.remove(name)
	s.files[name] = file
	s.w.note("file %s has %d messages", name, len(file.messages))
	for _, m := range file.messages {
		if s.holding[m]++; s.holding[m] > 1 {
			s.w.violate("message %s is in %d files", simName(m), s.holding[m])
		}
	}
	return nil
}

func (s *simStorage) remove(name string) {
	if file := s.files[name]; file != nil {
		for _, m := range file.messages {
			s.holding[m]--
		}
		delete(s.files, name)
	}
}

// land lets the writes that are on their way arrive, or get lost.
func (s *simStorage) land(all bool) {
	var still []put
	for _, late := range s.wire {
		switch {
		case !all && s.w.rng.IntN(2) == 0:
			still = append(still, late)
		case s.w.rng.IntN(4) > 0:
			s.w.note("late write of %s", late.name)
			_ = s.create(late.name, late.content) // nobody hears the answer
		}
	}
	s.wire = still
}

// simStore is the store as a capture has it.
type simStore struct{ c *simCapture }

func (s simStore) Locate(_ context.Context, _, dir, fileName string) (store.Location, error) {
	return store.Location{Name: dir + "/" + fileName}, nil
}

func (s simStore) LocateRoot(_ context.Context, dir, fileName string) (store.Location, error) {
	return store.Location{Name: dir + "/" + fileName}, nil
}

func (s simStore) Bucket(context.Context, string) (store.Bucket, error) {
	return simBucket{c: s.c}, nil
}

func (s simStore) Write(context.Context, io.Reader, string, string, string) (string, int64, time.Duration, error) {
	return "", 0, 0, errors.New("a claimed block is written to its bucket")
}

type simBucket struct {
	store.Bucket
	c *simCapture
}

func (s simBucket) Create(ctx context.Context, name string, block io.ReadSeeker, _ map[string]string) (store.Object, error) {
	content, err := io.ReadAll(block)
	if err != nil {
		return store.Object{}, err
	}
	err = s.c.do(ctx, step{what: "write " + name, write: &put{name, content}})
	return store.Object{Name: name, Location: name, Size: int64(len(content))}, err
}

// simFiles are the store as the ledger has it.
type simFiles struct{ c *simCapture }

func (f simFiles) CreateTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	name := at.Name
	switch f.c.w.sabotage {
	case headForCreate:
		if f.c.w.store.files[name] != nil {
			return fs.ErrExist
		}
		return nil
	case ownPlace:
		name = path.Join(f.c.dir, path.Base(name))
	}
	return f.c.do(ctx, step{what: "tombstone " + name, write: &put{name, content}})
}

func (f simFiles) RemoveTombstone(_ context.Context, at ledger.Place, content []byte) error {
	if file := f.c.w.store.files[at.Name]; file != nil && bytes.Equal(file.content, content) {
		f.c.w.note("tombstone %s is removed", at.Name)
		f.c.w.store.remove(at.Name)
	}
	return nil
}

func (f simFiles) Beside(ctx context.Context, at ledger.Place) (files []ledger.File, err error) {
	return f.list(ctx, path.Dir(at.Name), func(dir string) bool { return dir == path.Dir(at.Name) })
}

func (f simFiles) Below(ctx context.Context, folders []ledger.Place, known func(string) bool) (files []ledger.File, err error) {
	if f.c.w.sabotage == ownFolder {
		return nil, nil
	}
	for _, folder := range folders {
		below, err := f.list(ctx, folder.Name+"/...", func(dir string) bool { return strings.HasPrefix(dir+"/", folder.Name+"/") })
		if err != nil {
			return nil, err
		}
		files = append(files, slices.DeleteFunc(below, func(file ledger.File) bool { return known(file.Block) })...)
	}
	return files, nil
}

func (f simFiles) list(ctx context.Context, what string, in func(dir string) bool) (files []ledger.File, err error) {
	if err := f.c.do(ctx, step{what: "list " + what}); err != nil {
		return nil, err
	}
	switch f.c.w.sabotage {
	case noAdopt, ownRetention: // files would show what was forgotten too early
		return nil, nil
	}
	for name := range f.c.w.store.files {
		dir, base := path.Split(name)
		if !in(path.Clean(dir)) {
			continue
		}
		base, _, _ = strings.Cut(base, ".")
		file := ledger.File{Place: ledger.Place{Name: name}}
		parts := strings.Split(base, "-")
		if len(parts) != 4 {
			return nil, fmt.Errorf("file name %s", name)
		}
		var errs [2]error
		file.First, errs[0] = strconv.ParseUint(parts[1], 10, 64)
		file.Last, errs[1] = strconv.ParseUint(parts[2], 10, 64)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, fmt.Errorf("file name %s: %w", name, err)
		}
		file.Block = parts[3]
		files = append(files, file)
	}
	slices.SortFunc(files, func(a, b ledger.File) int { return strings.Compare(a.Place.Name, b.Place.Name) })
	return files, nil
}

func (f simFiles) Messages(_ context.Context, at ledger.Place) (messages []ledger.Message, err error) {
	file := f.c.w.store.files[at.Name]
	if file == nil {
		return nil, fs.ErrNotExist
	}
	messages = append(messages, file.messages...)
	if f.c.w.sabotage == anchorsOnly {
		for _, m := range f.c.w.stream.messages {
			messages = append(messages, m.Message)
		}
	}
	return messages, nil
}
