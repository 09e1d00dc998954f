package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

type branch struct {
	Name     string              `json:"name"`
	Parent   *branch             `json:"parent"`
	Children []branch            `json:"children"`
	Named    map[string][]branch `json:"named"`
	Price    string              `parquet:"price,decimal(2:18)"`
}

func TestTypesThatContainThemselvesAreJSONByOption(t *testing.T) {
	values := []branch{
		{Name: "a", Parent: &branch{Name: "<"}, Children: []branch{{Name: "b"}}, Named: map[string][]branch{"x": {{Name: "c"}}}, Price: "1"},
		{Name: "none", Price: "1"},
	}
	c, err := rowtest.Appended(t, []schema.Option{schema.AsJSON("parent", "children", "named.value.element")}, values...)
	if err != nil {
		t.Fatal(err)
	}
	const leaf = `{"name":"NAME","parent":null,"children":null,"named":null,"Price":""}`
	is := func(name string) string { return strings.Replace(leaf, "NAME", name, 1) }
	rows := rowtest.AssembleAll(t, c)
	for i, want := range []string{"a " + is("<") + " [" + is("b") + "] [x [" + is("c") + "]] 100", "none <nil> <nil> <nil> 100"} {
		if got := strings.Trim(fmt.Sprint(rows[i]), "[]"); got != strings.Trim(want, "[]") {
			t.Errorf("row %d is\n%s\nwant\n%s", i, got, want)
		}
	}
	for path, kind := range map[string]schema.Kind{"parent": schema.JSON, "children": schema.JSON} {
		if n := c.Schema().Find(path); n == nil || n.Kind() != kind || !n.Nullable() {
			t.Errorf("%s is %v", path, n)
		}
	}
}

func TestMessagesThatContainThemselvesAreJSONByOption(t *testing.T) {
	value, err := structpb.NewValue(map[string]any{"a": []any{1, "x"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := rowtest.Appended(t, []schema.Option{schema.AsJSON("struct_value", "list_value")}, value)
	if err != nil {
		t.Fatal(err)
	}
	n := c.Schema().Find("struct_value")
	if got := fmt.Sprint(rowtest.AssembleAll(t, c)); n == nil || !strings.Contains(strings.ReplaceAll(got, " ", ""), `{"a":[1,"x"]}`) {
		t.Errorf("%v is %s", n, got)
	}
}

func TestWrongPathsOfJSONAreRefused(t *testing.T) {
	_, err := schema.Of[branch](schema.AsJSON("parent", "children", "named", "price", "none"))
	for _, want := range []string{`AsJSON: there is no column "none"`, `branch.Price: it is to be JSON by AsJSON("price"), and "decimal(2:18)" by its tag: leave one out`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	if _, err := schema.Of[branch](); err == nil || !strings.Contains(err.Error(), `or with AsJSON("parent")`) {
		t.Errorf("the error names no way out: %v", err)
	}
	_, err = schema.Of[structpb.Value]()
	if err == nil || !strings.Contains(err.Error(), `make it JSON with AsJSON("list_value.values"), or leave it out with Exclude("list_value.values")`) {
		t.Errorf("the error names no way out: %v", err)
	}
}
