package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/natscontext"
	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/repeats"
)

const (
	connectRetry = time.Second
	repeatEvery  = 10 * time.Second // between two lines about refused subjects
)

// ConnectionFlags returns new flags, which Connect reads.
func ConnectionFlags() []cli.Flag {
	const category = "Connection"
	text := func(name, env, usage string, aliases ...string) *cli.StringFlag {
		return &cli.StringFlag{
			Name: name, Aliases: aliases, Sources: cli.EnvVars(env), Usage: usage, Category: category, HideDefault: true,
		}
	}
	return []cli.Flag{
		text("context", "NATS_CONTEXT", "connect as NATS context `NAME`, or as the context in a file; other flags override it; default, without --server: the selected context", "nats-context"),
		text("server", "NATS_URL", "connect to `URL`, or to one of several separated by commas; default, without a NATS context: nats://127.0.0.1:4222", "nats-server"),
		text("creds", "NATS_CREDS", "`FILE` of credentials", "nats-creds"),
		text("nkey", "NATS_NKEY", "`FILE` of an nkey seed"),
		text("user", "NATS_USER", "`NAME` of a user"),
		text("password", "NATS_PASSWORD", "`PASSWORD` of the user; the environment is a safer place for it"),
		text("token", "NATS_TOKEN", "`TOKEN` to authenticate with; the environment is a safer place for it"),
		text("tls-ca", "NATS_CA", "`FILE` of certificates to trust"),
		text("tls-cert", "NATS_CERT", "`FILE` of the client's certificate"),
		text("tls-key", "NATS_KEY", "`FILE` of its private key"),
		&cli.BoolFlag{
			Name: "tls-first", Sources: Env("tls-first"), Category: category,
			Usage: "begin with the TLS handshake, for servers with handshake_first",
		},
		&cli.StringFlag{
			Name: "inbox-prefix", Sources: Env("inbox-prefix"), Category: category,
			Usage: "`SUBJECT` prefix of answers, where permissions do not allow _INBOX",
		},
		&cli.StringFlag{
			Name: "js-domain", Aliases: []string{"domain"}, Sources: Env("js-domain"), Category: category,
			Usage: "JetStream `DOMAIN` of the stream",
		},
		&cli.BoolFlag{
			Name: "wait-for-server", Sources: Env("wait-for-server"), Category: category,
			Usage: "when no server answers at the start, retry instead of ending",
		},
	}
}

// Connect connects as the flags of ConnectionFlags say, and returns the JetStream domain of the connection, if any. Without --server
// and --context it uses the selected NATS context. The connection is named after the program, reconnects without limit, and logs
// its events to log. The caller closes it.
//
// If no server answers, Connect fails at once, or with --wait-for-server when ctx ends. Wrong flags are UsageErrors. Errors say what to
// do, and contain no secrets.
func Connect(ctx context.Context, cmd *cli.Command, log *zap.Logger) (nc *nats.Conn, domain string, err error) {
	t, err := targetOf(cmd)
	if err != nil {
		return nil, "", UsageError(err)
	}
	t.options = append(t.options, nats.Name(cmd.Root().Name), nats.MaxReconnects(-1))
	t.options = append(t.options, logEvents(log)...)
	for {
		if nc, domain, err = t.connect(); err == nil {
			fields := []zap.Field{serverOf(nc)}
			if t.context != "" {
				fields = append(fields, zap.String("context", t.context))
			}
			log.Info("connected", fields...)
			return nc, domain, nil
		}
		if !cmd.Bool("wait-for-server") || !isUnreachable(err) {
			return nil, "", t.explain(err)
		}
		log.Warn("no server answers; retrying", zap.String("server", t.name), zap.Error(t.safe(err)))
		select {
		case <-ctx.Done():
			return nil, "", t.explain(err)
		case <-time.After(connectRetry):
		}
	}
}

// CheckConnection returns a UsageError if the flags of ConnectionFlags are wrong.
func CheckConnection(cmd *cli.Command) error {
	_, err := targetOf(cmd)
	return UsageError(err)
}

// A target is a server or NATS context to connect to.
type target struct {
	name    string // for people: without secrets
	context string // of NATS, or ""
	servers []string
	options []nats.Option
	domain  string
}

func targetOf(cmd *cli.Command) (*target, error) {
	t := &target{context: cmd.String("context"), domain: cmd.String("js-domain")}
	servers, hosts, serverErr := parseServers(cmd.String("server"))
	security, securityErr := securityOptions(cmd)
	if err := errors.Join(serverErr, securityErr); err != nil {
		return nil, err
	}
	t.servers, t.options = servers, security
	if prefix := cmd.String("inbox-prefix"); prefix != "" {
		t.options = append(t.options, nats.CustomInboxPrefix(prefix))
	}
	switch {
	case len(t.servers) > 0:
		t.name = strings.Join(hosts, ", ")
		t.options = append(t.options, func(o *nats.Options) error { o.Url, o.Servers = "", t.servers; return nil })
	case t.context != "":
		t.name = fmt.Sprintf("NATS context %q", t.context)
	default:
		t.name = nats.DefaultURL
		if t.context = selectedContext(); t.context != "" {
			t.name = fmt.Sprintf("NATS context %q, which is selected", t.context)
		}
	}
	return t, nil
}

