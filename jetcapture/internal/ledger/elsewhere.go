package ledger

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unique"
)

// elsewhere has files that the ledger does not know, in folders of captures with other flags. They may have messages of a block, if the log has
// lost the claims of such a capture, and the capture has ended.
type elsewhere struct {
	looking turn // of who lists them
	found   *filesElsewhere
}

// filesElsewhere has the files that were found, and when.
type filesElsewhere struct {
	generation uint64    // of the Book
	doubted    time.Time // when the log may have lost its end before
	shape      string    // of the folders that were left out
	files      []File
}

// folder returns the folder of a file.
func (p Place) folder() Place { return Place{p.Root, path.Dir(p.Name)} }

// above returns where folders of other times are: those of the same day beside one of an hour.
func (p Place) above() Place {
	if parent := path.Dir(p.Name); parent != "." {
		return Place{p.Root, parent}
	}
	return p
}

// shape tells folders of captures with other flags apart: how deep they are, and which of their elements have a name, as "region"
// of "region=eu". Folders of one capture have one shape, whatever their values.
func (p Place) shape() string {
	if p.Name == "." {
		return ""
	}
	elements := strings.Split(p.Name, "/")
	for i, e := range elements {
		name, _, named := strings.Cut(e, "=")
		if !named {
			name = "*"
		}
		elements[i] = name
	}
	return strings.Join(elements, "/")
}

// foldersUnlike returns the folders above those of claims which have another shape, without those that are below others.
func (b *Book) foldersUnlike(shape string) (folders []Place) {
	b.mu.Lock()
	seen := map[unique.Handle[Place]]struct{}{}
	for _, c := range b.claims {
		seen[c.folder] = struct{}{}
	}
	b.mu.Unlock()
	for f := range seen {
		if f := f.Value(); f.shape() != shape {
			folders = append(folders, f.above())
		}
	}
	slices.SortFunc(folders, func(a, b Place) int { return cmp.Or(cmp.Compare(a.Root, b.Root), cmp.Compare(a.Name, b.Name)) })
	kept := folders[:0]
	for _, f := range folders {
		if len(kept) == 0 || !kept[len(kept)-1].contains(f) {
			kept = append(kept, f)
		}
	}
	return kept
}

// contains reports whether another folder is the same or below. "." is all of a root.
func (p Place) contains(folder Place) bool {
	return p.Root == folder.Root && (p.Name == "." || p.Name == folder.Name || strings.HasPrefix(folder.Name, p.Name+"/"))
}

// lookElsewhere looks for such files once whenever the log may have lost its end, as listing folders takes long where files are many.
func (l *Ledger) lookElsewhere(ctx context.Context, b *Block) ([]File, error) {
	if err := l.log.Await(ctx, l.elsewhere.looking.take); err != nil {
		return nil, err
	}
	defer l.release(&l.elsewhere.looking)
	now := filesElsewhere{generation: l.book.Generation(), doubted: l.book.doubtedAt(), shape: b.Place.folder().shape()}
	if old := l.elsewhere.found; old != nil && old.generation == now.generation && old.doubted.Equal(now.doubted) && old.shape == now.shape {
		return old.files, nil
	}
	if folders := l.book.foldersUnlike(now.shape); len(folders) > 0 {
		var err error
		now.files, err = l.files.Below(ctx, folders, func(block string) bool { _, known := l.book.view(block); return known })
		if err != nil {
			return nil, fmt.Errorf("look for files of captures with other flags that the ledger does not know: %w", err)
		}
	}
	l.elsewhere.found = &now
	return now.files, nil
}
