package cloud

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/jetcapture/lake/store"
)

// DigestAttribute is where drivers keep the SHA-256 of an object's content, in hex digits, beside its attributes: the one
// proof of sameness that all servers keep as it was.
const DigestAttribute = "jetcapture_sha256"

// EncodeAttributes returns the attributes as headers can carry them, with the digest among them: values are
// percent-encoded where they are not printable ASCII. The error, for a name that is not as store.Attributed says, is
// Permanent.
func EncodeAttributes(attrs map[string]string, sha256 string) (map[string]string, error) {
	encoded := make(map[string]string, len(attrs)+1)
	for name, value := range attrs {
		if !validAttribute(name) || name == DigestAttribute {
			return nil, store.Permanent(fmt.Errorf("attribute %q: a name is lower-case letters, digits and underscores, starts with a letter, and is not %s", name, DigestAttribute))
		}
		encoded[name] = encodeValue(value)
	}
	encoded[DigestAttribute] = sha256
	return encoded, nil
}

// DecodeAttributes is the reverse, for headers whose names may have changed their case. What is no attribute is left out.
func DecodeAttributes(headers map[string]string) (attrs map[string]string, sha256 string) {
	for name, value := range headers {
		name = strings.ToLower(name)
		if name == DigestAttribute {
			sha256 = value
			continue
		}
		decoded, err := url.PathUnescape(value)
		if err != nil || !validAttribute(name) {
			continue
		}
		if attrs == nil {
			attrs = make(map[string]string, len(headers))
		}
		attrs[name] = decoded
	}
	return attrs, sha256
}

func validAttribute(name string) bool {
	for i, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

// encodeValue escapes what a header cannot carry, the percent sign, and spaces, which are lost at its ends.
func encodeValue(value string) string {
	var b strings.Builder
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
