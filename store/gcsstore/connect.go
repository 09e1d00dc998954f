package gcsstore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
)

// connect opens the object at the first byte that has not been read. Its errors are not explained.
func (r *reader) connect() error {
	if r.seen > 0 && r.generation == 0 {
		return errors.New("the connection broke off, and the server does not say of which generation the object is")
	}
	response, err := r.request()
	if err != nil {
		return err
	}
	generation, _ := strconv.ParseInt(response.Header.Get("X-Goog-Generation"), 10, 64)
	if r.seen > 0 && generation != r.generation {
		_ = response.Body.Close()
		return errors.New("the object was replaced while it was read")
	}
	from, size, err := r.answered(response)
	if err != nil {
		_ = response.Body.Close()
		return err
	}
	r.from = from
	if r.seen == 0 {
		r.generation, r.size, r.sum, r.want = generation, size, crc32.New(castagnoli), ""
		if r.offset == 0 && r.length < 0 {
			r.want = sumOf(response)
		}
	}
	return nil
}

// request asks for the bytes that have not been read. It bounds the requests of one Read, because a connection that breaks off in
// the body of its answer is opened again at once.
func (r *reader) request() (response *http.Response, err error) {
	objects, full, err := r.bucket.object(r.ctx, r.name)
	if err != nil {
		return nil, err
	}
	byteRange := ""
	switch start := r.offset + r.seen; {
	case r.length >= 0:
		byteRange = fmt.Sprintf("bytes=%d-%d", start, r.offset+r.length-1)
	case start > 0:
		byteRange = fmt.Sprintf("bytes=%d-", start)
	}
	err = retry(r.ctx, func() error {
		if r.requests++; r.requests > maxReopened {
			return fmt.Errorf("the connection broke off %d times", maxReopened)
		}
		response, err = objects.download(r.ctx, full, r.generation, byteRange) //nolint:bodyclose // the reader closes it
		return err
	})
	return response, err
}

// answered returns the content from the first byte that has not been read, and its length, -1 if it is not known. An answer may have
// the whole object although the request names a range: the service does so for objects that it unpacks.
func (r *reader) answered(response *http.Response) (from io.ReadCloser, size int64, err error) {
	start := r.offset + r.seen
	if response.StatusCode == http.StatusPartialContent || start == 0 && r.length < 0 {
		return response.Body, response.ContentLength, nil
	}
	skipped, err := io.CopyN(io.Discard, response.Body, start)
	if err != nil && err != io.EOF { //nolint:errorlint // what wraps io.EOF is none
		return nil, 0, err
	}
	size = response.ContentLength
	if size >= 0 {
		size -= skipped
	}
	if r.length < 0 {
		return response.Body, size, nil
	}
	rest := r.length - r.seen
	return section{io.LimitReader(response.Body, rest), response.Body}, min(size, rest), nil
}

// section is a part of an answer.
type section struct {
	io.Reader
	io.Closer
}
