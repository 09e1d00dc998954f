package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v3"
)

// securityOptions returns the options of authentication and TLS. Its errors name files, but not a value that may be the secret itself.
func securityOptions(cmd *cli.Command) ([]nats.Option, error) {
	who, whoErr := authOptions(cmd)
	tls, tlsErr := tlsOptions(cmd)
	return slices.Concat(who, tls), errors.Join(whoErr, tlsErr)
}

func authOptions(cmd *cli.Command) ([]nats.Option, error) {
	var given []string
	for _, flag := range []string{"creds", "nkey", "user", "token"} {
		if cmd.String(flag) != "" {
			given = append(given, "--"+flag)
		}
	}
	user, password := cmd.String("user"), cmd.String("password")
	switch {
	case (user == "") != (password == ""):
		return nil, errors.New("--user and --password (or NATS_USER and NATS_PASSWORD) belong together: set both")
	case len(given) > 1:
		return nil, fmt.Errorf("%s: set only one of them (their variables in the environment count too)", strings.Join(given, ", "))
	case len(given) == 0:
		return nil, nil
	}
	var option nats.Option
	switch given[0] {
	case "--creds":
		file := cmd.String("creds")
		if err := readable("creds", file); err != nil {
			return nil, err
		}
		option = nats.UserCredentials(file)
	case "--nkey":
		file := cmd.String("nkey")
		if err := readable("nkey", file); err != nil {
			return nil, err
		}
		var err error
		if option, err = nats.NkeyOptionFromSeed(file); err != nil {
			return nil, fmt.Errorf("--nkey: %s has no seed of a user nkey: give a file with one, which starts with SU", file)
		}
	case "--user":
		option = nats.UserInfo(user, password)
	case "--token":
		option = nats.Token(cmd.String("token"))
	}
	return []nats.Option{forgetAuth, option}, nil
}

// forgetAuth removes the credentials of a NATS context.
func forgetAuth(o *nats.Options) error {
	o.User, o.Password, o.Token, o.Nkey, o.UserJWT, o.SignatureCB = "", "", "", "", nil, nil
	return nil
}

func tlsOptions(cmd *cli.Command) (options []nats.Option, err error) {
	ca, cert, key := cmd.String("tls-ca"), cmd.String("tls-cert"), cmd.String("tls-key")
	if (cert == "") != (key == "") {
		return nil, errors.New("--tls-cert and --tls-key (or NATS_CERT and NATS_KEY) belong together: set both")
	}
	err = errors.Join(readable("tls-ca", ca), readable("tls-cert", cert), readable("tls-key", key))
	if err != nil {
		return nil, err
	}
	if ca != "" {
		options = append(options, nats.RootCAs(ca))
	}
	if cert != "" {
		options = append(options, nats.ClientCert(cert, key))
	}
	if cmd.Bool("tls-first") {
		options = append(options, nats.TLSHandshakeFirst())
	}
	return options, nil
}

// readable returns an error if the file of a flag, which may be empty, cannot be read.
func readable(flag, file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Open(file)
	if err == nil {
		return f.Close()
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // without the path
	}
	if isSecret(file) {
		return fmt.Errorf("--%s: the value looks like the secret itself and not like a path: write the secret to a file, and give the path of the file", flag)
	}
	return fmt.Errorf("--%s: cannot read %s: %w: give the path of an existing file", flag, file, err)
}

// isSecret reports whether what should be the path of a file looks like a key, credentials or a token.
func isSecret(path string) bool {
	const longName = 40 // bytes: a seed has 58, a JSON web token hundreds
	return strings.Contains(path, "-----") || strings.Contains(path, "\n") ||
		len(path) >= longName && !strings.ContainsAny(path, `/\`)
}
