package gcsstore

import (
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeSum writes a CRC32C as the service does.
func encodeSum(sum hash.Hash32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
}

// summed adds the bytes that are read to a sum.
type summed struct {
	io.ReadSeeker
	sum hash.Hash32
}

func (s summed) Read(p []byte) (int, error) {
	n, err := s.ReadSeeker.Read(p)
	_, _ = s.sum.Write(p[:n]) // it never fails
	return n, err
}

// sumOf returns the CRC32C of the content of an answer, as the service writes it, "" if it is not known: if the object was unpacked,
// the answer has the CRC32C of the packed one.
func sumOf(response *http.Response) string {
	if response.Uncompressed || response.Header.Get("X-Goog-Stored-Content-Encoding") == "gzip" && response.Header.Get("Content-Encoding") != "gzip" {
		return ""
	}
	for _, value := range response.Header.Values("X-Goog-Hash") {
		for part := range strings.SplitSeq(value, ",") {
			if sum, ok := strings.CutPrefix(strings.TrimSpace(part), "crc32c="); ok {
				return sum
			}
		}
	}
	return ""
}
