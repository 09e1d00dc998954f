package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// List implements Bucket. It reads only folders in which a name can start with prefix, and yields nothing if the root
// does not exist yet.
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := d.checkRoot(); err != nil {
			yield(Object{}, fmt.Errorf("list objects: %w", err))
			return
		}
		folder := prefix[:strings.LastIndexByte(prefix, '/')+1]
		if folder != "" && ValidName(strings.TrimSuffix(folder, "/")) != nil {
			return // there can be no such object, and a prefix such as "../" must not lead out of the root
		}
		d.list(ctx, folder, prefix, yield)
	}
}

// list yields the objects in folder, which is empty or ends in a slash, and reports whether to continue.
func (d *Dir) list(ctx context.Context, folder, prefix string, yield func(Object, error) bool) bool {
	children, err := d.children(folder)
	if err != nil {
		yield(Object{}, fmt.Errorf("list objects: %w", err))
		return false
	}
	for _, child := range children {
		if err := ctx.Err(); err != nil {
			yield(Object{}, fmt.Errorf("list objects: %w", err))
			return false
		}
		matches := strings.HasPrefix(child.name, prefix)
		if child.entry.IsDir() {
			if (matches || strings.HasPrefix(prefix, child.name)) && !d.list(ctx, child.name, prefix, yield) {
				return false
			}
			continue
		}
		if !matches {
			continue
		}
		object, err := d.object(child)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			yield(Object{}, fmt.Errorf("list objects: %w", err))
			return false
		}
		if !yield(object, nil) {
			return false
		}
	}
	return true
}

type child struct {
	name  string // from the root on; a folder's ends in a slash
	entry fs.DirEntry
}

// children returns the files and folders in folder, in an order that yields the names of all objects below in order: the slash
// counts, since folder a comes after folder a-b.
func (d *Dir) children(folder string) ([]child, error) {
	entries, err := d.files.os().readDir(filepath.Join(d.root, filepath.FromSlash(folder)))
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	children := make([]child, 0, len(entries))
	for _, entry := range entries {
		name := folder + entry.Name()
		if hasTempName(name) || ValidName(name) != nil {
			continue // not put there by a Dir
		}
		if entry.IsDir() {
			name += "/"
		}
		children = append(children, child{name, entry})
	}
	slices.SortFunc(children, func(a, b child) int { return cmp.Compare(a.name, b.name) })
	return children, nil
}

// object describes a child that is not a folder. A child that is not a file either is no object.
func (d *Dir) object(c child) (Object, error) {
	path := filepath.Join(d.root, filepath.FromSlash(c.name))
	info, err := c.entry.Info()
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = os.Stat(path)
	}
	if isMissing(err) || err == nil && !info.Mode().IsRegular() {
		return Object{}, fs.ErrNotExist
	}
	if err != nil {
		return Object{}, err
	}
	return describe(c.name, path, info), nil
}
