package schema

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

// oneof adds to found the alternatives of the oneof sf of a message: each is a field that is null unless the oneof holds that
// alternative. outer is the field that leads to the message, or embeds it.
//
// The Go type of a oneof is an interface of structs with one field each, which are named nowhere in it.
func (w *walk) oneof(found []field, message reflect.Type, sf reflect.StructField, outer field) []field {
	at := outer.at + "." + sf.Name
	wrappers, err := oneofWrappers(message, sf)
	if err != nil {
		w.refuse(at, "nothing tells the types of this oneof: %w: copy the message into a struct", err)
		return found
	}
	for _, t := range wrappers {
		inner := t.Elem().Field(0)
		tag, err := tagOf(inner)
		if err != nil {
			w.fail(at, err)
			continue
		}
		tag.name = protoName(inner)
		tag.spec.required = true // what is set is not null
		steps := append(outer.steps[:len(outer.steps):len(outer.steps)],
			gosource.Step{Op: gosource.Add, Offset: sf.Offset}, gosource.Step{Op: gosource.Oneof, Table: methodTable(sf.Type, t)}, gosource.Step{Op: gosource.Add, Offset: inner.Offset})
		found = append(found, field{inner, tag, steps, outer.depth, true, at + "." + inner.Name})
	}
	return found
}

// isOneof reports whether a field of a message is one.
func isOneof(sf reflect.StructField) bool {
	return sf.Type.Kind() == reflect.Interface && sf.Tag.Get("protobuf_oneof") != ""
}

// protoName returns the name that a field has in the .proto file, as generated code has it in the tags `json` of others.
func protoName(sf reflect.StructField) string {
	for word := range strings.SplitSeq(sf.Tag.Get("protobuf"), ",") {
		name, ok := strings.CutPrefix(word, "name=")
		switch {
		case ok && strings.HasPrefix(sf.Tag.Get("protobuf"), "group,"): // which is named like its type
			return strings.ToLower(name)
		case ok && name != "":
			return name
		}
	}
	return sf.Name
}

// methodTable returns the first word of interfaces of a type that hold a value of type t. It is the same for all of them:
// Go compares them by it.
func methodTable(interfaceType, t reflect.Type) unsafe.Pointer {
	holder := reflect.New(interfaceType)
	holder.Elem().Set(reflect.New(t.Elem()))
	return *(*unsafe.Pointer)(holder.UnsafePointer())
}

// oneofWrappers returns the types that a oneof may hold, pointers to structs with one field, in the order of the .proto
// file.
//
// Older generated code tells them by a method; today's only by the reflection of google.golang.org/protobuf, which this
// package does not link: its methods are called by name. Names are constants, so that the linker can leave out others.
func oneofWrappers(message reflect.Type, oneof reflect.StructField) (wrappers []reflect.Type, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s has neither XXX_OneofWrappers nor ProtoReflect as generated code has them (%v)", message, p)
		}
	}()
	m := reflect.New(message)
	var held []reflect.Value
	if list := m.MethodByName("XXX_OneofWrappers"); list.IsValid() {
		all := list.Call(nil)[0]
		for i := range all.Len() {
			if v := all.Index(i).Elem(); v.Type().Implements(oneof.Type) {
				held = append(held, v)
			}
		}
	} else {
		name := oneof.Tag.Get("protobuf_oneof")
		r := m.MethodByName("ProtoReflect").Call(nil)[0]
		oneofs := r.MethodByName("Descriptor").Call(nil)[0].MethodByName("Oneofs").Call(nil)[0]
		byName := oneofs.MethodByName("ByName")
		found := byName.Call([]reflect.Value{reflect.ValueOf(name).Convert(byName.Type().In(0))})[0]
		fields := found.MethodByName("Fields").Call(nil)[0]
		get, newField, set := fields.MethodByName("Get"), r.MethodByName("NewField"), r.MethodByName("Set")
		for i := range fields.MethodByName("Len").Call(nil)[0].Int() {
			field := get.Call([]reflect.Value{reflect.ValueOf(int(i))})
			set.Call(append(field, newField.Call(field)...))
			held = append(held, m.Elem().FieldByIndex(oneof.Index).Elem())
		}
	}
	for _, v := range held {
		t := v.Type()
		if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct || t.Elem().NumField() != 1 || !t.Implements(oneof.Type) {
			return nil, fmt.Errorf("%s is no pointer to a struct with one field", t)
		}
		wrappers = append(wrappers, t)
	}
	if len(wrappers) == 0 {
		return nil, fmt.Errorf("%s has none", oneof.Type)
	}
	return wrappers, nil
}
