package jsoncolumns

import (
	"fmt"
	"slices"
	"strings"
)

// The limits of inference. Members beyond them stay in Rest, or in a json column.
const (
	maxInferred = 1_000  // columns
	maxNested   = 8      // names in a path
	maxPaths    = 20_000 // paths that are watched
	maxNotes    = 100
)

// An Inferrer makes a list of columns for the payloads that were added. It is for one goroutine at a time.
//
// The members of objects are columns of their own, named by the names of the path joined by _, which replaces dots too. Lists are
// json, and objects whose members have data for names. A column has the narrowest of bool, int64, uint64, float64, timestamp,
// timestamp(nanos), date, uuid and string that all its values fit, or else json. All columns are nullable.
type Inferrer struct {
	payloads int // that are objects
	others   int
	root     evidence
	paths    int
	full     bool // there were more than maxPaths
	read     *reader
	scan     scan
}

// NewInferrer returns an Inferrer without payloads.
func NewInferrer() *Inferrer { return &Inferrer{read: newReader(nil, nil)} }

// Add adds a payload. Payloads that are not JSON objects are counted only.
func (in *Inferrer) Add(payload []byte) {
	s := &in.scan
	if ok := s.begin(payload) && s.peek() == '{' && s.value(0) && s.end(); !ok { // all of it, before anything is noted
		in.others++
		return
	}
	in.payloads++
	s.begin(payload)
	in.object(&in.root, 1)
}

// object notes the members of an object that has been checked.
func (in *Inferrer) object(e *evidence, depth int) {
	s := &in.scan
	e.objects++
	more, _ := s.open(depth, '}')
	for ; more; more, _ = s.next('}') {
		quoted, _, _ := s.name()
		child := in.child(e, quoted)
		start := s.at
		if child != nil && s.peek() == '{' && len(child.path) < maxNested {
			in.object(child, depth+1)
			continue
		}
		s.value(depth)
		switch {
		case child == nil:
		case s.text[start] == '{': // too deep
			child.lists++
		default:
			child.note(in.read, s.text[start:s.at])
		}
	}
}

// child returns the evidence of a member, or nil if there is no room for more.
func (in *Inferrer) child(e *evidence, quoted []byte) *evidence {
	name := unquote(nil, quoted)
	child := e.byName[string(name)]
	if child != nil {
		child.seen++
		return child
	}
	if n := len(e.children); n >= 256 && n&(n-1) == 0 && e != &in.root && e.isMap() {
		in.paths -= e.forget()
		e.data = true
	}
	switch {
	case e.data:
		return nil
	case in.paths >= maxPaths:
		in.full = true
		return nil
	}
	in.paths++
	child = &evidence{name: string(name), path: append(slices.Clone(e.path), string(name)), seen: 1}
	if e.byName == nil {
		e.byName = map[string]*evidence{}
	}
	e.byName[child.name] = child
	e.children = append(e.children, child)
	return child
}

// Inferred is a list of columns, with notes on the members without one.
type Inferred struct {
	Columns  []Column
	Payloads int      // that were JSON objects
	Others   int      // payloads that were not
	Notes    []string // what stays in Rest and why, a line each
}

// Infer returns the columns for the payloads that were added, none named like one of folders. It returns no columns if no
// payload had any.
func (in *Inferrer) Infer(folders ...string) Inferred {
	l := &lister{folders: folders, taken: map[string]bool{}}
	l.members(in.columnar())
	out := Inferred{Columns: l.columns, Payloads: in.payloads, Others: in.others, Notes: l.notes}
	if n := len(in.root.children) - len(in.columnar().children); n > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d members of payloads whose names seem to be data, each in few of them", n))
	}
	if l.beyond > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d paths more: %d columns are the most", l.beyond, maxInferred))
	}
	if in.full {
		out.Notes = append(out.Notes, fmt.Sprintf("paths that were first met after %d others", maxPaths))
	}
	return out
}

// columnar returns the payload's object without members whose names are data.
func (in *Inferrer) columnar() *evidence {
	root := in.root
	if !root.isMap() {
		return &root
	}
	root.children = slices.DeleteFunc(slices.Clone(root.children), func(e *evidence) bool { return e.seen*10 < root.objects })
	return &root
}

// A lister makes columns of evidence.
type lister struct {
	folders []string
	taken   map[string]bool // folded names
	columns []Column
	notes   []string
	beyond  int
}

func (l *lister) note(path []string, format string, args ...any) {
	switch {
	case len(l.notes) < maxNotes:
		l.notes = append(l.notes, fmt.Sprintf("%.200s: ", pathText(path))+fmt.Sprintf(format, args...))
	case len(l.notes) == maxNotes:
		l.notes = append(l.notes, "and more")
	}
}

// members lists the columns of an object's members.
func (l *lister) members(e *evidence) {
	for _, child := range e.children {
		if child.isObject() && len(child.children) > 0 && !child.isMap() {
			l.members(child)
			continue
		}
		t, ok := child.leaf()
		if !ok {
			l.note(child.path, "it was always null")
			continue
		}
		name, problem := l.name(child.path)
		switch {
		case problem != "":
			l.note(child.path, "as a name it %s", problem)
		case len(l.columns) == maxInferred:
			l.beyond++
		default:
			l.taken[fold(name)] = true
			l.columns = append(l.columns, Column{Name: name, Path: child.path, Type: t, Nullable: true, Epoch: epochOf(shortType(t))})
		}
	}
}

// name makes a name of a path, or says why it cannot.
func (l *lister) name(path []string) (name, problem string) {
	for _, part := range path {
		if problem := nameProblem(part); problem != "" {
			problem, _, _ = strings.Cut(problem, ":")
			return "", problem
		}
	}
	name = strings.ReplaceAll(strings.Join(path, "_"), ".", "_") // a dot would ask for quotes in SQL
	if reserved(name) || slices.ContainsFunc(l.folders, func(folder string) bool { return fold(folder) == fold(name) }) {
		name = "payload_" + name
	}
	switch {
	case nameProblem(name) != "":
		problem, _, _ = strings.Cut(nameProblem(name), ":")
		return "", problem
	case l.taken[fold(name)]:
		return "", fmt.Sprintf("would be %q, as another is but for upper and lower case perhaps", name)
	}
	return name, ""
}
