// Package guard keeps a panic in code of the user from ending a capture.
package guard

import "fmt"

// Call calls f and turns a panic into an error. The error begins with the name of the code that panicked.
func Call(name string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s panicked: %v", name, r)
		}
	}()
	return f()
}
