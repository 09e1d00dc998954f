package jsapi_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
)

func TestAResetThatIsDeniedIsNotBlamedOnTheServersVersion(t *testing.T) {
	t.Parallel()
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	s.Consumer("ORDERS", "lake", nil)
	s.Restrict("capture", "$JS.API.CONSUMER.RESET.>")
	nc, err := nats.Connect(s.URL(), nats.UserInfo("capture", "capture"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	info := s.Info("ORDERS", "lake")
	for _, c := range []struct {
		version string
		want    string
	}{
		{info.Config.Metadata["_nats.ver"], "allow the user to publish to $JS.API.CONSUMER.RESET.ORDERS.lake"},
		{"2.12.3", "nats-server 2.12.3 cannot, 2.14 and later can"},
	} {
		info.Config.Metadata["_nats.ver"] = c.version
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		err := jsapi.Reset(ctx, js, info, 7)
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("of %s it says %v", c.version, err)
		}
	}
}
