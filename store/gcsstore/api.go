package gcsstore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// objectInfo describes an object as the JSON API does.
// https://docs.cloud.google.com/storage/docs/json_api/v1/objects
type objectInfo struct {
	Name         string            `json:"name,omitempty"`
	ContentType  string            `json:"contentType,omitempty"`
	StorageClass string            `json:"storageClass,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	CRC32C       string            `json:"crc32c,omitempty"`
	Size         int64             `json:"size,omitempty,string"`
	Generation   int64             `json:"generation,omitempty,string"`
	TimeCreated  string            `json:"timeCreated,omitempty"`
}

// objectPage is one page of a listing.
type objectPage struct {
	Items         []objectInfo `json:"items"`
	NextPageToken string       `json:"nextPageToken"`
}

// api sends requests of the JSON API about the objects of one bucket. None is tried again, and no error is explained.
type api struct {
	http        *http.Client
	endpoint    string // ends with /storage/v1/
	bucket      string
	userProject string // pays; "" is the project of the bucket
}

// objectPath returns the URL of an object, or of all objects if name is empty.
func (a *api) objectPath(endpoint, name string) string {
	path := endpoint + "b/" + escape(a.bucket) + "/o"
	if name != "" {
		path += "/" + escape(name)
	}
	return path
}

// uploadPath returns the URL to which new objects are sent.
func (a *api) uploadPath() string {
	return a.objectPath(strings.TrimSuffix(a.endpoint, "storage/v1/")+"upload/storage/v1/", "")
}

// escape percent-encodes all but letters, digits and -_.~, as a name may contain slashes.
func escape(name string) string { return strings.ReplaceAll(url.QueryEscape(name), "+", "%20") }

// newRequest returns a request with the parameters that every request has.
func (a *api) newRequest(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	if a.userProject != "" {
		query.Set("userProject", a.userProject)
	}
	query.Set("prettyPrint", "false")
	return http.NewRequestWithContext(ctx, method, path+"?"+query.Encode(), body)
}

// send returns the answer to a request, whose status is 2xx, or else an error.
func (a *api) send(request *http.Request) (*http.Response, error) {
	request.Header.Set("User-Agent", "jetcapture")
	response, err := a.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		defer finish(response.Body)
		return nil, newAPIError(response)
	}
	return response, nil
}

// call sends a request and decodes the JSON of the answer into result, unless result is nil.
func (a *api) call(request *http.Request, result any) error {
	response, err := a.send(request) //nolint:bodyclose // by finish
	if err != nil {
		return err
	}
	defer finish(response.Body)
	return decode(response, result)
}

// finish reads a body to its end, if that is near, and closes it: only then the connection is used again.
func finish(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 4<<10)
	_ = body.Close()
}

func decode(response *http.Response, result any) error {
	if result == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(result); err != nil {
		return fmt.Errorf("decode the answer of the server: %w", err)
	}
	return nil
}

func (a *api) get(ctx context.Context, name string) (*objectInfo, error) {
	request, err := a.newRequest(ctx, http.MethodGet, a.objectPath(a.endpoint, name), url.Values{"alt": {"json"}}, nil)
	if err != nil {
		return nil, err
	}
	found := new(objectInfo)
	return found, a.call(request, found)
}

// remove removes an object, and only the given generation of it if that is not 0.
func (a *api) remove(ctx context.Context, name string, generation int64) error {
	query := url.Values{"alt": {"json"}}
	if generation != 0 {
		query.Set("generation", strconv.FormatInt(generation, 10))
	}
	request, err := a.newRequest(ctx, http.MethodDelete, a.objectPath(a.endpoint, name), query, nil)
	if err != nil {
		return err
	}
	return a.call(request, nil)
}

// list returns a page of a listing. The query says which.
func (a *api) list(ctx context.Context, query url.Values) (*objectPage, error) {
	query.Set("alt", "json")
	request, err := a.newRequest(ctx, http.MethodGet, a.objectPath(a.endpoint, ""), query, nil)
	if err != nil {
		return nil, err
	}
	page := new(objectPage)
	return page, a.call(request, page)
}

// download returns the content of an object, and only of the given generation if that is not 0. byteRange is the value of
// the header Range, "" for everything. The caller closes the body of the answer.
func (a *api) download(ctx context.Context, name string, generation int64, byteRange string) (*http.Response, error) {
	query := url.Values{"alt": {"media"}}
	if generation != 0 {
		query.Set("generation", strconv.FormatInt(generation, 10))
	}
	request, err := a.newRequest(ctx, http.MethodGet, a.objectPath(a.endpoint, name), query, nil)
	if err != nil {
		return nil, err
	}
	if byteRange != "" {
		request.Header.Set("Range", byteRange)
	}
	return a.send(request)
}

// newUpload returns a request that creates an object if nothing has its name. uploadType says what the body is.
func (a *api) newUpload(ctx context.Context, uploadType, kmsKey string, body io.Reader) (*http.Request, error) {
	query := url.Values{"alt": {"json"}, "uploadType": {uploadType}, "ifGenerationMatch": {"0"}}
	if kmsKey != "" {
		query.Set("kmsKeyName", kmsKey)
	}
	return a.newRequest(ctx, http.MethodPost, a.uploadPath(), query, body)
}

// insert creates an object by one request. It reads the content, of object.Size bytes, once.
func (a *api) insert(ctx context.Context, object objectInfo, kmsKey string, content io.Reader) (*objectInfo, error) {
	size := object.Size
	object.Size = 0 // the service takes it from the content
	description, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var head bytes.Buffer
	boundary := multipart.NewWriter(&head).Boundary() // at random, so that no content can have it
	fmt.Fprintf(&head, "--%s\r\nContent-Type: application/json\r\n\r\n%s\r\n--%s\r\nContent-Type: %s\r\n\r\n", boundary, description, boundary, object.ContentType)
	tail := "\r\n--" + boundary + "--\r\n"
	length := int64(head.Len()) + size + int64(len(tail))
	request, err := a.newUpload(ctx, "multipart", kmsKey, io.MultiReader(&head, content, strings.NewReader(tail)))
	if err != nil {
		return nil, err
	}
	request.ContentLength = length
	request.Header.Set("Content-Type", "multipart/related; boundary="+boundary)
	made := new(objectInfo)
	return made, a.call(request, made)
}
