package cloud

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/jetcapture/lake/store"
)

// DigestAttribute is where drivers keep the SHA-256 of an object's content, in hex digits, beside its attributes: all
// servers keep it unchanged, so that it proves that content is the same.
const DigestAttribute = "jetcapture_sha256"

// EncodeAttributes returns the attributes, and the digest, in a form for headers: characters of values that are not printable ASCII
// are percent-encoded. The error is Permanent, and is for a name that store.Attributed does not allow.
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

// DecodeAttributes is the inverse of EncodeAttributes, for headers whose names may have another case. It leaves out headers that are
// not attributes.
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

// encodeValue escapes characters that a header cannot have, the percent sign, and spaces, which are lost at the ends.
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
