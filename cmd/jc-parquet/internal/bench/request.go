//go:build unix

package main

import (
	"errors"
	"flag"
	"time"
)

// A request is the part of the bench that its flags ask for.
type request struct {
	plan          plan
	keys, restart int
	encoding      bool
	soak, live    time.Duration
	json          bool
}

// parse reads the arguments of the bench.
func parse(args []string, handling flag.ErrorHandling) (*request, error) {
	r := &request{plan: defaultPlan()}
	p := &r.plan
	flags := flag.NewFlagSet("bench", handling)
	flags.IntVar(&p.messages, "messages", p.messages, "publish `N` messages of about 250 bytes, and six times as many for -keys")
	flags.IntVar(&p.rounds, "rounds", p.rounds, "measure each line `N` times, in turn, and print medians")
	only := flags.String("only", "", "measure only lines whose names contain a `NAME` of this list: 'bare,Parquet, at least once'")
	flags.IntVar(&r.keys, "keys", 0, "measure 1 and `N` destination keys instead, once each")
	flags.BoolVar(&r.encoding, "encoding", false, "measure encoding alone instead, without a server")
	flags.IntVar(&r.restart, "restart", 0, "measure instead how a capture starts with `N` expired, un-acknowledged messages; with -keys, they are all stored")
	flags.DurationVar(&r.soak, "soak", 0, "run instead at full rate into S3 for `TIME`; the store is down for a fifth of it")
	flags.DurationVar(&r.live, "live", 0, "run instead beside a steady publisher of many keys for `TIME`, and print the sizes of the files")
	flags.BoolVar(&r.json, "json", false, "print JSON, with every run, instead of a table")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	instead := 0
	for _, mode := range []bool{r.keys != 0 || r.restart != 0, r.encoding, r.soak != 0, r.live != 0} {
		if mode {
			instead++
		}
	}
	switch {
	case flags.NArg() > 0:
		return nil, errors.New("arguments that are not flags: see -help")
	case p.messages < 1, p.rounds < 1, r.keys < 0, r.restart < 0, r.soak < 0, r.live < 0:
		return nil, errors.New("a number or time is too small: see -help")
	case instead > 1:
		return nil, errors.New("-keys and -restart, -encoding, -soak and -live exclude each other")
	}
	p.only = parseNames(*only)
	if r.keys > 0 {
		p.keys, p.keysOnly, p.rounds = r.keys, true, 1
	}
	return r, nil
}
