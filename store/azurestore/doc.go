// Package azurestore keeps objects in Azure Blob Storage. A [Bucket] is a container, or a folder of one, and keeps all
// promises of store.Bucket: a blob is created whole, by If-None-Match: *, and never overwritten; whoever comes second to a
// name gets fs.ErrExist. That applies to blobs that are sent in blocks too.
//
// The flow, one way:
//
//	content → SHA-256, CRC-64 → one request, or blocks staged in parallel and a commit → a look at the blob, if the answer was lost
//
// The service checks each request's content by its CRC-64. The SHA-256 stays in the blob's metadata, so that a second try
// recognizes its own content without reading it.
//
// # URLs
//
// With [Driver], store.Open takes
//
//	azblob://account/container/prefix?tier=cool&tag=team=lake
//
//	endpoint          URL of the blob service, for other clouds and emulators, percent-encoded
//	tier              hot, cool, cold or archive; the account's default if left out
//	tag               an index tag, name=value; may be repeated
//	encryption_scope  of new blobs
//	block_size        bytes; larger blobs are sent in blocks, 16 MiB if left out
//	parallel          blocks of one blob that are sent at a time, 4 if left out
//
// # Credentials
//
// Secrets are not part of a URL. They come from [Options], or from the environment, the first of these that is set:
// AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, and then the chain of
// azidentity.NewDefaultAzureCredential: a service principal in AZURE_CLIENT_ID and its like, workload identity, managed
// identity, a login of az. They never appear in an error.
//
// An identity needs the role "Storage Blob Data Contributor" on the container, and "Storage Blob Data Owner" if there are
// tags. A SAS token needs the permissions r, c, w and l, d to remove, and t for tags.
//
// # The service
//
// Containers are not created. Immutability policies, versioning and soft delete work with blobs that are never
// overwritten. A blob in the archive tier can be created and found, not read. Cool, cold and archive charge for blobs that
// are removed within 30, 90 and 180 days. Blocks of an attempt that failed are invisible, charged for, and removed by the
// service after a week.
//
// Limits: a blob has at most 50,000 blocks, and names at most 254 elements, or 63 with a hierarchical namespace (Data Lake
// Storage Gen2). The service advises against names whose elements end with a dot. With a hierarchical namespace, listing
// takes a request for each folder.
package azurestore
