package capturetest

import (
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
)

// A Backup is a copy of all that a server has on disk. To put some of it back is what a power cut does, or an operator who
// restores an old copy: a stream forgets what came later, and uses its sequences again. The server must be stopped for all
// of its methods.
type Backup struct {
	server *Server
	copy   string
}

const consumersFolder = "obs" // in a stream's folder

// Backup copies what the server has on disk. The server must be stopped.
func (s *Server) Backup() *Backup {
	s.t.Helper()
	b := &Backup{server: s, copy: s.t.TempDir()}
	b.replace(b.copy, s.options.StoreDir)
	return b
}

// PutBack replaces all that the server has.
func (b *Backup) PutBack() {
	b.server.t.Helper()
	b.replace(b.server.options.StoreDir, b.copy)
}

// PutBackStream replaces a stream's messages and consumers. Other streams stay as they are, a ledger among them.
func (b *Backup) PutBackStream(name string) {
	b.server.t.Helper()
	b.putBack(streamFolder(name))
}

// PutBackMessages replaces a stream's messages. What the server knows of the consumers stays, so that they have delivered
// messages that the stream does not have. Of a stream with replicas, group is the name of its Raft group, and all its servers
// must lose the messages, while all are stopped; otherwise group is empty.
func (b *Backup) PutBackMessages(stream, group string) {
	b.server.t.Helper()
	now := b.server.Backup()
	b.putBack(streamFolder(stream))
	now.putBack(filepath.Join(streamFolder(stream), consumersFolder))
	if group != "" {
		b.putBack(filepath.Join("jetstream", server.DEFAULT_SYSTEM_ACCOUNT, "_js_", group))
	}
}

func streamFolder(name string) string {
	return filepath.Join("jetstream", server.DEFAULT_GLOBAL_ACCOUNT, "streams", name)
}

func (b *Backup) putBack(folder string) {
	b.server.t.Helper()
	b.replace(filepath.Join(b.server.options.StoreDir, folder), filepath.Join(b.copy, folder))
}

// replace makes a folder a copy of another.
func (b *Backup) replace(folder, by string) {
	b.server.t.Helper()
	if b.server.running {
		b.server.t.Fatal("the server runs: stop it before its files are copied or replaced")
	}
	if err := os.RemoveAll(folder); err != nil {
		b.server.t.Fatal(err)
	}
	if err := os.CopyFS(folder, os.DirFS(by)); err != nil {
		b.server.t.Fatal(err)
	}
}
