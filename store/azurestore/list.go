package azurestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/jetcapture/lake/store"
)

// List implements store.Bucket. It leaves out names that the service lists but that are not valid here, such as "folder/".
//
// The service has an order of its own: by UTF-16 code units, where U+10000 and above come before U+E000 to U+FFFF, and in
// accounts with a hierarchical namespace by folders, where all below "a" comes before "a-b". List corrects that without
// holding names: it skips names that come too early, and lists them separately when it is their turn.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		l := &listing{bucket: b, ctx: ctx, wanted: b.prefix + prefix, yield: yield}
		start := l.wanted
		for !utf8.ValidString(start) { // the service takes only whole characters
			start = start[:len(start)-1]
		}
		err := l.walk(start)
		if errors.Is(err, errFolders) {
			l.hierarchical = true
			err = l.walk(start)
		}
		if err != nil && !errors.Is(err, errStopped) {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			yield(store.Object{}, fmt.Errorf("list %s with prefix %.120q: %w", b.root, l.wanted, err))
		}
	}
}

var (
	errStopped = errors.New("the caller stopped the listing")
	errFolders = errors.New("the namespace is hierarchical")
)

// listing is one call of List. Names are relative to the container.
type listing struct {
	bucket       *Bucket
	ctx          context.Context
	wanted       string // prefix of the names
	yield        func(store.Object, error) bool
	hierarchical bool   // list folder by folder
	last         string // name yielded last
}

// entry is a blob, or a folder whose name ends with a slash.
type entry struct {
	name string
	item *container.BlobItem // nil for a folder
}

// walk yields all blobs whose name starts with prefix, in order.
func (l *listing) walk(prefix string) error {
	var early []string // prefixes of names that came too early, in order, until they are due
	for entries, err := range l.pages(prefix) {
		if err != nil {
			return err
		}
		for _, e := range entries {
			passed := func(p string) bool { return strings.HasPrefix(e.name, p) }
			if !strings.HasPrefix(e.name, prefix) || slices.ContainsFunc(early, passed) {
				continue
			}
			for len(early) > 0 && due(early[0], e.name) {
				if err := l.walk(early[0]); err != nil {
					return err
				}
				early = early[1:]
			}
			if p := tooEarly(e, prefix); p != "" {
				i, _ := slices.BinarySearch(early, p)
				early = slices.Insert(early, i, p)
				continue
			}
			if err := l.one(e); err != nil {
				return err
			}
		}
	}
	for _, p := range early {
		if err := l.walk(p); err != nil {
			return err
		}
	}
	return nil
}

// tooEarly returns the prefix of the names that the service lists too early, if e has one: up to its first character
// beyond U+FFFF after prefix, or a folder. Names below it may have another.
func tooEarly(e entry, prefix string) string {
	for i, r := range e.name[len(prefix):] {
		if r > 0xFFFF {
			return e.name[:len(prefix)+i+utf8.RuneLen(r)]
		}
	}
	if e.item == nil && e.name != prefix {
		return e.name
	}
	return ""
}

// due reports whether all names that sort before the early ones have come, given the name that comes now.
func due(early, name string) bool {
	r, size := utf8.DecodeLastRuneInString(early)
	rest, sibling := strings.CutPrefix(name, early[:len(early)-size])
	next, _ := utf8.DecodeRuneInString(rest)
	if r > 0xFFFF && sibling && next > 0xFFFF { // U+E000 to U+FFFF are still to come
		return false
	}
	return early < name
}

func (l *listing) one(e entry) error {
	name, ok := strings.CutPrefix(e.name, l.bucket.prefix)
	ok = ok && e.item != nil && strings.HasPrefix(e.name, l.wanted) && store.ValidName(name) == nil
	if !ok || e.name <= l.last {
		return nil
	}
	l.last = e.name
	properties := e.item.Properties
	if !l.yield(l.bucket.object(name, value(properties.ContentLength), value(properties.LastModified)), nil) {
		return errStopped
	}
	return nil
}

// pages yields the pages of the service's listing, in its order.
func (l *listing) pages(prefix string) iter.Seq2[[]entry, error] {
	if l.hierarchical {
		return l.folderPages(prefix)
	}
	return func(yield func([]entry, error) bool) {
		pager := l.bucket.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: to.Ptr(prefix)})
		for pager.More() {
			page, err := pager.NextPage(l.ctx)
			if err != nil {
				yield(nil, classify(err))
				return
			}
			entries, folders := blobs(page.Segment.BlobItems)
			if folders {
				yield(nil, errFolders) // before any name that is out of order
				return
			}
			if !yield(entries, nil) {
				return
			}
		}
	}
}

func (l *listing) folderPages(prefix string) iter.Seq2[[]entry, error] {
	return func(yield func([]entry, error) bool) {
		pager := l.bucket.client.NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{Prefix: to.Ptr(prefix)})
		for pager.More() {
			page, err := pager.NextPage(l.ctx)
			if err != nil {
				yield(nil, classify(err))
				return
			}
			entries, _ := blobs(page.Segment.BlobItems)
			for _, folder := range page.Segment.BlobPrefixes {
				entries = append(entries, entry{name: value(folder.Name)})
			}
			slices.SortFunc(entries, func(a, b entry) int { return serverOrder(a.name, b.name) })
			if !yield(entries, nil) {
				return
			}
		}
	}
}

// serverOrder compares names as a hierarchical namespace does: by UTF-16 code units, the slash before all of them.
func serverOrder(a, b string) int {
	for a != "" && b != "" {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			return cmp.Compare(rank(ra), rank(rb))
		}
		a, b = a[na:], b[nb:]
	}
	return cmp.Compare(len(a), len(b))
}

func rank(r rune) rune {
	switch {
	case r == '/':
		return -1
	case r >= 0xE000 && r <= 0xFFFF:
		return r + utf8.MaxRune
	}
	return r
}

// blobs returns the blobs among the items, and whether there were folders too.
func blobs(items []*container.BlobItem) (entries []entry, folders bool) {
	for _, item := range items {
		if item.Properties == nil {
			continue
		}
		if value(item.Properties.ResourceType) == "directory" {
			folders = true
			continue
		}
		entries = append(entries, entry{value(item.Name), item})
	}
	return entries, folders
}
