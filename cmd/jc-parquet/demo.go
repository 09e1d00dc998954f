package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/natsd"
	"github.com/jetcapture/lake/cmd/jc-parquet/internal/orders"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/store"
)

const (
	demoStream   = "ORDERS"
	demoConsumer = "lake"
	demoSplit    = "token:2" // the region in orders.<region>.<status>
)

func demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "archive made-up orders through its own NATS server, and print queries",
		Description: `Starts a NATS server with JetStream on 127.0.0.1, in a temporary folder, publishes orders, archives them
in Parquet, split by region, and removes the server. The files stay. A second demo adds files.`,
		Flags: []cli.Flag{
			&cli.IntFlag{
				Name: "messages", Aliases: []string{"n"}, Usage: "publish `N` orders", Value: 200_000,
				Validator: func(n int) error {
					if n < 1 {
						return errors.New("it must be at least 1")
					}
					return nil
				},
			},
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`DIRECTORY` for files", Value: "./lake", TakesFile: true},
			&cli.IntFlag{
				Name: "port", Usage: "`PORT` of the server", DefaultText: "a free one",
				Validator: func(n int) error {
					if n < 0 || n > 65535 {
						return errors.New("a port is at most 65535")
					}
					return nil
				},
			},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if strings.Contains(cmd.String("out"), "://") {
				return app.UsageError(errors.New("--out: the demo needs a local folder: write its path"))
			}
			log := app.Logger(cmd).WithOptions(zap.IncreaseLevel(zap.WarnLevel))
			ctx, stop := app.UntilSignal(ctx, log)
			defer stop()
			d := &demo{out: cmd.String("out"), messages: cmd.Int("messages"), port: cmd.Int("port"), screen: cmd.Root().Writer, log: log}
			err := d.run(ctx)
			if ctx.Err() != nil {
				return errors.Join(errors.New("demo: interrupted: its server is removed, and stored files stay"), err)
			}
			return err
		},
	}
}

// A demo is one run of the demo.
type demo struct {
	out      string
	messages int
	port     int
	screen   io.Writer
	log      *zap.Logger

	jsonBytes int64
	progress  *progress
}

func (d *demo) run(ctx context.Context) (err error) {
	before, err := d.countFiles(ctx)
	if err != nil {
		return err
	}
	if before > 0 {
		d.say("%s has %s Parquet files already. This demo does not touch them, and adds more.", d.out, thousands(before))
	}
	if err := (lake{out: d.out}).probe(ctx, jetcapture.ExactlyOnce, d.log); err != nil {
		return err
	}
	server, err := natsd.Start(d.port)
	if err != nil && d.port > 0 {
		return fmt.Errorf("%w: choose another --port", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	d.say("NATS server with JetStream at %s", server.URL())
	nc, err := nats.Connect(server.URL(), nats.Name("jc-parquet demo"), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connect to the demo's server: %w", err)
	}
	defer nc.Close()

	if err := d.publish(ctx, nc); err != nil {
		return err
	}
	if err := d.capture(ctx, nc); err != nil {
		return err
	}
	if ctx.Err() == nil {
		d.report()
	}
	return nil
}

func (d *demo) publish(ctx context.Context, nc *nats.Conn) (err error) {
	d.say("Publishing %s orders to the stream %s ...", thousands(d.messages), demoStream)
	start := time.Now()
	shown := start
	d.jsonBytes, err = orders.Fill(ctx, nc, demoStream, d.messages, func(done int) {
		if time.Since(shown) >= time.Second {
			shown = time.Now()
			d.say("  %s published", thousands(done))
		}
	})
	if err != nil {
		return err
	}
	d.say("  done: %s of JSON in %.1f s", megabytes(d.jsonBytes), time.Since(start).Seconds())
	return nil
}

func (d *demo) capture(ctx context.Context, nc *nats.Conn) error {
	d.say("Archiving them in %s, split by region ...", d.out)
	o := jetcapture.DefaultOptions[*jetcapture.NatsMessage, string]()
	o.NATSStreamName, o.NATSConsumerName = demoStream, demoConsumer
	o.CreateConsumer, o.UntilCaughtUp = true, true
	o.Delivery, o.Logger = jetcapture.ExactlyOnce, d.log
	a := &archive{lake: lake{out: d.out}, format: "parquet", split: demoSplit, layout: "hive"}
	if err := a.configure(ctx, o); err != nil {
		return err
	}
	o.Store = probed(o.Store)
	d.progress = newProgress(zap.NewNop())
	o.Observer = d.progress.observer()
	watch := o.Observer.Sampled
	o.Observer.Sampled = func(s jetcapture.Stats) {
		watch(s)
		if s.Pending > 0 {
			d.say("  %s archived or held, %s to go", thousands(d.messages-int(s.Pending)), thousands(int(s.Pending)))
		}
	}
	return o.Build().Run(ctx, nc)
}

// report prints what was stored, and queries.
func (d *demo) report() {
	sum, duration := d.progress.sum, d.progress.duration()
	d.say("  done: %s messages in %.1f s, %s messages/s, each acked after its file was durable", thousands(sum.messages),
		duration.Seconds(), thousands(perSecond(sum.messages, duration)))
	d.say("")
	d.say("%s rows in %s files, %s of Parquet for %s of JSON (%.0f%%)", thousands(sum.rows), thousands(sum.files),
		megabytes(sum.bytes), megabytes(d.jsonBytes), 100*float64(sum.bytes)/float64(d.jsonBytes))
	d.say("")
	d.say("Ask DuckDB (https://duckdb.org):")
	for _, query := range demoQueries(d.out) {
		d.say("\n%s", query)
	}
	d.say("\nShow the contents of a file: jc-parquet inspect FILE")
}

// demoQueries returns queries of the folder for DuckDB.
func demoQueries(out string) [2]string {
	files := path.Join(filepath.ToSlash(filepath.Clean(out)), "**", "*.parquet")
	from := fmt.Sprintf("FROM read_parquet('%s', hive_partitioning = true, hive_types_autocast = false)", strings.ReplaceAll(files, "'", "''"))
	return [2]string{
		`SELECT token_2 AS region, count(*) AS orders, min(timestamp) AS first, max(timestamp) AS last
` + from + `
GROUP BY region ORDER BY region;`,
		`SELECT decode(data)::json->>'$.status' AS status, count(*) AS orders,
       round(sum((decode(data)::json->>'$.total')::double), 2) AS total
` + from + `
WHERE token_2 = 'eu'
GROUP BY status ORDER BY total DESC;`,
	}
}

func (d *demo) countFiles(ctx context.Context) (n int, err error) {
	for object, err := range store.NewDir(d.out).List(ctx, "") {
		if err != nil {
			return n, fmt.Errorf("--out: %w", err)
		}
		if strings.HasSuffix(object.Name, ".parquet") {
			n++
		}
	}
	return n, nil
}

func (d *demo) say(text string, args ...any) {
	_, _ = fmt.Fprintf(d.screen, text+"\n", args...)
}
