package ledger

// A Message identifies a message of a stream. Its sequence alone does not: a server that lost the end of a stream gives the same
// sequences to new messages. Each delivery of a message has the same time.
type Message struct {
	Seq  uint64 // of the stream
	Time int64  // when the stream took it, in nanoseconds since 1970
}
