// Package gcsstore keeps blocks in Google Cloud Storage. A [Bucket] is a bucket there, or a folder of one, and keeps all that
// store.Bucket promises: an object is created whole, by ifGenerationMatch=0, and never replaces another; one that was not
// created leaves nothing to be seen.
//
// The flow, one way:
//
//	content → SHA-256, CRC32C → one request, or chunks of a resumable upload → CRC32C compared → what is there, if that leaves doubt
//
// The service refuses content whose CRC32C is not the one it was announced with, and what it says it has stored is compared
// once more. The SHA-256 and the attributes of the block stay in the object's metadata, so that a second try knows its own
// content again without reading it.
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
//	storage_class  STANDARD, NEARLINE, COLDLINE or ARCHIVE; the bucket's default if left out
//	kms_key        projects/P/locations/L/keyRings/R/cryptoKeys/K; the bucket's default if left out
//	user_project   pays, for buckets where the requester does
//	chunk_size     bytes, or as in 16MiB, the default; larger objects are sent in chunks of this size
//	endpoint       URL of an emulator or a private endpoint
//	anonymous      true: no credentials, as for emulators
//
// Unknown ones are refused, and so is a user in the URL. STORAGE_EMULATOR_HOST names an emulator too, as for all programs of
// Google's library; endpoint comes before it.
//
// # Credentials and permissions
//
// Credentials are found by the first use, as by all programs of Google's library: the file that
// GOOGLE_APPLICATION_CREDENTIALS names, be it a service account or a workload identity; the login of gcloud auth
// application-default login; the service account of the machine. They never stand in a URL, an error or a log.
//
// A capture needs storage.objects.create, get and list on the bucket, and storage.objects.delete only so that a probe can
// remove its object: the role Storage Object User (roles/storage.objectUser) has them all.
//
// # The service
//
// Buckets are not created. Retention policies, versioning and soft delete go well with objects that are never overwritten.
// Chunks of an upload that failed are invisible, cost nothing, and are gone after a week. NEARLINE, COLDLINE and ARCHIVE
// charge for objects that are removed within 30, 90 and 365 days.
//
// Limits: an object has at most 5 TiB, prefix and name together 1,024 bytes, the attributes 8 KiB. An upload in chunks holds
// one of them in memory. Objects that others stored with Content-Encoding: gzip are read unpacked. Names with carriage
// return or line feed are refused by the service.
//
// A program that links this package links the core of gRPC, because the options of Google's libraries name it. It is not used.
package gcsstore
