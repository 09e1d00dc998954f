// Package cloudtest starts servers that speak the protocols of S3, Azure Blob Storage and Google Cloud Storage on
// 127.0.0.1, for tests, and a proxy that breaks what passes through it. `make tools` installs the servers; they are never
// part of a program that uses this module.
//
// Where a server is not installed, a test is skipped; where it is required, because CI or JETCAPTURE_REQUIRE_TOOLS is set,
// the test fails.
package cloudtest
