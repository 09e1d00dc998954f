package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/jetcapture/app"
)

// asProgram makes the test binary be jc-parquet.
const asProgram = "JETCAPTURE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "JC_") || strings.HasPrefix(name, "NATS_") {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv("XDG_CONFIG_HOME", filepath.Join(os.TempDir(), "none")) // where no NATS context is selected
	probeWait = 20 * time.Millisecond
	os.Exit(m.Run())
}

// A screen is an output that may be written to and read at the same time.
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

// jcParquet runs a command in this process.
func jcParquet(args ...string) (code int, stdout, stderr string) {
	out, errs := new(screen), new(screen)
	cmd := newCommand()
	cmd.Writer, cmd.ErrWriter = out, errs
	code = app.Execute(context.Background(), cmd, append([]string{"jc-parquet"}, args...))
	return code, out.String(), errs.String()
}

// A process is a jc-parquet of its own.
type process struct {
	t       *testing.T
	command *exec.Cmd
	output  *screen // standard and error output
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, command: exec.Command(self, args...), output: new(screen)}
	p.command.Env = append(os.Environ(), asProgram+"=1")
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.command.ProcessState == nil {
			_ = p.command.Process.Kill()
			_ = p.command.Wait()
		}
	})
	return p
}

// await waits until the process has printed text.
func (p *process) await(text string) {
	p.t.Helper()
	for range 3_000 {
		if strings.Contains(p.output.String(), text) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatalf("the process has not said %q after a minute, but\n%s", text, p.output)
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end of the process and returns its exit code, -1 if a signal ended it.
func (p *process) exit() int {
	p.t.Helper()
	timer := time.AfterFunc(30*time.Second, func() { _ = p.command.Process.Kill() })
	defer timer.Stop()
	_ = p.command.Wait()
	return p.command.ProcessState.ExitCode()
}

func TestWrongCommandLinesSayWhatToWrite(t *testing.T) {
	out := t.TempDir()
	to := func(args ...string) []string {
		return append([]string{"run", "--stream=S", "--consumer=C"}, args...)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"command", []string{"rnu"}, `jc-parquet: unknown command "rnu": perhaps run; see jc-parquet --help`},
		{"flag", to("--out="+out, "--formt=csv"), `jc-parquet: unknown flag --formt: perhaps --format; see jc-parquet run --help`},
		{"flag with a secret", to("--out="+out, "--passwrod=s3cr3t"), `jc-parquet: unknown flag --passwrod: perhaps --password; see jc-parquet run --help`},
		{"switch with a secret", to("--out="+out, "--infer=s3cr3t"), `jc-parquet: invalid value for --infer: write the flag alone, or true or false after =; see jc-parquet run --help`},
		{"stream twice", to("--out="+out, "-s=T"), `jc-parquet: -s is given more than once: give it once; see jc-parquet run --help`},
		{"doctor with two places", []string{"doctor", "--out=a", "--out=b"}, `jc-parquet: --out is given more than once: give it once; see jc-parquet doctor --help`},
		{"demo twice", []string{"demo", "-n=1", "--messages=2"}, `jc-parquet: --messages is given more than once: give it once; see jc-parquet demo --help`},
		{"infer twice", []string{"infer", "--stream=A", "--stream=B"}, `jc-parquet: --stream is given more than once: give it once; see jc-parquet infer --help`},
		{"inspect twice", []string{"inspect", "--json", "--json", "x"}, `jc-parquet: --json is given more than once: give it once; see jc-parquet inspect --help`},
		{"argument", to("--out="+out, "more"), `jc-parquet: unexpected arguments: run takes only flags; see jc-parquet run --help`},
		{"format", to("--out="+out, "--format=orc"), `jc-parquet: --format: unknown format: use parquet, arrow, ndjson or csv`},
		{"level of CSV", to("--out="+out, "--format=csv", "--compression-level=9"), `jc-parquet: --compression-level 9: --format csv has no compression levels: leave it out`},
		{"level", to("--out="+out, "--compression=gzip", "--compression-level=12"), `jc-parquet: --compression-level 12: parquet options: codec "gzip" has no Level 12: use 1 to 9, or 0 for its default`},
		{"codec of Arrow", to("--out="+out, "--format=arrow", "--compression=gzip"), `jc-parquet: --compression gzip: --format arrow takes none or zstd: write one of these, or leave it out`},
		{"too much at a time", to("--out="+out, "--store-concurrency=1000000"), `jc-parquet: --store-concurrency is 1000000: it must be at most 256`},
		{"all too large", to("--out="+out, "--max-in-flight=2000000000", "--memory-limit=1000000TiB", "--interval=100000h", "--ledger="+strings.Repeat("L", 256)), `jc-parquet: --max-in-flight is 2000000000: it must be at most 1073741824
jc-parquet: --memory-limit is 1099511627776000000: it must be at most 1125899906842624
jc-parquet: --interval is 100000h0m0s: it must be at most 8784h0m0s
jc-parquet: --ledger is 256 bytes long, and the name of a stream has 255 at most: set a shorter one (default JC_<stream>_<consumer>)`},
		{"split", to("--out="+out, "--split=region"), `jc-parquet: --split: unknown value: use none, subject, token:N (from 1) or header:NAME`},
		{"token", to("--out="+out, "--split=token:0"), `jc-parquet: --split: write the number of a token of the subject, from 1, as in token:2`},
		{"header", to("--out="+out, "--split=header"), `jc-parquet: --split: write the name of a header, as in header:Tenant`},
		{"layout", to("--out="+out, "--layout=flat"), `jc-parquet: --layout: unknown layout: use hive or date`},
		{"no out", to(), `jc-parquet: --out is missing: name a folder for the files, as in --out /lake (or JC_OUT), or a URL`},
		{"scheme", to("--out=ftp://key:s3cr3t@bucket"), `jc-parquet: --out: unknown scheme "ftp": use a path, or a URL of file, s3, azblob, gs`},
		{"size", to("--out="+out, "--max-bytes=1M"), `jc-parquet: invalid value for --max-bytes: unknown unit: use KiB, MiB, GiB, TiB (powers of 1024), KB, MB, GB or TB (powers of 1000); see jc-parquet run --help`},
		{"several", []string{"run", "--format=orc", "--layout=flat"}, `jc-parquet: --out is missing: name a folder for the files, as in --out /lake (or JC_OUT), or a URL
jc-parquet: --format: unknown format: use parquet, arrow, ndjson or csv
jc-parquet: --layout: unknown layout: use hive or date
jc-parquet: --stream is missing: name the stream to capture, as in --stream ORDERS (or JC_STREAM)
jc-parquet: --consumer is missing: name a durable pull consumer, as in --consumer lake (or JC_CONSUMER); --create-consumer makes it`},
		{"all that is missing", []string{"run", "--user=ann"}, `jc-parquet: --out is missing: name a folder for the files, as in --out /lake (or JC_OUT), or a URL
jc-parquet: --stream is missing: name the stream to capture, as in --stream ORDERS (or JC_STREAM)
jc-parquet: --consumer is missing: name a durable pull consumer, as in --consumer lake (or JC_CONSUMER); --create-consumer makes it
jc-parquet: --user and --password (or NATS_USER and NATS_PASSWORD) belong together: set both`},
		{"all that doctor misses", []string{"doctor", "more", "--server=a b"}, `jc-parquet: unexpected arguments: doctor takes only flags; see jc-parquet doctor --help
jc-parquet: --out is missing: name a folder for the files, as in --out /lake (or JC_OUT), or a URL
jc-parquet: --stream is missing: name the stream to capture, as in --stream ORDERS (or JC_STREAM)
jc-parquet: --consumer is missing: name a durable pull consumer, as in --consumer lake (or JC_CONSUMER); --create-consumer makes it
jc-parquet: --server: URL 1 of the list is malformed: write it like nats://host:4222, and percent-encode special characters of a password`},
		{"all that infer misses", []string{"infer", "--token=a", "--user=b", "--password=c"}, `jc-parquet: --stream is missing: name the stream to read, as in --stream ORDERS (or JC_STREAM)
jc-parquet: --user, --token: set only one of them (their variables in the environment count too)`},
		{"port", []string{"demo", "--port=99999"}, `jc-parquet: invalid value for --port: a port is at most 65535; see jc-parquet demo --help`},
		{"demo", []string{"demo", "--messages=0"}, `jc-parquet: invalid value for --messages: it must be at least 1; see jc-parquet demo --help`},
		{"demo in a cloud", []string{"demo", "--out=s3://bucket"}, `jc-parquet: --out: the demo needs a local folder: write its path`},
		{"no stream to infer from", []string{"infer", "more"}, `jc-parquet: unexpected arguments: infer takes only flags; see jc-parquet infer --help
jc-parquet: --stream is missing: name the stream to read, as in --stream ORDERS (or JC_STREAM)`},
		{"doctor of nothing", []string{"doctor", "--out=" + out}, `jc-parquet: --stream is missing: name the stream to capture, as in --stream ORDERS (or JC_STREAM)
jc-parquet: --consumer is missing: name a durable pull consumer, as in --consumer lake (or JC_CONSUMER); --create-consumer makes it`},
		{"doctor of nowhere", []string{"doctor", "-s=S", "-c=C", "--split=x"}, `jc-parquet: --out is missing: name a folder for the files, as in --out /lake (or JC_OUT), or a URL
jc-parquet: --split: unknown value: use none, subject, token:N (from 1) or header:NAME`},
		{"doctor", []string{"doctor", "-s=S", "-c=C", "-o=" + out, "more"}, `jc-parquet: unexpected arguments: doctor takes only flags; see jc-parquet doctor --help`},
		{"delivery", to("--out="+out, "--delivery=once"), `jc-parquet: invalid value for --delivery: unknown delivery: use at-least-once or exactly-once; see jc-parquet run --help`},
		{"nothing to inspect", []string{"inspect"}, `jc-parquet: name a Parquet file to inspect; see jc-parquet inspect --help`},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := jcParquet(c.args...)
			if code != app.ExitUsage || strings.TrimSpace(stderr) != c.want || stdout != "" {
				t.Errorf("exit code %d, output %q and\n%s\nwant 2, none and\n%s", code, stdout, stderr, c.want)
			}
		})
	}
}

