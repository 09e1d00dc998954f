package cloudtest

import (
	"fmt"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// The account of every Azurite, whose key is public.
const (
	azureAccount = "devstoreaccount1"
	azureKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// AzureServer is an Azurite, which speaks the protocol of Azure Blob Storage and keeps blobs in memory.
type AzureServer struct {
	Account  string
	Key      string // the account's shared key
	Endpoint string // service URL: http://127.0.0.1:PORT/ACCOUNT

	containers atomic.Int64
}

// Azure starts an Azurite that ends with the test.
func Azure(t testing.TB) *AzureServer {
	t.Helper()
	script := tool(t, "store", "cloudtest", "azurite", "node_modules", "azurite", "dist", "src", "blob", "main.js")
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, fmt.Errorf("azurite needs Node: %w", err))
	}
	address := start(t, "azurite", func(port string) *exec.Cmd {
		return exec.Command(node, script, "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence", //nolint:noctx // start ends it
			"--blobHost", "127.0.0.1", "--blobPort", port)
	})
	return &AzureServer{Account: azureAccount, Key: azureKey, Endpoint: "http://" + address + "/" + azureAccount}
}

// Container makes a new container and returns its name.
func (s *AzureServer) Container(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("container-%d", s.containers.Add(1))
	credential, err := container.NewSharedKeyCredential(s.Account, s.Key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(s.Endpoint+"/"+name, credential, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return name
}

// ConnectionString returns what the portal shows for an account.
func (s *AzureServer) ConnectionString() string {
	return "DefaultEndpointsProtocol=http;AccountName=" + s.Account + ";AccountKey=" + s.Key + ";BlobEndpoint=" + s.Endpoint + ";"
}
