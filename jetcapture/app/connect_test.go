package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/jetcapture/app"
)

const secret = "s3cr3t/p4ss"

// A screen is an error output that may be written to and read at the same time.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits for text to appear, and reports whether it did within 20 s.
func (s *screen) await(text string) bool {
	for range 1_000 {
		if strings.Contains(s.String(), text) {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// connect runs a command that only connects, and returns its exit code and all it printed and logged. connected, if not
// nil, is called with the domain and what has been logged so far, before the connection is closed.
func connect(t *testing.T, connected func(domain string, log *screen), args ...string) (code int, stderr string) {
	t.Helper()
	return connectOn(t, new(screen), connected, args...)
}

// connectOn is connect on a screen that can be watched meanwhile.
func connectOn(t *testing.T, out *screen, connected func(domain string, log *screen), args ...string) (code int, stderr string) {
	t.Helper()
	cmd := &cli.Command{
		Name: "capture", Writer: out, ErrWriter: out,
		Flags: slices.Concat(app.ConnectionFlags(), app.LoggingFlags()),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			nc, domain, err := app.Connect(ctx, cmd, app.Logger(cmd))
			if err != nil {
				return err
			}
			defer nc.Close()
			if connected != nil {
				connected(domain, out)
			}
			return nil
		},
	}
	code = app.Execute(context.Background(), cmd, append([]string{"capture", "--log-level=debug"}, args...))
	return code, out.String()
}

// startServer runs a server that change has configured.
func startServer(t *testing.T, change func(*server.Options)) (s *server.Server, addr string) {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true}
	change(o)
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("nats-server is not ready")
	}
	return s, s.Addr().String()
}

