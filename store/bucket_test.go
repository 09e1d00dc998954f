package store_test

import (
	"path/filepath"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/storetest"
)

func TestDir(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Bucket {
		return store.NewDir(filepath.Join(t.TempDir(), "not", "there", "yet"))
	})
}

func TestMem(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Bucket { return store.NewMem() })
}
