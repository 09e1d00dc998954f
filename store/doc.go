// Package store puts finished blocks into folders and buckets. A block that was stored is whole, durable and visible
// under a name that nothing else ever had; a block that was not stored leaves nothing to be seen.
//
// The flow, one way:
//
//	block, destination key → Blocks (folder of the key by HivePath, folder of the interval by a Layout) → Bucket → location
//
// A [BlockStore] is what a capture writes to. A [Bucket] is the thin part below it that differs from place to place:
// [Dir] is a local folder, [Mem] lives in memory, the packages s3store, azurestore and gcsstore talk to the clouds, and
// package storetest holds the suite that each of them passes. [Open] finds the Bucket of a URL, and [Probe] says whether it
// can be used. [Timeout], [Limit] and [Retry] put around a Bucket what it does not do itself, best in this order from the
// inside; [Choose] gives destination keys stores of their own, and [NewReaderAt] reads an object at any place.
//
// Creation is the only way in: nothing is ever overwritten, and whoever comes second to a name is told so by
// [fs.ErrExist]. Exactly-once delivery stands on that. It needs a [Locator] too, which says where a block goes before it is
// written, and [Identify], which tells one store from another.
//
// Limits: names differ in case, so on file systems that do not tell case apart (macOS, Windows) two destination keys may
// share a folder, though never a file. A local folder must be able to hard-link, or on Linux to rename without
// replacing. A Bucket by itself waits for nothing and retries little: that is for the caller, who knows how long to wait, as
// a capture does, or for Retry; see [Permanent].
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
