package jetcapture_test

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

// Programs for the older library. They need only compile. Those of its Azure store are in package azurestore.

type olderPayload struct {
	FirstName string `json:"first_name"`
	Region    string `json:"region"`
}

type olderDestKey = string

// Everything that the README of the older library uses.
var _ = &jetcapture.Options[*olderPayload, olderDestKey]{
	NATSStreamName:   "ORDERS",
	NATSConsumerName: "lake",
	Compression:      jetcapture.GZip,
	Suffix:           "csv",
	BufferToDisk:     true,
	TempDir:          "/tmp",
	MaxAge:           time.Hour,
	MaxMessages:      1000,
	MessageDecoder: func(msg *nats.Msg) (*olderPayload, olderDestKey, error) {
		var p olderPayload
		if err := json.Unmarshal(msg.Data, &p); err != nil {
			return nil, "", err
		}
		return &p, p.Region, nil
	},
	WriterFactory: func() jetcapture.FormattedDataWriter[*olderPayload] {
		return jetcapture.NewCSVWriter([]string{"first_name", "region"}, func(p *olderPayload) ([][]string, error) {
			return [][]string{{p.FirstName, p.Region}}, nil
		})
	},
	Store: &jetcapture.LocalFSStore[olderDestKey]{
		Resolver: func(region olderDestKey) (string, error) { return filepath.Join("backup", region), nil },
	},
	OnStoreComplete: func(olderDestKey, string, int64, time.Duration, error) {},
}

// The compressions, in a variable of their type.
var (
	_ jetcapture.Compression = jetcapture.None
	_ jetcapture.Compression = jetcapture.GZip
	_ jetcapture.Compression = jetcapture.Snappy
	_ time.Duration          = jetcapture.DefaultMaxAge

	_ func() *jetcapture.Options[string, int]                                               = jetcapture.DefaultOptions[string, int]
	_ func(jetcapture.Options[string, int]) *jetcapture.Capture[string, int]                = jetcapture.New[string, int]
	_ func(func(*nats.Msg) string) func(*nats.Msg) (*jetcapture.NatsMessage, string, error) = jetcapture.NatsToNats[string]
	_ func(string) jetcapture.BlockStore[string]                                            = jetcapture.SingleDirStore[string]
)

// The life of a capture, with a function for any payload and destination key.
func olderCapture[P jetcapture.Payload, K jetcapture.DestKey](ctx context.Context, nc *nats.Conn, s jetcapture.BlockStore[K]) error {
	options := jetcapture.DefaultOptions[P, K]()
	options.Store = s
	options.WriterFactory = func() jetcapture.FormattedDataWriter[P] { return &jetcapture.NewLineDelimitedJSON[P]{} }
	if err := options.Validate(); err != nil {
		return err
	}
	capture := jetcapture.New(*options)
	if err := capture.Run(ctx, nc); err != nil {
		return err
	}
	return options.Build().Run(ctx, nc)
}

var _ = olderCapture[*jetcapture.NatsMessage, string]

// Messages as they are, in one folder.
var _ = func() {
	jetcapture.SetDefaultLogger(zap.NewNop())
	decoder := jetcapture.NatsToNats(jetcapture.SubjectToDestKey)
	s := jetcapture.SingleDirStore[string]("/lake")
	m := jetcapture.NatsMessage{Subject: "", Reply: "", Header: map[string][]string{}, Data: []byte{}, Metadata: &nats.MsgMetadata{}}
	_, _, _ = decoder, s, m
}

// The type of a CSV writer, which is a FormattedDataWriter.
var _ = func(w jetcapture.FormattedDataWriter[*olderPayload], out io.Writer) (rows int, err error) {
	csv, _ := w.(*jetcapture.CSVWriter[*olderPayload])
	if err := csv.InitNew(out); err != nil {
		return 0, err
	}
	if rows, err = csv.Write(&olderPayload{}); err != nil {
		return 0, err
	}
	return rows, csv.Flush()
}

// A store of one's own.
type olderStore struct{}

func (olderStore) Write(context.Context, io.Reader, olderDestKey, string, string) (string, int64, time.Duration, error) {
	return "", 0, 0, nil
}

var _ jetcapture.BlockStore[olderDestKey] = olderStore{}

// A command. The older library had it in its one package, with version 2 of urfave/cli.
var _ = func() *cli.Command {
	return app.NewAppSkeleton(func(cmd *cli.Command, options *jetcapture.Options[*jetcapture.NatsMessage, string]) error {
		options.Store = jetcapture.SingleDirStore[string](cmd.String("output"))
		return nil
	})
}
