package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/jetcapture/lake/jetcapture/app"
)

// selfSigned makes a certificate for 127.0.0.1 that vouches for itself, as files.
func selfSigned(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	return writeFile(t, "cert.pem", text("CERTIFICATE", cert)), writeFile(t, "key.pem", text("PRIVATE KEY", private))
}

func TestTLSTrustsTheGivenAuthorityOnly(t *testing.T) {
	withoutEnvironment(t)
	cert, key := selfSigned(t)
	stranger, _ := selfSigned(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	configure := func(o *server.Options) {
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
		o.TLSTimeout = 5
	}
	_, addr := startServer(t, configure)
	_, first := startServer(t, func(o *server.Options) { configure(o); o.TLSHandshakeFirst = true })

	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"trusted", []string{"--server", addr, "--tls-ca", cert, "--tls-cert", cert, "--tls-key", key}, 0, "connected"},
		{"first", []string{"--server", first, "--tls-ca", cert, "--tls-cert", cert, "--tls-key", key, "--tls-first"}, 0, "connected"},
		{"stranger", []string{"--server", addr, "--tls-ca", stranger, "--tls-cert", cert, "--tls-key", key}, 1, ": check --tls-ca, --tls-cert and --tls-key"},
		{"no authority", []string{"--server", "tls://" + addr}, 1, ": check --tls-ca, --tls-cert and --tls-key"},
		{"key of another", []string{"--server", addr, "--tls-cert", stranger, "--tls-key", key}, 1, "private key does not match public key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if code, stderr := connect(t, nil, c.args...); code != c.code || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d, want %d and %q in\n%s", code, c.code, c.want, stderr)
			}
		})
	}
}

func TestCredentialsConnectAUserOfAnAccount(t *testing.T) {
	withoutEnvironment(t)
	must := func(key nkeys.KeyPair, err error) (nkeys.KeyPair, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		public, err := key.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return key, public
	}
	operator, operatorKey := must(nkeys.CreateOperator())
	account, accountKey := must(nkeys.CreateAccount())
	user, userKey := must(nkeys.CreateUser())
	accountJWT, err := jwt.NewAccountClaims(accountKey).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	userJWT, err := jwt.NewUserClaims(userKey).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(userJWT, seed)
	if err != nil {
		t.Fatal(err)
	}
	_, addr := startServer(t, func(o *server.Options) {
		o.TrustedKeys = []string{operatorKey}
		resolver := new(server.MemAccResolver)
		if err := resolver.Store(accountKey, accountJWT); err != nil {
			t.Fatal(err)
		}
		o.AccountResolver = resolver
	})
	for _, flag := range []string{"--creds", "--nats-creds"} {
		code, stderr := connect(t, nil, "--server", addr, flag, writeFile(t, "user.creds", string(creds)))
		if code != app.ExitOK {
			t.Errorf("%s: exit code %d: %s", flag, code, stderr)
		}
		noSecrets(t, stderr, string(seed), userJWT)
	}
	code, stderr := connect(t, nil, "--server", addr, "--creds", writeFile(t, "user.creds", string(creds[:len(creds)/2])))
	if code != app.ExitError {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	noSecrets(t, stderr, string(seed), userJWT)
}