func (t *target) connect() (*nats.Conn, string, error) {
	if t.context == "" {
		nc, err := nats.Connect("", t.options...)
		return nc, t.domain, err
	}
	nc, settings, err := natscontext.Connect(t.context, t.options...)
	if err != nil {
		return nil, "", err
	}
	domain := t.domain
	if domain == "" {
		domain = settings.JSDomain
	}
	if prefix := settings.JSAPIPrefix; prefix != "" && domain == "" {
		var ok bool
		if domain, ok = domainOf(prefix); !ok {
			nc.Close()
			return nil, "", fmt.Errorf("its JetStream API prefix %q is not that of a domain: use a context without one, and --js-domain", prefix)
		}
	}
	return nc, domain, nil
}

// domainOf finds the domain in a JetStream API prefix such as $JS.hub.API.
func domainOf(prefix string) (domain string, ok bool) {
	domain, ok = strings.CutPrefix(strings.TrimSuffix(prefix, "."), "$JS.")
	if !ok {
		return "", false
	}
	if domain == "API" {
		return "", true
	}
	domain, ok = strings.CutSuffix(domain, ".API")
	return domain, ok && domain != "" && !strings.Contains(domain, ".")
}

// parseServers splits a list of URLs. Its errors do not show them, because they may contain secrets.
func parseServers(list string) (servers, hosts []string, err error) {
	for server := range strings.SplitSeq(list, ",") {
		if server = strings.TrimSpace(server); server == "" {
			continue
		}
		full := server
		if !strings.Contains(server, "://") {
			full = "nats://" + server
		}
		u, err := url.Parse(full)
		if err != nil || u.Hostname() == "" || strings.Contains(u.Path+u.RawQuery+u.Fragment, "@") {
			return nil, nil, fmt.Errorf("--server: URL %d of the list is malformed: write it like nats://host:4222, and percent-encode special characters of a password", len(servers)+1)
		}
		servers = append(servers, server)
		hosts = append(hosts, u.Scheme+"://"+u.Host)
	}
	return servers, hosts, nil
}

func isUnreachable(err error) bool {
	var network net.Error
	return errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, io.EOF) || errors.As(err, &network)
}

// explain adds the target and the next step to an error of connect.
func (t *target) explain(err error) error {
	step := "check the server, or connect to another with --server"
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		step = "check --creds, --nkey, --user and --password, or --token"
	case errors.Is(err, nats.ErrSecureConnRequired):
		step = "the server wants TLS: write tls:// in --server, or set --tls-ca"
	case errors.Is(err, nats.ErrSecureConnWanted):
		step = "the server has no TLS: leave out tls:// and the --tls flags"
	case strings.Contains(err.Error(), "x509:"):
		step = "check --tls-ca, --tls-cert and --tls-key"
	case isUnreachable(err):
		step = "start a server there, name another with --server, or wait for it with --wait-for-server"
	case t.context != "" && strings.Contains(err.Error(), "unknown context"):
		step = "list the contexts with nats context ls, or name a server with --server"
	}
	return fmt.Errorf("connect to %s: %w: %s", t.name, t.safe(err), step)
}

// safe keeps the URLs of a NATS context out of errors.
func (t *target) safe(err error) error {
	var malformed *url.Error
	if errors.As(err, &malformed) {
		return errors.New("its URL is malformed")
	}
	return err
}

// logEvents logs the events of a connection.
func logEvents(log *zap.Logger) []nats.Option {
	often := log.WithOptions(repeats.Fold(repeatEvery)) // a subject may be refused many times a second
	return []nats.Option{
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if !nc.IsClosed() {
				log.Warn("connection lost, reconnecting", zap.Error(err))
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info("connection restored", serverOf(nc))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			fields := []zap.Field{zap.Error(err)}
			if sub != nil {
				fields = append(fields, zap.String("subject", sub.Subject))
			}
			if errors.Is(err, nats.ErrPermissionViolation) {
				often.Warn("error on the connection", fields...)
				return
			}
			log.Warn("error on the connection", fields...)
		}),
	}
}

// quietRefusals logs refused subjects only for debugging from now on, because a capture reports them with the permission that is missing.
func quietRefusals(nc *nats.Conn, log *zap.Logger) {
	others := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		switch {
		case errors.Is(err, nats.ErrPermissionViolation):
			log.Debug("error on the connection", zap.Error(err))
		case others != nil:
			others(nc, sub, err)
		}
	})
}

// serverOf names the server by its address, because even a redacted URL shows a token.
func serverOf(nc *nats.Conn) zap.Field { return zap.String("server", nc.ConnectedAddr()) }
