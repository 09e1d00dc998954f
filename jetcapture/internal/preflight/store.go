package preflight

import (
	"context"
	"errors"
	"fmt"

	"github.com/jetcapture/lake/store"
)

// checkWriters makes a writer, and for exactly-once delivery a file without rows.
func checkWriters(d *diagnosis, p *Plan) {
	const check = "writers"
	if err := p.TryWriters(); err != nil {
		d.add(Fatal, check, err.Error(), "no file can be written", "fix WriterFactory")
		return
	}
	if !p.ExactlyOnce {
		d.ok(check, "work")
		return
	}
	file, err := p.EmptyFile()
	if err != nil {
		d.add(Fatal, check, err.Error(), "exactly-once delivery needs files without rows, to settle the claims of captures that crashed", "fix WriterFactory: its writers must make a valid file without rows")
		return
	}
	d.ok(check, fmt.Sprintf("work; a file without rows has %d bytes", len(file)))
}

func checkStore(ctx context.Context, d *diagnosis, p *Plan) {
	const check = "store"
	err := store.ErrNoProbe
	if prober, ok := p.Store.(store.Prober); ok {
		err = prober.Probe(ctx)
	}
	switch {
	case errors.Is(err, store.ErrNoProbe) && p.ExactlyOnce:
		d.add(Warning, check, fmt.Sprintf("%T", p.Store), "it cannot be probed, so it is not known whether files can be stored there, and whether it refuses to overwrite, which exactly-once delivery requires",
			"give it a method Probe (store.Prober), or make it of a bucket with store.Blocks")
	case errors.Is(err, store.ErrNoProbe):
		d.note(check, fmt.Sprintf("%T", p.Store), "it cannot be probed, so it is not known whether files can be stored there")
	case err == nil:
		d.ok(check, "can be written and read, and refuses to overwrite")
	case errors.Is(err, store.ErrNotCreateOnly) && p.ExactlyOnce:
		d.add(Fatal, check, "overwrites", err.Error(), "use a store that refuses to overwrite, or set Options.Delivery to at-least-once")
	case errors.Is(err, store.ErrNotCreateOnly):
		d.add(Warning, check, "overwrites", "if two captures ever choose the same name, one file is lost; and exactly-once delivery is not possible",
			"use a store that refuses to overwrite")
	default:
		d.add(Fatal, check, "cannot be used", err.Error(), "make sure that files can be stored there, or use another store")
	}
}
