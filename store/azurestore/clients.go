package azurestore

import (
	"container/list"
	"fmt"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/jetcapture/lake/store/internal/cloud"
)

// clients keeps a number of clients by the URLs of their containers. It drops the least recently used client first.
type clients struct {
	mu    sync.Mutex
	most  int
	byURL map[string]*list.Element // of a kept
	used  *list.List               // the last used at the front
}

type kept struct {
	containerURL string
	client       *container.Client
}

func newClients(most int) *clients {
	return &clients{most: most, byURL: make(map[string]*list.Element), used: list.New()}
}

// get returns the client of a container. If there is none it calls make, which must do no I/O.
func (c *clients) get(containerURL string, build func() (*container.Client, error)) (*container.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byURL[containerURL]; ok {
		c.used.MoveToFront(e)
		return e.Value.(*kept).client, nil //nolint:forcetypeassert // all elements are
	}
	client, err := build()
	if err != nil {
		return nil, fmt.Errorf("azure client: %w", cloud.Redact(err))
	}
	c.byURL[containerURL] = c.used.PushFront(&kept{containerURL, client})
	if oldest := c.used.Back(); c.used.Len() > c.most {
		c.used.Remove(oldest)
		delete(c.byURL, oldest.Value.(*kept).containerURL) //nolint:forcetypeassert // all elements are
	}
	return client, nil
}
