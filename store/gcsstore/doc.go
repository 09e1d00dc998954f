// Package gcsstore keeps blocks in Google Cloud Storage. A [Bucket] is a bucket there, or a folder of one, and keeps all promises of
// a store.Bucket: an object is created whole, by ifGenerationMatch=0, and never replaces another. A failed create leaves nothing
// visible.
//
// The flow, one way:
//
//	content → SHA-256, CRC32C → one request, or chunks of a resumable upload → compare the CRC32C → if in doubt, look what is there
//
// The service refuses content whose CRC32C differs from the announced one, and the CRC32C of the stored object is compared once
// more. The SHA-256 and the attributes of the block are in the object's metadata, so that a second try recognizes its own content
// without reading it.
//
//	lake, err := store.Open(ctx, "gs://my-lake/orders", gcsstore.Driver())
//	if err != nil {
//		return err
//	}
//	if err := store.Probe(ctx, lake); err != nil { // does it exist, may it be written, does it never overwrite?
//		return err
//	}
//	options.Store = store.Blocks[string](lake, nil)
//
// # URLs
//
//	gs://bucket/prefix?storage_class=NEARLINE
//
//	storage_class  STANDARD, NEARLINE, COLDLINE or ARCHIVE; default: the bucket's
//	kms_key        projects/P/locations/L/keyRings/R/cryptoKeys/K; default: the bucket's
//	user_project   the project to bill, for buckets with requester pays
//	chunk_size     bytes, or mebibytes as in 16MiB, the default; larger objects are sent in chunks of this size
//	endpoint       URL of an emulator or a private endpoint
//	anonymous      true: no credentials, for emulators
//
// Other parameters are an error, and so is a user in the URL. STORAGE_EMULATOR_HOST names an emulator, as for Google's own
// libraries; endpoint has precedence.
//
// # Credentials and permissions
//
// The first use finds Application Default Credentials, as Google's own libraries do: the file that
// GOOGLE_APPLICATION_CREDENTIALS names, of a service account or a workload identity; the login of gcloud auth
// application-default login; the service account of the machine. They are never part of a URL, an error or a log line.
// Client certificates (mutual TLS) are not supported by themselves: set Options.HTTPClient.
//
// A capture needs storage.objects.create, get and list on the bucket, and storage.objects.delete so that a probe can remove its
// object. The role Storage Object User (roles/storage.objectUser) has all of them.
//
// # The service
//
// This package does not create buckets. Retention policies, versioning and soft delete work with objects that are never
// overwritten. Chunks of a failed upload are invisible and free, and the service removes them after a week. NEARLINE, COLDLINE and
// ARCHIVE charge for objects that are removed within 30, 90 and 365 days.
//
// Limits: an object has at most 5 TiB, prefix and name together 1,024 bytes, the attributes 8 KiB. An upload in chunks holds
// one of them in memory. Objects that others stored with Content-Encoding: gzip are read unpacked. The service refuses names with a
// carriage return or a line feed.
//
// The package speaks the JSON API itself: Google's client libraries link gRPC, even where they use HTTP.
package gcsstore
