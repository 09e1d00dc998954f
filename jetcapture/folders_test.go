package jetcapture_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

type (
	visit struct {
		Tenant string `parquet:"Tenant"`
		Date   string `parquet:"date"`
		Count  int    `parquet:"count"`
	}
	byTenant struct {
		Name string `hive:"tenant"`
	}
	byTwo struct{ Tenant, Region string }
)

// optionsOf returns options that lack nothing.
func optionsOf[P any, K comparable](writers func() format.Writer[P], s store.BlockStore[K]) *jetcapture.Options[P, K] {
	o := jetcapture.DefaultOptions[P, K]()
	o.NATSStreamName, o.NATSConsumerName, o.WriterFactory, o.Store = "S", "c", writers, s
	o.MessageDecoder = func(*nats.Msg) (payload P, destKey K, err error) { return payload, destKey, nil }
	return o
}

// wantProblem checks that options are refused with all of texts, or not at all if there are none.
func wantProblem(t *testing.T, err error, texts ...string) {
	t.Helper()
	if (err != nil) != (len(texts) > 0) {
		t.Errorf("error %v, want %q", err, texts)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %v lacks %q", err, text)
		}
	}
}

// must is for factories of writers, whose errors these tests do not expect.
func must[P any](writers func() format.Writer[P], err error) func() format.Writer[P] {
	if err != nil {
		panic(err)
	}
	return writers
}

type wrapped struct{ format.Writer[visit] }

func (w wrapped) Unwrap() format.AnyWriter { return w.Writer }

func TestColumnsThatFoldersHideAreRefused(t *testing.T) {
	dir := t.TempDir()
	hive := store.Blocks[byTenant](store.Timeout(store.NewDir(dir), store.TimeoutOptions{}), nil)
	plain := must(parquet.Writers[visit](parquet.Options{}))
	for name, writers := range map[string]func() format.Writer[visit]{
		"parquet": plain,
		"arrow":   must(arrow.Writers[visit](arrow.Options{})),
		"csv":     must(format.CSV[visit]()),
		"ndjson":  must(format.NDJSON[visit]()),
		"by hand": func() format.Writer[visit] { return format.NewCSVWriter[visit]([]string{"TENANT", "date"}, nil) },
		"wrapped": func() format.Writer[visit] { return wrapped{plain()} },
	} {
		t.Run(name, func(t *testing.T) {
			wantProblem(t, optionsOf(writers, hive).Validate(), "folders tenant=…", "folders date=…", "DateLayout", `hive:"by_tenant"`, "message_date")
		})
	}
	t.Run("with the date layout", func(t *testing.T) {
		o := optionsOf(plain, store.Blocks(store.NewDir(dir), func(k byTenant) (string, error) { return store.HivePart("by_tenant", k.Name), nil }))
		o.Layout = store.DateLayout
		wantProblem(t, o.Validate())
	})
	t.Run("of a store of folders", func(t *testing.T) {
		o := optionsOf[visit, string](plain, &store.LocalFSStore[string]{Resolver: func(string) (string, error) { return dir + "/count=1/x", nil }})
		o.Layout = store.DateLayout
		wantProblem(t, o.Validate(), "folders count=…")
	})
	t.Run("below a folder", func(t *testing.T) {
		o := optionsOf(plain, store.Blocks[string](store.NewDir(dir+"/count=1"), nil))
		o.Layout = store.DateLayout
		wantProblem(t, o.Validate(), "folders count=…")
	})
	t.Run("of a chosen store", func(t *testing.T) {
		o := optionsOf(plain, store.Choose(func(byTenant) (store.BlockStore[byTenant], error) { return hive, nil }, hive))
		o.Layout = store.DateLayout
		wantProblem(t, o.Validate(), "folders tenant=…")
	})
	t.Run("raw messages in folders of their subject", func(t *testing.T) {
		writers := must(parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{}))
		resolve := func(subject string) (string, error) { return store.HivePart("subject", subject), nil }
		wantProblem(t, optionsOf(writers, store.Blocks(store.NewDir(dir), resolve)).Validate(), "folders subject=…")
	})
}

func TestFunctionsThatPanicDoNotEndTheCheckOfFolders(t *testing.T) {
	raw := must(parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{}))
	for _, resolve := range []func(string) (string, error){
		func(string) (string, error) { panic("no") },
		func(string) (string, error) { return "", errors.New("no") },
	} {
		wantProblem(t, optionsOf(raw, store.Blocks(store.NewMem(), resolve)).Validate())
	}
	o := optionsOf(raw, store.Blocks[string](store.NewMem(), nil))
	o.Layout = func(time.Time) string { panic("no") }
	wantProblem(t, o.Validate())
	o.WriterFactory = func() format.Writer[*jetcapture.NatsMessage] { panic("no") }
	wantProblem(t, o.Validate())
}

func TestStoresThatDropTheDestinationKeyAreRefused(t *testing.T) {
	dir, writers := t.TempDir(), must(parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{}))
	wantProblem(t, optionsOf(writers, jetcapture.SingleDirStore[byTwo](dir)).Validate(), "SingleDirStore", "store.Blocks[jetcapture_test.byTwo](store.NewDir(dir), nil)")
	wantProblem(t, optionsOf(writers, jetcapture.SingleDirStore[byTenant](dir)).Validate(), "SingleDirStore")
	wantProblem(t, optionsOf(writers, jetcapture.SingleDirStore[string](dir)).Validate())
	wantProblem(t, optionsOf(writers, jetcapture.SingleDirStore[struct{}](dir)).Validate())
	wantProblem(t, optionsOf(writers, jetcapture.SingleDirStore[time.Time](dir)).Validate())
	wantProblem(t, optionsOf(writers, store.Blocks[byTwo](store.NewDir(dir), nil)).Validate())
	wantProblem(t, optionsOf(writers, store.Blocks[float64](store.NewDir(dir), nil)).Validate(), "float64 cannot name a folder")
	wantProblem(t, optionsOf(writers, store.Blocks[struct{ hidden string }](store.NewDir(dir), nil)).Validate(), "a struct cannot name a folder")
	wantProblem(t, optionsOf[*jetcapture.NatsMessage, string](writers, nil).Validate(), "store.Blocks[Key](store.NewDir(dir), nil)")
}

func TestWritersKnowTheirSuffix(t *testing.T) {
	plain := must(parquet.Writers[visit](parquet.Options{}))
	for want, writers := range map[string]func() format.Writer[visit]{
		"parquet": func() format.Writer[visit] { return wrapped{plain()} },
		"arrow":   must(arrow.Writers[visit](arrow.Options{})),
		"csv":     must(format.CSV[visit]()),
		"ndjson":  must(format.NDJSON[visit]()),
	} {
		o := optionsOf(writers, store.Blocks[string](store.NewMem(), nil))
		o.Layout = store.DateLayout
		if err, suffix := o.Validate(), o.WithDefaults().Suffix; err != nil || suffix != want {
			t.Errorf("%v, Suffix is %q, want %q", err, suffix, want)
		}
		o.Suffix = "mine"
		if err, suffix := o.Validate(), o.WithDefaults().Suffix; err != nil || suffix != "mine" {
			t.Errorf("%v, Suffix is %q, want that of the options", err, suffix)
		}
	}
	for want, writer := range map[string]format.Writer[*jetcapture.NatsMessage]{
		"csv": format.NewRawCSV[*jetcapture.NatsMessage](), "ndjson": format.NewRawNDJSON[*jetcapture.NatsMessage](),
	} {
		if got := format.Suffix(writer); got != want {
			t.Errorf("suffix %q, want %q", got, want)
		}
	}
}
