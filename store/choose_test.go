package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/store"
)

func TestEachTenantHasABucket(t *testing.T) {
	tenants := map[string]*store.Mem{"acme": store.NewMem(), "globex": store.NewMem()}
	unknown := errors.New("unknown tenant")
	root := store.NewMem()
	lake := store.Choose(func(tenant string) (store.BlockStore[string], error) {
		bucket := tenants[tenant]
		if bucket == nil {
			return nil, store.Permanent(unknown)
		}
		return store.Blocks(bucket, func(string) (string, error) { return "", nil }), nil
	}, store.Blocks[string](root, nil))
	for _, tenant := range slices.Sorted(maps.Keys(tenants)) {
		location, n, _, err := lake.Write(t.Context(), strings.NewReader(tenant), tenant, "hour=12", "x.parquet")
		if err != nil || n != int64(len(tenant)) || !strings.HasSuffix(location, "/hour=12/x.parquet") {
			t.Errorf("Write for %s returns %s, %d, %v", tenant, location, n, err)
		}
		if got, err := io.ReadAll(openAll(t, tenants[tenant], "hour=12/x.parquet")); err != nil || string(got) != tenant {
			t.Errorf("the bucket of %s has %q, %v", tenant, got, err)
		}
	}
	if _, _, _, err := lake.Write(t.Context(), strings.NewReader("x"), "initech", "", "x"); !errors.Is(err, unknown) || !store.IsPermanent(err) {
		t.Errorf("Write for an unknown tenant returns %v", err)
	}
	writer, ok := lake.(store.RootWriter)
	if !ok {
		t.Fatal("dead letters would go to a tenant")
	}
	if _, _, _, err := writer.WriteRoot(t.Context(), strings.NewReader("x"), "_deadletter", "x.ndjson"); err != nil {
		t.Error(err)
	}
	if got := names(t, root); !slices.Equal(got, []string{"_deadletter/x.ndjson"}) {
		t.Errorf("the root has %q", got)
	}
}

// onlyBlocks is a BlockStore that is not a RootWriter.
type onlyBlocks struct{ got []string }

func (o *onlyBlocks) Write(_ context.Context, _ io.Reader, destKey, dir, fileName string) (string, int64, time.Duration, error) {
	o.got = append(o.got, fmt.Sprintf("%q/%s/%s", destKey, dir, fileName))
	return "", 0, 0, nil
}

func TestChooseWithoutARootWriterUsesTheZeroKey(t *testing.T) {
	root := new(onlyBlocks)
	lake, ok := store.Choose(nil, store.BlockStore[string](root)).(store.RootWriter)
	if !ok {
		t.Fatal("no RootWriter")
	}
	if _, _, _, err := lake.WriteRoot(t.Context(), strings.NewReader("x"), "_deadletter", "x"); err != nil || !slices.Equal(root.got, []string{`""/_deadletter/x`}) {
		t.Errorf("the root got %q, %v", root.got, err)
	}
}

func TestChooseThatIsNotSetUpSaysSo(t *testing.T) {
	nowhere := func(string) (store.BlockStore[string], error) { return nil, nil }
	for want, pick := range map[string]func(string) (store.BlockStore[string], error){"give Choose one": nil, `nil for destination key "acme"`: nowhere} {
		lake := store.Choose(pick, nil)
		if _, _, _, err := lake.Write(t.Context(), strings.NewReader("x"), "acme", "", "x"); !store.IsPermanent(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("Write returns %v, want %q", err, want)
		}
		root, _ := lake.(store.RootWriter)
		if _, _, _, err := root.WriteRoot(t.Context(), strings.NewReader("x"), "", "x"); !store.IsPermanent(err) || !strings.Contains(err.Error(), "dead letter") {
			t.Errorf("WriteRoot returns %v", err)
		}
	}
}
