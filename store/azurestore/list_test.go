package azurestore_test

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
)

func names(t *testing.T, b store.Bucket, prefix string) []string {
	t.Helper()
	var got []string
	for object, err := range b.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, object.Name)
	}
	return got
}

func TestListingIsInOrderOfBytes(t *testing.T) {
	server := cloudtest.Azure(t)
	o := sharedKey(t, server)
	o.Prefix = "lake 🏞"
	b := open(t, o)
	want := slices.Sorted(slices.Values([]string{
		"a/\uff5e", "a/\uff5e/🚀", "a/\uff5e/🚀/\uff5e", "a/\uff5e/🚀/😀", "a/🐟x", "a/🚀", "a/🚀/\uff5e", "a/🚀/🚀", "a/🚀/🚀/x", "a/😀",
		"a0", "é", "\uff5e", "🚀/\uff5e", "🚀/😀",
	}))
	for _, i := range rand.Perm(len(want)) {
		create(t, b, want[i], nil)
	}
	for _, prefix := range []string{"", "a/", "a/🚀", "a/\uff5e/", "🚀", "é", "\xc3", "\xf0\x9f", "a/\xf0\x9f\x9a"} {
		var below []string
		for _, name := range want {
			if strings.HasPrefix(name, prefix) {
				below = append(below, name)
			}
		}
		if got := names(t, b, prefix); !slices.Equal(got, below) {
			t.Errorf("List(%q) yields %q, want %q", prefix, got, below)
		}
	}
}

// TestListingOfBothNamespaces compares listings of random names with sorting them, on a service that has the order of
// names and the pages of Azure, without and with a hierarchical namespace, which Azurite has not.
func TestListingOfBothNamespaces(t *testing.T) {
	cleanEnv(t)
	for _, hierarchical := range []bool{false, true} {
		t.Run(fmt.Sprintf("hierarchical %t", hierarchical), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			for range 100 {
				there := randomNames(random, 1+random.IntN(60))
				s := httptest.NewServer(&lister{names: there, hierarchical: hierarchical, page: 1 + random.IntN(7)})
				b := open(t, azurestore.Options{Account: "account", Container: "container", Endpoint: s.URL + "/account", SharedKey: "c2VjcmV0"})
				for _, prefix := range []string{"", "a", "a/", "🚀", there[0][:random.IntN(len(there[0]))]} {
					var want []string
					for _, name := range there {
						if strings.HasPrefix(name, prefix) {
							want = append(want, name)
						}
					}
					slices.Sort(want)
					if got := names(t, b, prefix); !slices.Equal(got, want) {
						t.Fatalf("List(%q) yields %q, want %q", prefix, got, want)
					}
				}
				s.Close()
			}
		})
	}
}

// randomNames returns n names at most, none of which is a folder of another.
func randomNames(random *rand.Rand, n int) []string {
	alphabet := []string{"a", "-", ".", "0", "/", "/", "é", "\uff5e", "🚀", "😀"}
	set := map[string]bool{"a0": true}
	for range n {
		var name strings.Builder
		for range 1 + random.IntN(6) {
			name.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		candidate := name.String()
		inside := func(other string) bool {
			return strings.HasPrefix(other, candidate+"/") || strings.HasPrefix(candidate, other+"/")
		}
		if store.ValidName(candidate) == nil && !slices.ContainsFunc(slices.Collect(maps.Keys(set)), inside) {
			set[candidate] = true
		}
	}
	return slices.Collect(maps.Keys(set))
}

// lister answers List Blobs for the given names.
type lister struct {
	names        []string
	hierarchical bool
	page         int
}

type listed struct {
	Name         string
	Size         int    `xml:"Properties>Content-Length"`
	ResourceType string `xml:"Properties>ResourceType,omitempty"`
}

type listedPage struct {
	XMLName xml.Name `xml:"EnumerationResults"`
	Blobs   struct {
		Blob       []listed
		BlobPrefix []listed
	}
	NextMarker string
}

func (l *lister) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	prefix, delimiter := query.Get("prefix"), query.Get("delimiter")
	set := make(map[string]listed)
	for _, name := range l.names {
		for i := range name { // its folders
			if name[i] == '/' && l.hierarchical && strings.HasPrefix(name[:i], prefix) {
				set[name[:i]] = listed{Name: name[:i], ResourceType: "directory"}
			}
		}
		if strings.HasPrefix(name, prefix) {
			set[name] = listed{Name: name}
		}
	}
	if delimiter != "" {
		for name := range set {
			if i := strings.Index(name[len(prefix):], delimiter); i >= 0 {
				delete(set, name)
				folder := name[:len(prefix)+i+1]
				delete(set, folder[:len(folder)-1])
				set[folder] = listed{Name: folder}
			}
		}
	}
	all := slices.SortedFunc(maps.Values(set), l.compare)
	from, _ := strconv.Atoi(query.Get("marker"))
	to := min(from+l.page, len(all))
	var page listedPage
	for _, entry := range all[from:to] {
		if strings.HasSuffix(entry.Name, "/") {
			page.Blobs.BlobPrefix = append(page.Blobs.BlobPrefix, entry)
		} else {
			page.Blobs.Blob = append(page.Blobs.Blob, entry)
		}
	}
	if to < len(all) {
		page.NextMarker = strconv.Itoa(to)
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(page)
}

// compare has the order of the service: by UTF-16 code units, in a hierarchical namespace with the slash before all others.
func (l *lister) compare(a, b listed) int {
	units := func(name string) []uint16 {
		u := utf16.Encode([]rune(name))
		for i := range u {
			if l.hierarchical && u[i] == '/' {
				u[i] = 0
			}
		}
		return u
	}
	return cmp.Or(slices.Compare(units(a.Name), units(b.Name)), cmp.Compare(len(a.Name), len(b.Name)))
}
