package azurestore_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
)

func TestOpenTakesURLs(t *testing.T) {
	server := cloudtest.Azure(t)
	containerName := sharedKey(t, server).Container
	t.Setenv("AZURE_STORAGE_KEY", server.Key)
	rawURL := "azblob://" + server.Account + "/" + containerName + "/lake%20one/two/?tier=COLD&tag=team=lake&tag=stage=prod&block_size=1000&parallel=2&endpoint=" + url.QueryEscape(server.Endpoint)
	b, err := store.Open(t.Context(), rawURL, azurestore.Driver())
	if err != nil {
		t.Fatal(err)
	}
	object := create(t, b, "a", text(5000, 1))
	if want := server.Endpoint + "/" + containerName + "/lake%20one/two/a"; object.Location != want {
		t.Errorf("the blob is at %s, want %s", object.Location, want)
	}
	tier, tags, _ := describe(t, server, containerName, "lake one/two/a")
	if tier != "Cold" || len(tags) != 2 || tags["team"] != "lake" || tags["stage"] != "prod" {
		t.Errorf("the blob has tier %s and tags %v", tier, tags)
	}
}

func TestURLsThatAreWrongSaySoWithoutSecrets(t *testing.T) {
	for rawURL, want := range map[string]string{
		"azblob://":    "write azblob://account/container/prefix",
		"azblob://acc": "write azblob://account/container/prefix",
		"azblob://acc/abc?colour=SECRET&size=SECRET":       `unknown parameter "colour"; known are block_size, encryption_scope, endpoint, parallel, tag, tier`,
		"azblob://acc/abc?sv=1&sig=SECRET":                 `parameter "sig": secrets do not belong in a URL; set AZURE_STORAGE_KEY`,
		"azblob://acc/abc?Account_Key=SECRET":              `parameter "Account_Key": secrets do not belong in a URL`,
		"azblob://acc:SECRET@acc/abc":                      "secrets do not belong in a URL",
		"azblob://acc/abc?a=%SECRET":                       "the query is malformed",
		"azblob://acc/abc#SECRET":                          "%23",
		"azblob://acc/abc?tier=warm":                       `parameter "tier": access tier "warm"`,
		"azblob://acc/abc?tier=cool&tier=hot":              `parameter "tier" is there 2 times`,
		"azblob://acc/abc?block_size=16MB":                 `parameter "block_size": write a number of bytes`,
		"azblob://acc/abc?parallel=-1":                     `parameter "parallel": write how many`,
		"azblob://acc/abc?tag=team":                        `parameter "tag": write name=value`,
		"azblob://acc/abc?endpoint=https://h%3Fsig=SECRET": "endpoint: write only scheme, host and path",
		"azblob://acc.blob.core.windows.net/abc":           "write only its name",
		"azblob://acc/A":                                   `container "A"`,
	} {
		t.Run(rawURL, func(t *testing.T) {
			cleanEnv(t)
			t.Setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
			b, err := store.Open(t.Context(), rawURL, azurestore.Driver())
			if err == nil {
				t.Fatalf("Open returns %v", b)
			}
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("Open says %q, want it to mention %q", err, want)
			}
		})
	}
}
