package cloud

import "regexp"

// urlSecrets are the parts of a URL that may hold secrets: user and password, and the query.
var urlSecrets = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/?#"'@]*@)?([^\s?"'<>]*)(\?[^\s"'<>)]*)?`)

// Redact returns err without the queries and users of all URLs in its text, which may hold SAS tokens, signatures and passwords. It
// unwraps to err.
func Redact(err error) error {
	if err == nil {
		return nil
	}
	if text := RedactText(err.Error()); text != err.Error() {
		return &redacted{text, err}
	}
	return err
}

// RedactText is Redact of a text.
func RedactText(text string) string { return urlSecrets.ReplaceAllString(text, "$1$2") }

type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }
