package faults_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"testing"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
)

// A sortOfObject is a kind of object, and the faults it is tested with.
type sortOfObject struct {
	name   string
	size   int
	faults []namedFault
}

// Whichever request of a Create has a fault, in the end there is one object, whole. If the answer to the request that created it
// is lost, the next attempt finds that object and recognizes it as its own.
func createOutlastsFaults(t *testing.T, c *cloud) {
	for _, v := range []sortOfObject{{"small", 1000, faults}, {"large", c.large, telling}, {"empty", 0, telling}} {
		for i, f := range v.faults {
			t.Run(v.name+" object, "+f.name, func(t *testing.T) {
				t.Parallel()
				p, created := c.place(t), []string(nil)
				content := contentOf(uint64(i), v.size)
				eachRequest(t, p, f.fault, func(t *testing.T, name string) {
					if err := create(t.Context(), p.patient(), name, content); err != nil {
						t.Errorf("Create = %v", err)
						return
					}
					created = append(created, name)
					p.wantObject(t, name, content)
				})
				p.wantNames(t, created...)
			})
		}
	}
}

// Faults never make a Create take another's object for its own, or overwrite it.
func otherContentIsFoundOut(t *testing.T, c *cloud) {
	for size, bytes := range map[string]int{"small": 1000, "large": c.large} {
		for _, f := range telling {
			t.Run(size+" object, "+f.name, func(t *testing.T) {
				t.Parallel()
				p := c.place(t)
				theirs, ours := contentOf(1, bytes), contentOf(2, bytes)
				eachRequest(t, p, f.fault, func(t *testing.T, name string) {
					if err := create(t.Context(), p.intact, name, theirs); err != nil {
						t.Fatal(err)
					}
					if err := create(t.Context(), p.patient(), name, ours); !errors.Is(err, fs.ErrExist) {
						t.Errorf("Create = %v, want fs.ErrExist", err)
					}
					p.wantObject(t, name, theirs)
				})
			})
		}
	}
}

// Timeout gives up a server that never answers, and there is one object even if the server created it.
func createOutlastsHanging(t *testing.T, c *cloud) {
	for size, bytes := range map[string]int{"small": 1000, "large": c.large} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			p := c.place(t)
			p.broken = store.Timeout(p.broken, store.TimeoutOptions{Operation: 5 * time.Second, MinRate: 1 << 20})
			content := contentOf(3, bytes)
			for n := 1; n <= 2; n++ {
				release := make(chan struct{})
				p.proxy.Set(nth(n, cloudtest.Hang(release)))
				name := fmt.Sprint("object ", n)
				err := create(t.Context(), p.patient(), name, content)
				close(release) // the server gets the request now
				if err != nil {
					t.Fatalf("Create = %v", err)
				}
				p.wantObject(t, name, content)
			}
		})
	}
}

// Retries wait as long as an overloaded server asks for.
func serverIsLeftAlone(t *testing.T, c *cloud) {
	p := c.place(t)
	p.proxy.Set(first(3, cloudtest.SlowDown(2*time.Second)))
	began := time.Now()
	if err := create(t.Context(), p.patient(), "x", contentOf(4, 1000)); err != nil {
		t.Fatalf("Create = %v", err)
	}
	if duration := time.Since(began); duration < 2*time.Second {
		t.Errorf("it was asked again within %v", duration)
	}
	p.wantObject(t, "x", contentOf(4, 1000))
}

// Without retries, a Create that fails leaves nothing, or the whole object.
func failedCreateLeavesNothingOrAll(t *testing.T, c *cloud) {
	for size, bytes := range map[string]int{"small": 1000, "large": c.large} {
		for _, f := range telling {
			t.Run(size+" object, "+f.name, func(t *testing.T) {
				t.Parallel()
				p := c.place(t)
				content := contentOf(5, bytes)
				for from := 1; from <= 4; from++ {
					name := fmt.Sprint("object ", from)
					p.proxy.Set(func(_ *http.Request, i int) cloudtest.Fault {
						if i >= from {
							return f.fault
						}
						return cloudtest.Pass()
					})
					err := create(t.Context(), p.broken, name, content)
					got, readErr := read(t.Context(), p.intact, name, 0, -1)
					switch {
					case errors.Is(err, fs.ErrExist):
						t.Fatalf("from request %d on: Create = %v", from, err)
					case readErr == nil && string(got) != string(content):
						t.Fatalf("from request %d on: %d bytes of %d are there (Create = %v)", from, len(got), bytes, err)
					case readErr != nil && (err == nil || !errors.Is(readErr, fs.ErrNotExist)):
						t.Fatalf("from request %d on: read: %v (Create = %v)", from, readErr, err)
					}
				}
			})
		}
	}
}
