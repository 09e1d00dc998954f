package jsoncolumns

import "bytes"

// A node is a member of the payload's object, or of one inside, that leads to columns.
type node struct {
	name     string
	index    int // among all nodes
	place    int // among the children of its parent
	column   int // that has the member's values, or -1 if it is an object with columns inside
	children []*node
	byName   map[string]*node // of many children
}

// few is how many names are faster compared than looked up.
const few = 8

// tree returns the node of the payload's object. No path is twice in columns, nor the beginning of another.
func tree(columns []Column) (root *node, nodes int) {
	root = &node{column: -1}
	nodes = 1
	for i, c := range columns {
		n := root
		for _, name := range c.Path {
			child := n.byName[name]
			if child == nil {
				child = &node{name: name, index: nodes, place: len(n.children), column: -1}
				nodes++
				n.children = append(n.children, child)
				if n.byName == nil {
					n.byName = map[string]*node{}
				}
				n.byName[name] = child
			}
			n = child
		}
		n.column = i
	}
	return root, nodes
}

// find returns the child of that name, or nil. It looks first at the one at next, which is it if members come in the order
// of the columns, as they do mostly.
func (n *node) find(name []byte, next int) *node {
	if next < len(n.children) && n.children[next].name == string(name) {
		return n.children[next]
	}
	if len(n.children) > few {
		return n.byName[string(name)]
	}
	for _, child := range n.children {
		if child.name == string(name) {
			return child
		}
	}
	return nil
}

// A router reads a payload, gives the values of columns to fits, and makes the rest of all others.
type router struct {
	scan
	root *node
	fits func(column int, raw []byte) bool // false if the column does not take the value; raw is valid until the next begin

	run        uint32   // counts payloads
	seen       []uint32 // the last run that a node was met in
	repeated   []uint32 // the last run in which a node was met twice in an object
	twice      bool     // some node was, in this run
	secondPass bool     // this is the second pass over a payload
	name       []byte   // of a member, without its escapes

	rest   []byte // JSON
	path   [][]byte
	opened int // how many objects of path the rest is in
	begun  bool
}

func newRouter(columns []Column, fits func(column int, raw []byte) bool) *router {
	root, nodes := tree(columns)
	return &router{root: root, fits: fits, seen: make([]uint32, nodes), repeated: make([]uint32, nodes)}
}

// route reads a payload. The rest is empty if there is none. With twice it is to be done again, as columns have got values
// that they are not to have.
func (r *router) route(payload []byte, secondPass bool) bool {
	if r.run++; r.run < 2 { // the first, or a wrap; a second pass looks one back
		clear(r.seen)
		clear(r.repeated)
		r.run = 2
	}
	r.twice, r.secondPass = false, secondPass
	r.rest, r.path, r.opened, r.begun = r.rest[:0], r.path[:0], 0, false
	if !r.begin(payload) {
		return false
	}
	start := r.at
	if r.peek() != '{' {
		if !r.value(0) {
			return false
		}
		r.rest = append(r.rest, r.text[start:r.at]...)
		return r.end()
	}
	if !r.object(r.root, 1) || !r.end() {
		return false
	}
	if r.begun {
		r.rest = append(r.rest, '}')
	}
	return true
}

// object reads an object that columns are in.
func (r *router) object(n *node, depth int) bool {
	next := 0
	more, ok := r.open(depth, '}')
	for ; more; more, ok = r.next('}') {
		quoted, plain, ok := r.scan.name()
		if !ok {
			return false
		}
		name := quoted[1 : len(quoted)-1]
		if !plain {
			r.name = unquote(r.name[:0], quoted)
			name = r.name
		}
		child := n.find(name, next)
		if child != nil {
			next = child.place + 1
			if !r.meet(child) {
				child = nil
			}
		}
		if !r.member(child, quoted, depth) {
			return false
		}
	}
	return ok
}

// meet notes that a member is there, and reports whether its columns may have its values. In the second pass they may not
// if there were several members of its name in the first.
func (r *router) meet(n *node) bool {
	if r.secondPass {
		return r.repeated[n.index] != r.run-1
	}
	if r.seen[n.index] == r.run {
		r.repeated[n.index] = r.run
		r.twice = true
	}
	r.seen[n.index] = r.run
	return true
}

// member reads the value of a member, which is for child if that is not nil.
func (r *router) member(child *node, quoted []byte, depth int) bool {
	start := r.at
	if child != nil && child.column < 0 && r.peek() == '{' {
		r.path = append(r.path, quoted)
		if !r.object(child, depth+1) {
			return false
		}
		r.path = r.path[:len(r.path)-1]
		switch {
		case r.opened > len(r.path):
			r.rest = append(r.rest, '}')
			r.opened--
		case isEmpty(r.text[start:r.at]): // which no column tells
			r.remain(quoted, r.text[start:r.at])
		}
		return true
	}
	if !r.value(depth) {
		return false
	}
	raw := r.text[start:r.at]
	if child == nil || child.column < 0 || !r.fits(child.column, raw) {
		r.remain(quoted, raw)
	}
	return true
}

func isEmpty(object []byte) bool {
	return len(bytes.TrimSpace(object[1:len(object)-1])) == 0
}

// remain adds a member to the rest, in the objects that it is in.
func (r *router) remain(quoted, raw []byte) {
	if !r.begun {
		r.rest = append(r.rest, '{')
		r.begun = true
	}
	for ; r.opened < len(r.path); r.opened++ {
		r.comma()
		r.rest = append(append(r.rest, r.path[r.opened]...), ':', '{')
	}
	r.comma()
	r.rest = append(append(append(r.rest, quoted...), ':'), raw...)
}

func (r *router) comma() {
	if r.rest[len(r.rest)-1] != '{' {
		r.rest = append(r.rest, ',')
	}
}
