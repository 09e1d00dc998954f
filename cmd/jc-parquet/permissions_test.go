package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

const (
	permittedUser = "capture"
	named         = 3 * time.Second // in which a missing permission is named, after the first call that needs it
	someOrders    = 10
	heldOrders    = 1_100 // enough to reset the consumer for
)

// printed returns the permissions that a command prints.
func printed(t *testing.T, args ...string) (list []jetcapture.Permission) {
	t.Helper()
	code, stdout, stderr := jcParquet(append([]string{"permissions", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || code != app.ExitOK || len(list) == 0 {
		t.Fatalf("exit code %d, %v in %s%s", code, err, stdout, stderr)
	}
	return list
}

// granted are permissions in the words of the server, without one of them.
func granted(list []jetcapture.Permission, without string) *server.Permissions {
	p := &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{}}, Subscribe: &server.SubjectPermission{Allow: []string{}}}
	for _, of := range list {
		switch {
		case of.Subject == without:
		case of.Subscribe:
			p.Subscribe.Allow = append(p.Subscribe.Allow, of.Subject)
		default:
			p.Publish.Allow = append(p.Publish.Allow, of.Subject)
		}
	}
	for _, of := range []*server.SubjectPermission{p.Publish, p.Subscribe} {
		if len(of.Allow) == 0 {
			of.Allow, of.Deny = nil, []string{">"} // no list would allow all
		}
	}
	return p
}

func TestPermissionsCanBePastedIntoTheServersConfiguration(t *testing.T) {
	args := []string{"--stream", "ORDERS", "--consumer", "lake", "--create-consumer"}
	code, stdout, stderr := jcParquet(append([]string{"permissions"}, args...)...)
	if code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	file := filepath.Join(t.TempDir(), "nats.conf")
	text := "authorization { users: [ { user: capture, password: secret\n" + stdout + "} ] }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	got, want := o.Users[0].Permissions, granted(printed(t, args...), "")
	if !slices.Equal(got.Publish.Allow, want.Publish.Allow) || !slices.Equal(got.Subscribe.Allow, want.Subscribe.Allow) || got.Publish.Deny != nil {
		t.Errorf("the server takes it for %+v and %+v, want %+v and %+v", got.Publish, got.Subscribe, want.Publish, want.Subscribe)
	}
}

func TestPermissionsAreOfTheNamesThatFlagsGive(t *testing.T) {
	list := printed(t, "run", "--stream=S", "--consumer=c", "--js-domain=hub", "--inbox-prefix=_IN.me", "--ledger=L", "--infer")
	for _, want := range []string{
		"$JS.hub.API.STREAM.INFO.S", "$JS.API.STREAM.INFO.S", "$JS.hub.API.STREAM.PURGE.L", "$JS.ACK.S.c.>", "_IN.me.>", "$JS.hub.API.CONSUMER.CREATE.S.*",
	} {
		if !slices.ContainsFunc(list, func(p jetcapture.Permission) bool { return p.Subject == want }) {
			t.Errorf("there is no %s", want)
		}
	}
	for _, args := range [][]string{{"--stream=S"}, {"--consumer=c"}, {"demo", "--stream=S", "--consumer=c"}, {"run", "doctor", "--stream=S", "--consumer=c"}} {
		if code, stdout, _ := jcParquet(append([]string{"permissions"}, args...)...); code != app.ExitUsage || stdout != "" {
			t.Errorf("%v: exit code %d, %s", args, code, stdout)
		}
	}
}

// A permitted is a command that runs as a user with little more permissions than none.
type permitted struct {
	t      *testing.T
	server *capturetest.Server
	args   []string
	output *screen
	began  time.Time
	stop   context.CancelFunc
	ended  chan int
}

func newPermitted(t *testing.T, args ...string) *permitted {
	t.Helper()
	p := &permitted{t: t, server: capturetest.Start(t), args: append(args, "--stream=ORDERS")}
	if args[0] != "infer" {
		p.args = append(p.args, "--consumer=lake", "--out", filepath.Join(t.TempDir(), "lake"))
	}
	p.server.Stream("ORDERS", "orders.>")
	p.server.Publish(someOrders, spacedOrder)
	return p
}

// spacedOrder is an order of which the client drops a blank in a header, so that a capture reads it from the stream.
func spacedOrder(i int) *nats.Msg {
	msg := order(i)
	msg.Header = nats.Header{"Note": {"   of blanks"}}
	return msg
}

// run runs the command as the user, whom the list permits, except for one.
func (p *permitted) run(list []jetcapture.Permission, without string, more ...string) {
	p.t.Helper()
	p.server.Allow(permittedUser, granted(list, without))
	p.output = new(screen)
	cmd := newCommand()
	cmd.Writer, cmd.ErrWriter = p.output, p.output
	ctx, stop := context.WithTimeout(p.t.Context(), time.Minute)
	p.stop, p.ended, p.began = stop, make(chan int, 1), time.Now()
	args := slices.Concat([]string{"jc-parquet"}, p.args, more, []string{"--server", p.server.URL(), "--user", permittedUser, "--password", permittedUser})
	go func() { p.ended <- app.Execute(ctx, cmd, args) }()
	p.t.Cleanup(func() {
		stop()
		p.wait()
	})
}

// wait returns the exit code.
func (p *permitted) wait() int {
	code := <-p.ended
	p.ended <- code
	return code
}

// wantNamed fails unless the command names a permission, at most so late.
func (p *permitted) wantNamed(text string, within time.Duration) {
	p.t.Helper()
	for !strings.Contains(p.output.String(), text) {
		if time.Since(p.began) > within {
			p.stop()
			p.t.Fatalf("exit code %d, and after %v it has not said %q:\n%s", p.wait(), within, text, p.output)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// crash lets a capture archive all, and another one crash with what comes then.
func (p *permitted) crash() {
	p.t.Helper()
	for _, retention := range []string{"2h", "3h"} { // an entry each, of which the first is of no use
		args := slices.Concat([]string{"run"}, p.args[1:], []string{"--server", p.server.URL(), "--until-caught-up", "--ledger-retention", retention})
		if !slices.Contains(args, "--create-consumer") {
			args = append(args, "--create-consumer")
		}
		if code, _, stderr := jcParquet(args...); code != app.ExitOK {
			p.t.Fatalf("exit code %d: %s", code, stderr)
		}
	}
	p.server.Publish(heldOrders, order)
	consumer, err := p.server.JetStream().Consumer(p.t.Context(), "ORDERS", "lake")
	if err != nil {
		p.t.Fatal(err)
	}
	batch, err := consumer.Fetch(heldOrders, jetstream.FetchMaxWait(10*time.Second))
	if err != nil {
		p.t.Fatal(err)
	}
	n := 0
	for range batch.Messages() {
		n++
	}
	if n != heldOrders {
		p.t.Fatalf("%d messages, %v", n, batch.Error())
	}
}

// forgetOne removes an entry of the ledger that is not the last.
func (p *permitted) forgetOne() {
	p.t.Helper()
	ledger, err := p.server.JetStream().Stream(p.t.Context(), "JC_ORDERS_lake")
	if err == nil {
		err = ledger.DeleteMsg(p.t.Context(), 2)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

var deliveries = []string{"at-least-once", "exactly-once"}

// refusal matches what the log has of a refused subject, at the level debug.
var refusal = regexp.MustCompile(`(?i)permissions violation|a permission is missing`)

func TestRunNeedsNoMoreThanThePrintedPermissions(t *testing.T) {
	for _, delivery := range deliveries {
		t.Run(delivery, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--create-consumer", "--delivery", delivery}
			p := newPermitted(t, append([]string{"run", "--format=ndjson", "--log-level=debug"}, flags...)...)
			list := printed(t, append([]string{"run", "--stream=ORDERS", "--consumer=lake"}, flags...)...)
			rows, clean := 0, func() {
				t.Helper()
				if out := p.output.String(); refusal.MatchString(out) {
					t.Errorf("something was refused:\n%s", out)
				}
			}
			if delivery == "exactly-once" {
				p.crash()
				p.forgetOne()
				rows = heldOrders
			}
			p.run(list, "", "--until-caught-up")
			if code := p.wait(); code != app.ExitOK || !strings.Contains(p.output.String(), fmt.Sprintf(`"rows": %d,`, max(rows, someOrders))) {
				t.Errorf("exit code %d:\n%s", code, p.output)
			}
			clean()
			if delivery != "exactly-once" {
				return
			}
			p.run(list, "")
			purges, err := p.server.Connect().SubscribeSync("$JS.API.STREAM.PURGE.JC_ORDERS_lake")
			if err == nil {
				_, err = purges.NextMsg(time.Minute)
			}
			p.stop()
			if code := p.wait(); code != app.ExitOK || err != nil {
				t.Errorf("exit code %d, and the ledger was not purged: %v\n%s", code, err, p.output)
			}
			clean()
		})
	}
}

// A server in the domain looks at subjects without it.
func TestPermissionsForADomainDoForTheServerInIt(t *testing.T) {
	t.Parallel()
	const inDomain = "--js-domain=hub"
	for _, missing := range []string{"", "$JS.API.STREAM.INFO.ORDERS"} {
		p := newPermitted(t, "run", "--create-consumer", inDomain)
		p.server.InDomain("hub")
		p.run(printed(t, "run", "--stream=ORDERS", "--consumer=lake", "--create-consumer", inDomain), missing, "--until-caught-up")
		code, refused := p.wait(), strings.Contains(p.output.String(), "permission is missing: allow the user to publish to "+missing+",")
		if missing == "" && code != app.ExitOK || missing != "" && (code != app.ExitError || !refused) {
			t.Errorf("without %q: exit code %d\n%s", missing, code, p.output)
		}
	}
}

func TestRunNamesEachPermissionThatIsMissing(t *testing.T) {
	for _, delivery := range deliveries {
		flags := []string{"--create-consumer", "--delivery", delivery}
		list := printed(t, append([]string{"run", "--stream=ORDERS", "--consumer=lake"}, flags...)...)
		if delivery == "at-least-once" { // it resets only a consumer that is ahead of its stream, by the same call as exactly-once
			list = slices.DeleteFunc(list, func(p jetcapture.Permission) bool { return strings.Contains(p.Subject, ".RESET.") })
		}
		for _, missing := range list {
			t.Run(delivery+" without "+missing.Subject, func(t *testing.T) {
				t.Parallel()
				p := newPermitted(t, append([]string{"run", "--format=ndjson", "--log-level=debug"}, flags...)...)
				within := named
				switch {
				case strings.Contains(missing.Subject, ".RESET."):
					p.crash()
				case strings.Contains(missing.Subject, ".MSG.GET.JC_"):
					p.crash()
					p.forgetOne()
				case strings.Contains(missing.Subject, ".PURGE."):
					p.crash()
					within += 5 * time.Second // after which it is first tried
				}
				p.run(list, missing.Subject)
				verb := "publish"
				if missing.Subscribe {
					verb = "subscribe"
				}
				p.wantNamed("a permission is missing: allow the user to "+verb+" to "+missing.Subject, within)
				want := app.ExitError
				if !missing.Needed {
					p.stop()
					want = app.ExitOK
				}
				if code := p.wait(); code != want {
					t.Errorf("exit code %d, want %d:\n%s", code, want, p.output)
				}
				if out := p.output.String(); strings.Contains(out, "2.14") {
					t.Errorf("it takes the server for an old one:\n%s", out)
				}
				if duration := time.Since(p.began); missing.Needed && duration > named {
					t.Errorf("it took %v", duration)
				}
			})
		}
	}
}

func TestRunInfersColumnsWithThePrintedPermissions(t *testing.T) {
	t.Parallel()
	flags := []string{"--create-consumer", "--infer", "--columns", filepath.Join(t.TempDir(), "orders.yaml")}
	list := printed(t, append([]string{"run", "--stream=ORDERS", "--consumer=lake"}, flags...)...)
	p := newPermitted(t, append([]string{"run"}, flags...)...)
	p.run(list, "", "--until-caught-up")
	if code, out := p.wait(), p.output.String(); code != app.ExitOK || strings.Contains(out, "violation") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestDoctorNamesEachPermissionThatIsMissing(t *testing.T) {
	list := printed(t, "doctor", "--stream=ORDERS", "--consumer=lake", "--create-consumer")
	for _, missing := range append(list, jetcapture.Permission{}) {
		t.Run("without "+missing.Subject, func(t *testing.T) {
			t.Parallel()
			p := newPermitted(t, "doctor", "--create-consumer")
			p.run(list, missing.Subject)
			code, out := p.wait(), p.output.String()
			if duration := time.Since(p.began); duration > named {
				t.Errorf("it took %v", duration)
			}
			want, text := app.ExitOK, "No problems."
			switch {
			case missing.Subject == "$SYS.REQ.USER.INFO":
				text = "only if the user may publish to " + missing.Subject
			case missing.Subscribe:
				want, text = app.ExitError, "→ allow the user to subscribe to "+missing.Subject+"\n"
			case missing.Subject != "":
				text = "→ allow the user to publish to " + missing.Subject + "\n"
				if missing.Needed {
					want = app.ExitError
				}
			}
			if code != want || !strings.Contains(out, text) || missing.Subject == "" && strings.Contains(out, "violation") {
				t.Errorf("exit code %d, want %d, and %q in\n%s", code, want, text, out)
			}
		})
	}
}

// Without the server's word on its permissions the doctor tries what does no harm.
func TestDoctorTriesWhatItIsNotTold(t *testing.T) {
	list := slices.DeleteFunc(printed(t, "doctor", "--stream=ORDERS", "--consumer=lake"), func(p jetcapture.Permission) bool { return p.Subject == "$SYS.REQ.USER.INFO" })
	for _, missing := range list {
		t.Run("without "+missing.Subject, func(t *testing.T) {
			t.Parallel()
			p := newPermitted(t, "doctor")
			p.crash()
			before := p.server.Info("ORDERS", "lake")
			p.run(list, missing.Subject)
			code, out := p.wait(), p.output.String()
			if duration := time.Since(p.began); duration > named {
				t.Errorf("it took %v", duration)
			}
			untried := strings.Contains(missing.Subject, ".RESET.") || strings.Contains(missing.Subject, ".PURGE.") || strings.Contains(missing.Subject, "STREAM.CREATE") || strings.Contains(missing.Subject, "STREAM.NAMES")
			if text := "to " + missing.Subject + "\n"; !untried && !strings.Contains(out, text) {
				t.Errorf("exit code %d, and %q is not in\n%s", code, text, out)
			}
			if missing.Needed && !untried != (code == app.ExitError) {
				t.Errorf("exit code %d:\n%s", code, out)
			}
			after := p.server.Info("ORDERS", "lake")
			if before.NumAckPending != after.NumAckPending || before.Delivered.Consumer != after.Delivered.Consumer || before.AckFloor.Stream != after.AckFloor.Stream {
				t.Errorf("the consumer was %+v and is %+v", before, after)
			}
		})
	}
}

func TestDoctorFixesWithThePrintedPermissions(t *testing.T) {
	list := printed(t, "doctor", "--fix", "--stream=ORDERS", "--consumer=lake")
	for _, c := range []struct{ missing, filter string }{
		{"", ""},
		{"", "orders.eu.>"},
		{"$JS.API.CONSUMER.CREATE.ORDERS.lake", ""},
		{"$JS.API.CONSUMER.CREATE.ORDERS.lake.>", "orders.eu.>"},
	} {
		t.Run("without "+c.missing+", filter "+c.filter, func(t *testing.T) {
			t.Parallel()
			p := newPermitted(t, "doctor", "--fix")
			p.server.Consumer("ORDERS", "lake", func(config *jetstream.ConsumerConfig) { config.MaxDeliver, config.FilterSubject = 5, c.filter })
			p.run(list, c.missing)
			code, fixed := p.wait(), p.server.Info("ORDERS", "lake").Config.MaxDeliver == -1
			if duration := time.Since(p.began); duration > named {
				t.Errorf("it took %v", duration)
			}
			if c.missing == "" && (code != app.ExitOK || !fixed) || c.missing != "" && (code != app.ExitError || fixed || !strings.Contains(p.output.String(), "publish to "+c.missing)) {
				t.Errorf("exit code %d, fixed: %t:\n%s", code, fixed, p.output)
			}
		})
	}
}

func TestInferNamesEachPermissionThatIsMissing(t *testing.T) {
	for _, filter := range [][]string{nil, {"--filter=orders.eu.*"}, {"--filter=orders.eu.*", "--filter=orders.us.*"}} {
		list := printed(t, append([]string{"infer", "--stream=ORDERS"}, filter...)...)
		for _, missing := range append(list, jetcapture.Permission{}) {
			t.Run(fmt.Sprint("of ", filter, " without ", missing.Subject), func(t *testing.T) {
				t.Parallel()
				p := newPermitted(t, append([]string{"infer"}, filter...)...)
				p.run(list, missing.Subject)
				code, out := p.wait(), p.output.String()
				if duration := time.Since(p.began); duration > named {
					t.Errorf("it took %v", duration)
				}
				if missing.Needed && (code != app.ExitError || !strings.Contains(out, "to "+missing.Subject+", to ")) ||
					!missing.Needed && (code != app.ExitOK || strings.Contains(out, "ermission") != (missing.Subject != "")) {
					t.Errorf("exit code %d:\n%s", code, out)
				}
			})
		}
	}
}

func TestResetNamesEachPermissionThatIsMissing(t *testing.T) {
	list := printed(t, "reset", "--stream=ORDERS", "--consumer=lake")
	for _, missing := range append(list, jetcapture.Permission{}) {
		if strings.Contains(missing.Subject, ".STREAM.LIST") || strings.Contains(missing.Subject, ".MSG.GET.") {
			continue // of other flags, and of a ledger with gaps
		}
		t.Run("without "+missing.Subject, func(t *testing.T) {
			t.Parallel()
			p := newPermitted(t, "run")
			args := slices.Concat(p.args, []string{"--server", p.server.URL(), "--create-consumer", "--until-caught-up"})
			if code, _, stderr := jcParquet(args...); code != app.ExitOK {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			p.args = []string{"reset", "--stream=ORDERS", "--consumer=lake", "--yes"}
			p.run(list, missing.Subject)
			code, out := p.wait(), p.output.String()
			if duration := time.Since(p.began); missing.Subject != "" && duration > named {
				t.Errorf("it took %v", duration)
			}
			want, text := app.ExitError, "to "+missing.Subject+", to "
			if missing.Subject == "" {
				want, text = app.ExitOK, "The ledger was removed."
			}
			if code != want || !strings.Contains(out, text) {
				t.Errorf("exit code %d, want %d, and %q in\n%s", code, want, text, out)
			}
		})
	}
}