// freePort is a port of 127.0.0.1 that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, err := strconv.Atoi(port)
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// natsContext makes a context that the tools of NATS would find.
func natsContext(t *testing.T, name, text string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	if err := os.MkdirAll(filepath.Join(dir, "nats", "context"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "nats", "context", name+".json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestConnectsInEveryWayOfSayingWho(t *testing.T) {
	withoutEnvironment(t)
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := key.PublicKey()
	seed, _ := key.Seed()
	_, password := startServer(t, func(o *server.Options) { o.Username, o.Password = "ann", secret })
	_, token := startServer(t, func(o *server.Options) { o.Authorization = secret })
	_, nkey := startServer(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} })
	seedFile := writeFile(t, "user.nk", string(seed))

	for name, args := range map[string][]string{
		"user":         {"--server", password, "--user=ann", "--password", secret},
		"user in URL":  {"--server", "nats://ann:s3cr3t%2Fp4ss@" + password},
		"token":        {"--server", token, "--token", secret},
		"token in URL": {"--server", "nats://s3cr3t%2Fp4ss@" + token},
		"nkey":         {"--server", nkey, "--nkey", seedFile},
	} {
		t.Run(name, func(t *testing.T) {
			code, stderr := connect(t, nil, args...)
			if code != app.ExitOK || !strings.Contains(stderr, "connected") {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			noSecrets(t, stderr, string(seed))
		})
	}
	t.Run("environment", func(t *testing.T) {
		t.Setenv("NATS_URL", password)
		t.Setenv("NATS_USER", "ann")
		t.Setenv("NATS_PASSWORD", secret)
		if code, stderr := connect(t, nil); code != app.ExitOK {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
}

func noSecrets(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range append(secrets, "s3cr3t", "p4ss") {
		if strings.Contains(text, s) {
			t.Errorf("a secret is in %s", text)
		}
	}
}

func TestWhatHindersConnectingIsSaidWithoutSecrets(t *testing.T) {
	withoutEnvironment(t)
	_, guarded := startServer(t, func(o *server.Options) { o.Username, o.Password = "ann", "another" })
	nobody := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	key, _ := nkeys.CreateUser()
	seed, _ := key.Seed()
	text := writeFile(t, "text", "s3cr3t")

	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no server", []string{"--server=nats://ann:s3cr3t@" + nobody}, 1, "capture: connect to nats://" + nobody + ": nats: no servers available for connection: start a server there, name another with --server, or wait for it with --wait-for-server"},
		{"wrong password", []string{"--server=" + guarded, "--user=ann", "--password=s3cr3t"}, 1, "capture: connect to nats://" + guarded + ": nats: Authorization Violation: check --creds, --nkey, --user and --password, or --token"},
		{"wrong password in URL", []string{"--server=nats://ann:s3cr3t@" + guarded}, 1, "capture: connect to nats://" + guarded + ": nats: Authorization Violation: check --creds, --nkey, --user and --password, or --token"},
		{"slash in password", []string{"--server=nats://ann:s3cr3t/p4ss@" + nobody}, 2, "capture: --server: URL 1 of the list is malformed: write it like nats://host:4222, and percent-encode special characters of a password"},
		{"slash in token", []string{"--server=host,nats://s3cr3t/p4ss@" + nobody}, 2, "capture: --server: URL 2 of the list is malformed: write it like nats://host:4222, and percent-encode special characters of a password"},
		{"percent in password", []string{"--server=ann:s3cr3t%zz@" + nobody}, 2, "capture: --server: URL 1 of the list is malformed: write it like nats://host:4222, and percent-encode special characters of a password"},
		{"no TLS there", []string{"--server=tls://" + guarded}, 1, "capture: connect to tls://" + guarded + ": nats: secure connection not available: the server has no TLS: leave out tls:// and the --tls flags"},
		{"no file of credentials", []string{"--creds=-----BEGIN NATS USER JWT-----s3cr3t"}, 2, "capture: --creds: the value looks like the secret itself and not like a path: write the secret to a file, and give the path of the file"},
		{"seed instead of its file", []string{"--nkey=" + string(seed)}, 2, "capture: --nkey: the value looks like the secret itself and not like a path: write the secret to a file, and give the path of the file"},
		{"file without a seed", []string{"--nkey=" + text}, 2, "capture: --nkey: " + text + " has no seed of a user nkey: give a file with one, which starts with SU"},
		{"no file there", []string{"--creds=none.creds", "--tls-ca=/none/ca.pem"}, 2, "capture: --creds: cannot read none.creds: no such file or directory: give the path of an existing file\n" +
			"capture: --tls-ca: cannot read /none/ca.pem: no such file or directory: give the path of an existing file"},
		{"user alone", []string{"--user=s3cr3t"}, 2, "capture: --user and --password (or NATS_USER and NATS_PASSWORD) belong together: set both"},
		{"two ways", []string{"--token=s3cr3t", "--creds=" + text}, 2, "capture: --creds, --token: set only one of them (their variables in the environment count too)"},
		{"certificate alone", []string{"--tls-cert=" + text}, 2, "capture: --tls-cert and --tls-key (or NATS_CERT and NATS_KEY) belong together: set both"},
		{"unknown context", []string{"--context=none"}, 1, `capture: connect to NATS context "none": unknown context "none": list the contexts with nats context ls, or name a server with --server`},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stderr := connect(t, nil, c.args...)
			if code != c.code || strings.TrimSpace(stderr) != c.want {
				t.Errorf("exit code %d and\n%s\nwant %d and\n%s", code, stderr, c.code, c.want)
			}
			noSecrets(t, stderr, string(seed))
		})
	}
}

func TestContextSaysWhereToConnectAndFlagsWin(t *testing.T) {
	withoutEnvironment(t)
	_, guarded := startServer(t, func(o *server.Options) { o.Username, o.Password = "ann", secret })
	nobody := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	domain := ""
	note := func(d string, _ *screen) { domain = d }

	natsContext(t, "lake", fmt.Sprintf(`{"url": %q, "user": "ann", "password": %q, "jetstream_domain": "hub"}`, guarded, secret))
	if code, stderr := connect(t, note, "--context=lake"); code != 0 || domain != "hub" {
		t.Errorf("exit code %d, domain %q: %s", code, domain, stderr)
	}
	if code, stderr := connect(t, note, "--nats-context=lake", "--js-domain=leaf"); code != 0 || domain != "leaf" {
		t.Errorf("exit code %d, domain %q: %s", code, domain, stderr)
	}
	if code, stderr := connect(t, nil, "--context=lake", "--server="+nobody); code != 1 || !strings.Contains(stderr, "connect to nats://"+nobody) {
		t.Errorf("--server did not win over the context: exit code %d: %s", code, stderr)
	}
	if code, stderr := connect(t, nil, "--context=lake", "--token=other"); code != 1 || !strings.Contains(stderr, "Authorization Violation") {
		t.Errorf("--token did not win over the context: exit code %d: %s", code, stderr)
	}

	natsContext(t, "lake", fmt.Sprintf(`{"url": %q, "jetstream_api_prefix": "$JS.hub.API"}`, "nats://ann:s3cr3t%2Fp4ss@"+guarded))
	if code, stderr := connect(t, note, "--context=lake"); code != 0 || domain != "hub" {
		t.Errorf("exit code %d, domain %q: %s", code, domain, stderr)
	}
	natsContext(t, "lake", `{"url": "nats://ann:s3cr3t/p4ss@host"}`)
	code, stderr := connect(t, nil, "--context=lake")
	if code != 1 || !strings.Contains(stderr, `connect to NATS context "lake": its URL is malformed`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	noSecrets(t, stderr)
}

func TestSelectedContextIsUsedIfFlagsNameNoServer(t *testing.T) {
	withoutEnvironment(t)
	_, guarded := startServer(t, func(o *server.Options) { o.Username, o.Password = "ann", secret })
	_, open := startServer(t, func(*server.Options) {})
	domain := ""
	note := func(d string, _ *screen) { domain = d }
	natsContext(t, "lake", fmt.Sprintf(`{"url": %q, "user": "ann", "password": %q, "jetstream_domain": "hub"}`, guarded, secret))
	selected := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "nats", "context.txt")
	sel := func(name string) {
		t.Helper()
		if err := os.WriteFile(selected, []byte(name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sel("lake")
	code, stderr := connect(t, note)
	if code != 0 || domain != "hub" || !strings.Contains(stderr, `"server": "`+guarded+`", "context": "lake"`) {
		t.Errorf("exit code %d, domain %q: %s", code, domain, stderr)
	}
	noSecrets(t, stderr)
	if code, stderr := connect(t, note, "--server="+open); code != 0 || domain != "" || strings.Contains(stderr, "lake") {
		t.Errorf("with --server: exit code %d, domain %q: %s", code, domain, stderr)
	}
	if code, stderr := connect(t, nil, "--token=other"); code != 1 || !strings.Contains(stderr, `connect to NATS context "lake", which is selected: nats: Authorization Violation`) {
		t.Errorf("with --token: exit code %d: %s", code, stderr)
	}
	sel("gone")
	if code, stderr := connect(t, nil); code != 1 || !strings.Contains(stderr, `connect to NATS context "gone", which is selected: unknown context "gone": list the contexts with nats context ls, or name a server with --server`) {
		t.Errorf("with one that is gone: exit code %d: %s", code, stderr)
	}
	if code, stderr := connect(t, note, "--context=lake"); code != 0 || domain != "hub" {
		t.Errorf("with --context: exit code %d, domain %q: %s", code, domain, stderr)
	}
}

func TestWaitsForAServerIfAsked(t *testing.T) {
	withoutEnvironment(t)
	port := freePort(t)
	var waiting sync.WaitGroup
	var code int
	var stderr string
	log := new(screen)
	waiting.Go(func() {
		code, stderr = connectOn(t, log, nil, "--wait-for-server", fmt.Sprintf("--server=nats://ann:s3cr3t@127.0.0.1:%d", port))
	})
	log.await("no server answers; retrying")
	startServer(t, func(o *server.Options) { o.Port = port })
	waiting.Wait()
	if code != app.ExitOK || !strings.Contains(stderr, "no server answers; retrying") || !strings.Contains(stderr, "connected") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	noSecrets(t, stderr)
}

func TestLogTellsOfALostConnectionWithoutSecrets(t *testing.T) {
	withoutEnvironment(t)
	port := freePort(t)
	configure := func(o *server.Options) { o.Port, o.Username, o.Password = port, "ann", "s3cr3t" }
	first, addr := startServer(t, configure)
	code, stderr := connect(t, func(_ string, log *screen) {
		first.Shutdown()
		first.WaitForShutdown()
		startServer(t, configure)
		log.await("connection restored")
	}, "--server=nats://ann:s3cr3t@"+addr)
	if code != app.ExitOK || !strings.Contains(stderr, "connection lost, reconnecting") || !strings.Contains(stderr, "connection restored") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	noSecrets(t, stderr)
}