func TestHelpOfEveryCommandIsAtMost100ColumnsWide(t *testing.T) {
	for _, cmd := range append(newCommand().Commands, &cli.Command{Name: ""}, &cli.Command{Name: "completion"}) {
		for _, args := range [][]string{{"help", cmd.Name}, {cmd.Name, "--help"}} {
			args = slices.DeleteFunc(args, func(arg string) bool { return arg == "" })
			code, stdout, stderr := jcParquet(args...)
			if code != app.ExitOK || !strings.Contains(stdout, "USAGE:") {
				t.Fatalf("jc-parquet %s: exit code %d, %s%s", strings.Join(args, " "), code, stdout, stderr)
			}
			for line := range strings.Lines(stdout) {
				if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > 100 {
					t.Errorf("jc-parquet %s: a line has %d columns: %s", strings.Join(args, " "), width, line)
				}
			}
		}
	}
}

func TestHelpVersionAndCompletionAreThere(t *testing.T) {
	for want, args := range map[string][]string{
		"Exit codes: 0":            {"--help"},
		"jc-parquet demo":          nil,
		"jc-parquet version":       {"--version"},
		"--until-caught-up":        {"run", "--help"},
		"$JC_SPLIT":                {"help", "run"},
		"--columns FILE":           {"run", "--help"},
		"- name: id ":              {"run", "--help"},
		"list typed columns for":   {"--help"},
		"[ --filter SUBJECT ]":     {"infer", "--help"},
		"complete -o":              {"completion", "bash"},
		"--max-in-flight":          {"run", "--max-i", "--generate-shell-completion"},
		"The files stay.":          {"demo", "--help"},
		"schema, row groups and":   {"inspect", "--help"},
		"s3://bucket/lake/x.par":   {"inspect", "--help"},
		"azblob://account/conta":   {"help", "run"},
		"$JC_STORE_TIMEOUT":        {"help", "run"},
		"$JC_STORE_RATE":           {"help", "run"},
		"$JC_DELIVERY":             {"help", "run"},
		"(default: \"exactly-once": {"help", "run"},
		"$JC_LEDGER_RETENTION":     {"help", "run"},
		"--fix":                    {"doctor", "--help"},
		"run refuses to begin":     {"help", "doctor"},
		"list problems of stream":  {"--help"},
	} {
		code, stdout, stderr := jcParquet(args...)
		if code != app.ExitOK || !strings.Contains(stdout, want) {
			t.Errorf("jc-parquet %s: exit code %d, no %q in\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
		}
	}
}
