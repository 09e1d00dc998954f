package store

// Attributed is what a block may be beside an io.ReadSeeker: content that tells what is in it. A BlockStore of Blocks
// hands the attributes to its Bucket, which keeps them beside the object, where it can, so that a listing of a lake says
// what its files are without reading them.
//
// The capture's blocks have stream, consumer, first_seq, last_seq, messages, rows, start, end, block, and what their
// writer adds, such as schema, a fingerprint.
//
// Names are lower-case letters, digits and underscores and start with a letter, since that is what all clouds allow;
// values are any text. All together should stay below 2 KB, S3's limit.
type Attributed interface {
	Attributes() map[string]string
}
