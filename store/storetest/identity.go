package storetest

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/jetcapture/lake/store"
)

func oneIdentity(t *testing.T, b store.Bucket) {
	if id, err := store.ReadIdentity(t.Context(), b); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("ReadIdentity returns %q, %v, want fs.ErrNotExist", id, err)
	}
	wantNames(t, b, "")
	const n = 20
	var ids [n]string
	all(n, n, func(i int) {
		var err error
		if ids[i], err = store.Identify(t.Context(), b); err != nil {
			t.Errorf("Identify: %v", err)
		}
	})
	for _, id := range ids {
		if id != ids[0] || len(id) != 26 {
			t.Fatalf("the store has the identities %q", ids)
		}
	}
	for _, identify := range []func() (string, error){
		func() (string, error) { return store.Identify(t.Context(), b) },
		func() (string, error) { return store.ReadIdentity(t.Context(), b) },
	} {
		if id, err := identify(); id != ids[0] || err != nil {
			t.Errorf("the identity is %q, %v, and was %q", id, err, ids[0])
		}
	}
	wantNames(t, b, "", "_jetcapture/store.json")
}
