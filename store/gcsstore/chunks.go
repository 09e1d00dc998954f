package gcsstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// chunkUnit is what the sizes of all chunks but the last are a multiple of.
const chunkUnit = 256 << 10

// begin starts a resumable upload and returns the URL of its session, which is a secret: who knows it may send content.
// https://docs.cloud.google.com/storage/docs/performing-resumable-uploads
func (a *api) begin(ctx context.Context, object objectInfo, kmsKey string) (session string, err error) {
	object.Size = 0
	description, err := json.Marshal(object)
	if err != nil {
		return "", err
	}
	request, err := a.newUpload(ctx, "resumable", kmsKey, bytes.NewReader(description))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json; charset=UTF-8")
	request.Header.Set("X-Upload-Content-Type", object.ContentType)
	response, err := a.send(request) //nolint:bodyclose // by finish
	if err != nil {
		return "", err
	}
	defer finish(response.Body)
	location, err := response.Location()
	if err != nil {
		return "", errors.New("the server started an upload without saying where to send it")
	}
	return location.String(), nil
}

// insertChunks creates an object of object.Size bytes by a resumable upload. It holds one chunk in memory, and sends each up to
// maxTries times.
func (a *api) insertChunks(ctx context.Context, object objectInfo, kmsKey string, content io.Reader, chunkSize int) (*objectInfo, error) {
	session := ""
	err := retry(ctx, func() (err error) {
		session, err = a.begin(ctx, object, kmsKey)
		return err
	})
	if err != nil {
		return nil, err
	}
	chunkSize = (chunkSize + chunkUnit - 1) / chunkUnit * chunkUnit
	chunk := make([]byte, min(int64(chunkSize), object.Size))
	for offset := int64(0); ; offset += int64(len(chunk)) {
		chunk = chunk[:min(int64(len(chunk)), object.Size-offset)]
		if _, err := io.ReadFull(content, chunk); err != nil {
			return nil, &contentError{fmt.Errorf("after %d bytes of %d: %w", offset, object.Size, err)}
		}
		made, err := a.sendChunk(ctx, session, offset, chunk, object.Size)
		if err != nil || made != nil {
			return made, err
		}
		if offset+int64(len(chunk)) == object.Size {
			return nil, errors.New("the server wants more than the whole content")
		}
	}
}

// sendChunk sends the bytes from offset. It returns the object if they were the last ones. A server may keep a part of a chunk
// only, and the rest is sent again.
func (a *api) sendChunk(ctx context.Context, session string, offset int64, chunk []byte, size int64) (made *objectInfo, err error) {
	for end := offset + int64(len(chunk)); ; {
		var kept int64
		err = retry(ctx, func() error {
			made, kept, err = a.tryChunk(ctx, session, offset, chunk, size)
			return err
		})
		switch {
		case err != nil || made != nil || kept < 0 || kept >= end:
			return made, err
		case kept <= offset:
			return nil, fmt.Errorf("the server has %d bytes of the upload after %d were sent", kept, end)
		}
		chunk, offset = chunk[kept-offset:], kept
	}
}

// statusIncomplete is the status of an answer to a chunk that is not the last.
const statusIncomplete = 308

// tryChunk sends a chunk once. If the server waits for more, it returns how many bytes the server has, -1 if it doesn't say.
func (a *api) tryChunk(ctx context.Context, session string, offset int64, chunk []byte, size int64) (made *objectInfo, kept int64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, session, bytes.NewReader(chunk))
	if err != nil {
		return nil, 0, err
	}
	total, end := "*", offset+int64(len(chunk))
	if end == size {
		total = strconv.FormatInt(size, 10)
	}
	request.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%s", offset, end-1, total))
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("X-GUploader-No-308", "yes") // because 308 means a redirect to what is between
	response, err := a.send(request)                //nolint:bodyclose // by finish
	var refused *apiError
	switch {
	case errors.As(err, &refused) && refused.status == statusIncomplete:
		return nil, keptBytes(refused.header), nil
	case err != nil:
		return nil, 0, err
	}
	defer finish(response.Body)
	if response.Header.Get("X-Http-Status-Code-Override") == strconv.Itoa(statusIncomplete) {
		return nil, keptBytes(response.Header), nil
	}
	made = new(objectInfo)
	return made, 0, decode(response, made)
}

// keptBytes returns how many bytes of an upload the server has, -1 if it does not say.
func keptBytes(header http.Header) int64 {
	last, ok := strings.CutPrefix(header.Get("Range"), "bytes=0-")
	n, err := strconv.ParseInt(last, 10, 64)
	if !ok || err != nil {
		return -1
	}
	return n + 1
}
