package capturetest

import "github.com/nats-io/nats-server/v2/server"

// Allow starts the server again with a user, whose password is the same, that may do what the permissions say. Clients that do not say who
// they are may do all as before.
func (s *Server) Allow(user string, permissions *server.Permissions) {
	s.t.Helper()
	s.setUser(user, permissions)
	s.Restart()
}

// Reallow changes what the user of Allow may do, while the server runs.
func (s *Server) Reallow(user string, permissions *server.Permissions) {
	s.t.Helper()
	s.setUser(user, permissions)
	if err := s.server.ReloadOptions(s.options.Clone()); err != nil {
		s.t.Fatalf("reload nats-server: %v", err)
	}
}

// InDomain starts the server again in a JetStream domain.
func (s *Server) InDomain(domain string) {
	s.t.Helper()
	s.options.JetStreamDomain = domain
	s.Restart()
}

func (s *Server) setUser(user string, permissions *server.Permissions) {
	s.options.Users = []*server.User{
		{Username: "anyone", Password: "anyone"},
		{Username: user, Password: user, Permissions: permissions},
	}
	s.options.NoAuthUser = "anyone"
}
