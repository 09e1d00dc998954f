// Package store puts finished blocks into folders and buckets. A block that was stored is whole, durable and visible
// under a name that no other content ever had. A block that was not stored leaves nothing visible.
//
// The flow, one way:
//
//	block, destination key → Blocks (folder of the key by HivePath, folder of the interval by a Layout) → Bucket → location
//
// A capture writes to a [BlockStore]. Below it is a [Bucket], the thin part that differs from place to place: [Dir] is a local
// folder, [Mem] is in memory, the packages s3store, azurestore and gcsstore talk to the clouds, and package storetest has the suite
// that each of them passes. [Open] returns the Bucket of a URL, and [Probe] tests whether it can be used. [Timeout], [Limit] and
// [Retry] add to a Bucket what it does not do itself, best in this order from the inside out. [Choose] gives destination keys
// stores of their own, and [NewReaderAt] reads an object at any offset.
//
// Objects are only created, never overwritten: whoever comes second to a name gets [fs.ErrExist]. Exactly-once delivery relies on
// that. It also needs a [Locator], which says where a block will go before it is written, and [Identify], which tells one store
// from another.
//
// Limits: on file systems that ignore case (macOS, Windows) two destination keys may share a folder, though never a file. A local
// file system must support hard links, or on Linux a rename that never replaces. A Bucket retries little by itself, since only the
// caller knows how long to wait: a capture retries, and so does Retry; see [Permanent].
//
//	lake := store.Blocks[string](store.NewDir("/lake"), nil)
//
//	block, err := os.Open("/tmp/block.parquet")
//	if err != nil {
//		return err
//	}
//	defer block.Close()
//
//	folder := store.HiveLayout(start) // date=2026-11-23/hour=12
//	location, n, took, err := lake.Write(ctx, block, "orders", folder, "0001.parquet")
package store
