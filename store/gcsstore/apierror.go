package gcsstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxErrorBody bounds what is read of an answer that says what is wrong.
const maxErrorBody = 64 << 10

// apiError is an answer whose status is not 2xx.
type apiError struct {
	status  int
	header  http.Header
	reason  string // such as "notFound"; "" if the service gives none
	message string // "" if the answer is not as the service writes it
	body    string
}

func (e *apiError) Error() string { return fmt.Sprintf("the server answered %d", e.status) }

// newAPIError reads what the service says. It leaves the body open.
func newAPIError(response *http.Response) *apiError {
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody)) // the status tells enough
	e := &apiError{status: response.StatusCode, header: response.Header, body: string(text)}
	var reported struct {
		Error struct {
			Message string `json:"message"`
			Errors  []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &reported) == nil {
		e.message = reported.Error.Message
		if len(reported.Error.Errors) > 0 {
			e.reason = reported.Error.Errors[0].Reason
		}
	}
	return e
}

// statusOf returns the status of the answer that err is, 0 if it is none.
func statusOf(err error) int {
	var answered *apiError
	if errors.As(err, &answered) {
		return answered.status
	}
	return 0
}
