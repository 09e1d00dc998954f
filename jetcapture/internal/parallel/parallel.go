// Package parallel does the same for many things at a time.
package parallel

import (
	"sync"
	"sync/atomic"
)

// Do calls a function for each of n indexes, with at most so many calls at a time, and returns the first error. After an error it makes no
// further calls. It returns when the last call has returned.
func Do(n, atOnce int, call func(i int) error) error {
	var next atomic.Int64
	var running sync.WaitGroup
	var once sync.Once
	var failed atomic.Bool
	var first error
	for range min(n, atOnce) {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !failed.Load(); i = int(next.Add(1)) - 1 {
				if err := call(i); err != nil {
					once.Do(func() { first = err })
					failed.Store(true)
				}
			}
		})
	}
	running.Wait()
	return first
}
