package preflight

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

// Examine checks all that a capture depends on. It tries what the capture would do as far as that changes nothing, except for an object
// that it makes in a store that can be probed, and removes, and for a consumer of the ledger that the server removes when nobody reads it.
//
// It returns an error if it could not check everything, together with the findings so far.
func Examine(ctx context.Context, nc *nats.Conn, p *Plan) ([]Finding, error) {
	js, err := jsapi.New(nc, p.Domain)
	if err != nil {
		return nil, err
	}
	var d diagnosis
	b, lookErr := new(jsapi.Binding), error(nil)
	lacking, mayLook := checkRights(ctx, &d, nc, p)
	if mayLook {
		b, lookErr = jsapi.Bind(ctx, js, p.Stream, p.Consumer, nil)
	}
	lookErr = missing(&d, p, lookErr)
	if b.Stream != nil && lookErr == nil {
		lookErr = examineServer(ctx, &d, nc, js, p, b, lacking)
	}
	checkWriters(&d, p)
	if ctx.Err() == nil {
		checkStore(ctx, &d, p)
	}
	return d, errors.Join(lookErr, ctx.Err())
}

// examineServer checks all that a capture uses of the server. It tries nothing for which a permission is missing: the server would not answer.
func examineServer(ctx context.Context, d *diagnosis, nc *nats.Conn, js jetstream.JetStream, p *Plan, b *jsapi.Binding, lacking []permission.Permission) error {
	a := lookAtAccount(ctx, d, js, b.Stream.Config.Replicas)
	e := p.examination(b, nc)
	e.missing = lacking
	if a != nil {
		e.allowed = a.Limits.MaxAckPending
	}
	*d = append(*d, e.findings()...)
	for i := range *d {
		if f := &(*d)[i]; f.Check == pauseCheck && f.Severity == Warning {
			f.Severity = Fatal // Run would start, and wait
		}
	}
	mayCreate := e.may(jsapi.Prefix(p.Domain) + ".CONSUMER.CREATE." + p.Stream + "." + p.Consumer)
	if b.Consumer == nil && p.CreateConsumer && !a.checkNewConsumer(d, b.Stream) && mayCreate {
		tryConsumer(ctx, d, js, e)
	}
	checkOtherDomain(ctx, d, nc, e, p.Domain, p.Stream, p.Consumer)
	if !p.ExactlyOnce {
		return nil
	}
	return examineLedger(ctx, d, nc, js, e, a)
}

// missing reports a stream or a consumer that jsapi.Bind did not find. It returns any other error.
func missing(d *diagnosis, p *Plan, err error) error {
	switch {
	case errors.Is(err, jsapi.ErrStreamNotFound):
		d.add(Fatal, "stream", "not found", "there is nothing to capture", "create stream "+p.Stream+", or name another, with its JetStream domain if it is in one")
	case errors.Is(err, jsapi.ErrConsumerNotFound) && p.CreateConsumer: // examineServer checks whether it can be created
	case errors.Is(err, jsapi.ErrConsumerNotFound):
		d.add(Fatal, "consumer", "not found", "it keeps the position of the capture", "create a durable pull consumer "+p.Consumer+" with explicit acks, or set Options.CreateConsumer")
	case errors.Is(err, jsapi.ErrConsumerUnfit):
		d.add(Fatal, "consumer", "a push consumer", "a capture asks for as many messages as it can hold, and a push consumer sends them unasked",
			"create a durable pull consumer of another name")
	case jsapi.IsNoJetStream(err):
		d.add(Fatal, "JetStream", "not found", err.Error(), "enable JetStream for the account, or name its domain")
	default:
		return err
	}
	return nil
}
