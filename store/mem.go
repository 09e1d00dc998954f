package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jetcapture/lake/store/internal/body"
)

// Mem is a Bucket in memory, for tests and trials. It keeps all promises of Bucket as long as the process runs.
type Mem struct {
	mu      sync.RWMutex
	objects map[string]memObject
}

type memObject struct {
	data     []byte // never changed
	modified time.Time
	attrs    map[string]string // never changed
}

// NewMem returns an empty Mem.
func NewMem() *Mem {
	return &Mem{objects: make(map[string]memObject)}
}

// Create implements Bucket.
func (m *Mem) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (Object, error) {
	object, err := m.create(ctx, name, content, attrs)
	if err != nil {
		return Object{}, memError("create", name, err)
	}
	return object, nil
}

func (m *Mem) create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (Object, error) {
	if err := ValidName(name); err != nil {
		return Object{}, err
	}
	size, err := body.Rewind(content)
	if err != nil {
		return Object{}, err
	}
	data, err := io.ReadAll(body.NewReader(ctx, content))
	if err != nil {
		return Object{}, err
	}
	if int64(len(data)) != size {
		return Object{}, fmt.Errorf("content gave %d bytes of %d", len(data), size)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return Object{}, err
	}
	object, taken := m.objects[name]
	switch {
	case !taken:
		object = memObject{data, time.Now(), maps.Clone(attrs)}
		m.objects[name] = object
	case !bytes.Equal(object.data, data):
		return Object{}, fmt.Errorf("other content is there: %w", fs.ErrExist)
	}
	return object.describe(name), nil
}

// Open implements Bucket.
func (m *Mem) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	object, err := m.find(ctx, name)
	if err == nil {
		err = Permanent(body.CheckRange(offset, length))
	}
	if err != nil {
		return nil, memError("open", name, err)
	}
	size := int64(len(object.data))
	return io.NopCloser(body.Section(bytes.NewReader(object.data), size, offset, length)), nil
}

// Stat implements Bucket.
func (m *Mem) Stat(ctx context.Context, name string) (Object, error) {
	object, err := m.find(ctx, name)
	if err != nil {
		return Object{}, memError("stat", name, err)
	}
	described := object.describe(name)
	described.Attributes = maps.Clone(object.attrs)
	return described, nil
}

// List implements Bucket.
func (m *Mem) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		m.mu.RLock()
		names := slices.Sorted(maps.Keys(m.objects))
		m.mu.RUnlock()
		for _, name := range names {
			if !strings.HasPrefix(name, prefix) {
				continue
			}
			if err := ctx.Err(); err != nil {
				yield(Object{}, memError("list", prefix, err))
				return
			}
			m.mu.RLock()
			object, ok := m.objects[name]
			m.mu.RUnlock()
			if ok && !yield(object.describe(name), nil) {
				return
			}
		}
	}
}

// Remove implements Bucket.
func (m *Mem) Remove(ctx context.Context, name string) error {
	if err := cmp.Or(ctx.Err(), ValidName(name)); err != nil {
		return memError("remove", name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, name)
	return nil
}

func (m *Mem) find(ctx context.Context, name string) (memObject, error) {
	if err := cmp.Or(ctx.Err(), ValidName(name)); err != nil {
		return memObject{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	object, ok := m.objects[name]
	if !ok {
		return memObject{}, fs.ErrNotExist
	}
	return object, nil
}

func (o memObject) describe(name string) Object {
	return Object{Name: name, Location: memLocation(name), Size: int64(len(o.data)), Modified: o.modified}
}

func memLocation(name string) string { return "mem:///" + name }

func memError(verb, name string, err error) error {
	return fmt.Errorf("%s %s in memory: %w", verb, quote(name), err)
}
