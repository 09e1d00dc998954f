package store

// Attributed is content that describes itself. The BlockStores of Blocks pass the attributes of such a block to their Bucket, which
// keeps them beside the object if it can, so that programs can tell what a file has without reading it.
//
// The capture's blocks have stream, consumer, first_seq, last_seq, messages, rows, start, end, block, and the attributes of
// their writer, such as schema, a fingerprint.
//
// Names consist of lower-case letters, digits and underscores and start with a letter, since all clouds allow these. Values are
// any text. All together should stay below 2 KB, the limit of S3.
type Attributed interface {
	Attributes() map[string]string
}
