//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The account of the gateway.
const (
	gatewayUser   = "jc-parquet-bench"
	gatewaySecret = "not-a-secret-but-long"
	gatewayRegion = "eu-central-1"
	gatewayStart  = 30 * time.Second
)

// A gateway is a server of S3's protocol that keeps objects as files.
type gateway struct {
	*servant
	endpoint string // of the gateway
	outage   string // of a proxy in front of it, which can be down
	folder   string // has a folder for each bucket
}

// findGateway returns the versitygw that make tools has installed, or "".
func findGateway(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return ""
	}
	found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), ".tools", "versitygw-*"))
	if err != nil || len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

func startGateway(ctx context.Context, path string) (g *gateway, err error) {
	g = new(gateway)
	g.servant, err = startServant(ctx, []string{"gateway", path}, &g.endpoint, &g.outage, &g.folder)
	return g, err
}

// place makes a bucket, which is a folder, and returns a place in it, behind an endpoint of the gateway.
func (g *gateway) place(endpoint, bucket string) place {
	return place{
		out:    "s3://" + bucket + "/lake?path_style=true&region=" + gatewayRegion + "&endpoint=" + endpoint,
		folder: filepath.Join(g.folder, bucket),
		env:    []string{"AWS_ACCESS_KEY_ID=" + gatewayUser, "AWS_SECRET_ACCESS_KEY=" + gatewaySecret},
	}
}

func (g *gateway) cpu() (used time.Duration, err error) {
	err = g.ask("cpu", &used)
	return used, err
}

// archiveS3 is archive into the gateway, by one process.
func (b *bench) archiveS3(flags ...string) func(context.Context, job) (*run, error) {
	return func(ctx context.Context, j job) (*run, error) {
		to := b.gateway.place(b.gateway.endpoint, "lake")
		return archiveInto(to.folder, j, func(string) (*run, error) {
			before, err := b.gateway.cpu()
			if err != nil {
				return nil, err
			}
			r, err := b.runCaptures(ctx, j, to, 1, flags...)
			if err != nil {
				return nil, err
			}
			after, err := b.gateway.cpu()
			r.StoreCPU = (after - before).Seconds()
			return r, err
		})
	}
}

// serveGateway is the role that runs the gateway at a path, and a proxy in front of it. It prints the endpoints of both and the gateway's
// folder. Then it reads commands: cpu, which it answers with the gateway's CPU time in nanoseconds, down, and up.
func serveGateway(args []string) (err error) {
	outliveSignals()
	folder, err := os.MkdirTemp("", "jc-parquet-s3-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	address, err := freeAddress()
	if err != nil {
		return err
	}
	command := exec.Command(args[0], "--port", address, "--region", gatewayRegion, "--quiet", "posix", folder) //nolint:noctx // it is killed below
	command.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+gatewayUser, "ROOT_SECRET_KEY="+gatewaySecret)
	if err := command.Start(); err != nil {
		return err
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed, so its error means nothing
	}()
	if err := awaitListener(address); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	outage, err := startOutage(address)
	if err != nil {
		return err
	}
	defer outage.stop()
	fmt.Println("http://"+address, "http://"+outage.address, folder)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "cpu":
			fmt.Println(int64(processCPU(command.Process.Pid)))
		case "down", "up":
			outage.down.Store(lines.Text() == "down")
			fmt.Println(lines.Text())
		}
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// awaitListener waits until something listens at an address.
func awaitListener(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), gatewayStart)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not listen on %s after %v", address, gatewayStart)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
