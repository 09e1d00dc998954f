package jetcapture_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// delivered is a message as a consumer delivers it.
func delivered(data string) *nats.Msg {
	return &nats.Msg{
		Subject: "orders.new", Reply: "$JS.ACK.ORDERS.lake.1.42.7.1700000000123456789.5",
		Header: nats.Header{"A": {"1", "2"}}, Data: []byte(data),
	}
}

var deliveredMeta = jetcapture.Meta{
	Subject: "orders.new", Stream: "ORDERS", StreamSeq: 42, Timestamp: time.Unix(1_700_000_000, 123_456_789).UTC(),
	Headers: map[string][]string{"A": {"1", "2"}},
}

func TestMetaOfSaysWhatTheStreamDoes(t *testing.T) {
	for _, reply := range []string{
		"$JS.ACK.ORDERS.lake.1.42.7.1700000000123456789.5",
		"$JS.ACK.domain.hash.ORDERS.lake.1.42.7.1700000000123456789.5.token",
		"$JS.ACK._.hash.ORDERS.lake.1.42.7.1700000000123456789.5",
	} {
		msg := delivered("")
		msg.Reply = reply
		if got, err := jetcapture.MetaOf(msg); err != nil || !reflect.DeepEqual(got, deliveredMeta) {
			t.Errorf("of %s it is %+v, %v", reply, got, err)
		}
	}
	msg := delivered("")
	if n := testing.AllocsPerRun(100, func() { _, _ = jetcapture.MetaOf(msg) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	for _, reply := range []string{"", "$JS.ACK.ORDERS", "_INBOX.x"} {
		_, err := jetcapture.MetaOf(&nats.Msg{Subject: "a", Reply: reply})
		if !errors.Is(err, nats.ErrNotJSMessage) || !strings.Contains(err.Error(), fmt.Sprintf("%q", reply)) {
			t.Errorf("of %q the error is %v", reply, err)
		}
	}
}

type withMeta struct {
	jetcapture.Meta
	ID string `json:"id"`
}

type (
	// Base is embedded, exported as encoding/json sets no other pointers.
	Base struct {
		jetcapture.Meta
		N int `json:"n"`
	}
	base   struct{ Base }
	hidden = jetcapture.Meta
	// Loop embeds itself.
	Loop struct {
		*Loop
		jetcapture.Meta
	}
)

func TestTheJSONDecoderFillsMetaWhereverItIsEmbedded(t *testing.T) {
	fills(t, func(p *withMeta) *jetcapture.Meta { return &p.Meta })
	fills(t, func(p *struct{ base }) *jetcapture.Meta { return &p.Meta })
	fills(t, func(p *struct{ *Base }) *jetcapture.Meta { return &p.Meta })
	fills(t, func(p *struct{ *jetcapture.Meta }) *jetcapture.Meta { return p.Meta })
	fills(t, func(p *struct{ M *jetcapture.Meta }) *jetcapture.Meta { return p.M })
	fills(t, func(p *struct {
		jetcapture.Meta `json:"meta"`
	},
	) *jetcapture.Meta {
		return &p.Meta
	})
	fills(t, func(p *struct {
		withMeta
		Base
	},
	) *jetcapture.Meta {
		return &p.Base.Meta
	})
	fills(t, func(p *struct {
		withMeta
		Base
	},
	) *jetcapture.Meta {
		return &p.withMeta.Meta
	})
	fills(t, func(p *Loop) *jetcapture.Meta { return &p.Meta })
}

// fills checks that decoding sets what meta returns, before the destination key is asked for.
func fills[T any](t *testing.T, meta func(*T) *jetcapture.Meta) {
	t.Helper()
	decode := jetcapture.JSON(func(p *T) string { return meta(p).Subject })
	payload, subject, err := decode(delivered(`{"id":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := *meta(payload); subject != "orders.new" || !reflect.DeepEqual(got, deliveredMeta) {
		t.Errorf("%T has %+v, destination key %q", *payload, got, subject)
	}
}

func TestWhatCannotBeSetIsAnErrorAndNotLeftEmpty(t *testing.T) {
	type nilBase struct{ *base }
	type alias struct{ hidden }
	_, _, err1 := jetcapture.JSON(func(*nilBase) string { return "" })(delivered(`{}`))
	_, _, err2 := jetcapture.JSON(func(*alias) string { return "" })(delivered(`{}`))
	_, _, err3 := jetcapture.JSON(func(*withMeta) string { return "" })(&nats.Msg{Data: []byte(`{}`)})
	for i, test := range []struct {
		err  error
		want string
	}{
		{err1, "set Meta in jetcapture_test.nilBase: a *jetcapture_test.base that is embedded is nil"},
		{err2, "set Meta in jetcapture_test.alias: the field of jetcapture.Meta is not exported"},
		{err3, "not a jetstream message"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("error %d is %v, want %s", i+1, test.err, test.want)
		}
	}
}

func TestNoJSONSetsMetaAndNoneShowsIt(t *testing.T) {
	const hostile = `{"id":"a","subject":"evil","Subject":"evil","SUBJECT":"evil","stream":"evil","Stream":"evil",` +
		`"stream_seq":1,"StreamSeq":1,"streamseq":1,"timestamp":"2001-01-01T00:00:00Z","Timestamp":"2001-01-01T00:00:00Z",` +
		`"headers":{"A":["evil"]},"Headers":{"A":["evil"]},"-":"evil","Meta":{"subject":"evil","Subject":"evil"},` +
		`"meta":{"Stream":"evil"}}`
	var p struct {
		withMeta
		Named jetcapture.Meta `json:"meta"`
	}
	if err := json.Unmarshal([]byte(hostile), &p); err != nil {
		t.Fatal(err)
	}
	if p.ID != "a" || !reflect.DeepEqual(p.Meta, jetcapture.Meta{}) || !reflect.DeepEqual(p.Named, jetcapture.Meta{}) {
		t.Errorf("JSON has set %+v", p)
	}
	fills(t, func(p *withMeta) *jetcapture.Meta { return &p.Meta })
	text, err := json.Marshal(withMeta{deliveredMeta, "a"})
	if err != nil || string(text) != `{"id":"a"}` {
		t.Errorf("as JSON the payload is %s, %v", text, err)
	}
}

func TestMetaHasTheColumnsOfRawMessages(t *testing.T) {
	s, err := schema.Of[withMeta]()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range s.Columns() {
		if n.Nullable() {
			t.Errorf("column %s may be null", n.Name())
		}
		if n.Name() != "id" && !slices.Contains(format.RawColumns(), n.Name()) {
			t.Errorf("column %s is none of a raw message", n.Name())
		}
		got = append(got, n.Name()+" "+n.Type().String())
	}
	want := []string{
		"subject string", "stream string", "stream_seq int64", "timestamp timestamp(micros)", "headers map", "id string",
	}
	if !slices.Equal(got, want) {
		t.Errorf("columns are %q, want %q", got, want)
	}
}

func TestColumnsLikeThoseOfMetaAreRefusedOrTakeTheirPlace(t *testing.T) {
	_, err := schema.Of[struct {
		jetcapture.Meta
		Subject string
	}]()
	if err == nil || !strings.Contains(err.Error(), "struct.Subject") || !strings.Contains(err.Error(), "struct.Meta.Subject") ||
		!strings.Contains(err.Error(), "name one of them in its tag") {
		t.Errorf("a column that differs by case only: %v", err)
	}
	_, err = schema.Of[struct {
		jetcapture.Meta
		Base
	}]()
	if err != nil {
		t.Errorf("a deeper Meta: %v", err)
	}
	_, err = schema.Of[struct {
		jetcapture.Meta
		withSubject
	}]()
	const taken = `there is a column "subject" already, at struct.Meta.Subject: name one of them in its tag`
	if err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("a column of the same name and depth: %v", err)
	}
	s, err := schema.Of[struct {
		jetcapture.Meta
		At      time.Time `json:"timestamp" parquet:"at"`
		Subject int       `json:"subject"`
	}]()
	if err != nil {
		t.Fatal(err)
	}
	if s.Find("at") == nil || s.Find("timestamp") == nil || s.Find("subject").Kind() != schema.Int64 {
		t.Errorf("columns are %v", s.Columns())
	}
}

type withSubject struct {
	Subject int `json:"subject"`
}

// A batch is a message of several orders, and a batchRow one of them.
type (
	batch struct {
		jetcapture.Meta
		Shop   string     `json:"shop"`
		Orders []batchRow `json:"orders"`
	}
	batchRow struct {
		jetcapture.Meta
		Shop   string `json:"-" parquet:"shop"`
		ID     int    `json:"id"`
		Amount string `json:"amount" parquet:"amount,decimal(2:18)"`
	}
)

func TestAMessageBecomesSeveralRows(t *testing.T) {
	const n = 500
	s, dir := startServer(t), t.TempDir()
	rowSchema, err := schema.Of[batchRow]()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := columns.Compile[batchRow](rowSchema)
	if err != nil {
		t.Fatal(err)
	}
	writers, err := format.PlanNDJSON(columns.Rows(plan, func(b *batch) []batchRow {
		for i := range b.Orders {
			b.Orders[i].Meta, b.Orders[i].Shop = b.Meta, b.Shop
		}
		return b.Orders
	}))
	if err != nil {
		t.Fatal(err)
	}
	o := jetcapture.DefaultOptions[*batch, string]()
	o.NATSStreamName, o.NATSConsumerName = streamName, consumerName
	o.MessageDecoder = jetcapture.JSON(func(b *batch) string { return b.Subject })
	o.WriterFactory, o.Suffix = writers, "ndjson"
	o.Store = jetcapture.SingleDirStore[string](dir)
	o.UntilCaughtUp = true

	// Message i has i%4 orders; every tenth has one that is no decimal, and is a dead letter with all its orders.
	rows, deadLetters := 0, 0
	s.Publish(n, func(i int) *nats.Msg {
		var orders []string
		for j := range i % 4 {
			amount := fmt.Sprintf("%d.%02d", i, j)
			if i%10 == 3 && j == i%4-1 {
				amount = "1.234"
			}
			orders = append(orders, fmt.Sprintf(`{"id":%d,"amount":"%s","stream_seq":7}`, 10*i+j, amount))
		}
		if i%10 == 3 && i%4 > 0 {
			deadLetters++
		} else {
			rows += i % 4
		}
		return &nats.Msg{
			Subject: "orders.batch", Header: nats.Header{"I": {fmt.Sprint(i)}},
			Data: fmt.Appendf(nil, `{"shop":"s%d","subject":"evil","orders":[%s]}`, i%3, strings.Join(orders, ",")),
		}
	})
	if err := o.Build().Run(t.Context(), s.Connect()); err != nil {
		t.Fatal(err)
	}
	if got := len(readLetters(t, dir)); got != deadLetters || deadLetters == 0 {
		t.Errorf("%d dead letters, want %d", got, deadLetters)
	}
	duck := formattest.DuckDB(t)
	lake := fmt.Sprintf(`read_json('%s', format = 'newline_delimited', columns = {subject: 'VARCHAR', stream: 'VARCHAR',
		stream_seq: 'BIGINT', timestamp: 'TIMESTAMP', headers: 'MAP(VARCHAR, VARCHAR[])', shop: 'VARCHAR', id: 'BIGINT',
		amount: 'DECIMAL(18,2)'})`,
		filepath.Join(dir, "date=*", "**", "*.ndjson"))
	for sql, want := range map[string]int{
		"select count(*) from " + lake:           rows,
		"select count(distinct id) from " + lake: rows,
		"select count(*) from " + lake + " where subject = 'orders.batch' and stream = 'ORDERS'": rows,
		"select count(*) from " + lake + " where now() - timestamp < interval 1 hour":            rows,
		"select count(*) from " + lake + " where stream_seq - 1 = id // 10":                      rows,
		"select count(*) from " + lake + " where headers = map {'I': [(id // 10)::varchar]}":     rows,
		"select count(*) from " + lake + " where amount = id // 10 + (id % 10) / 100":            rows,
		"select count(*) from " + lake + " where shop = 's' || (id // 10 % 3)":                   rows,
	} {
		if got := duck.QueryInt(sql); got != int64(want) {
			t.Errorf("%s\n= %d, want %d", sql, got, want)
		}
	}
}
