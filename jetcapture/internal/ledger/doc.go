// Package ledger lets any number of captures that share a consumer put every message into exactly one file, whatever
// crashes, stalls or is delivered again. It needs no leader and no synchronised clocks, only a store that never
// overwrites, and a JetStream stream.
//
// The ledger is that stream: an append-only log of what happens to blocks, in one order for all. Before a block is stored
// its capture appends a claim, with the place of the file and the messages in it. Then it reads the log up to its own claim:
//
//	claim → check earlier claims → store (create-only) → ack → mark stored
//
// Acks need not wait for the mark: the claim and the file prove that the block is stored.
//
// An earlier claim that shares a message and is stored means that this message is a duplicate: it is acknowledged, the
// block is given up, and its other messages are delivered again. An earlier claim that is neither stored nor aborted is
// settled, by trying to create a tombstone, an empty file, at its place: the store decides. If the tombstone is created
// the claim is aborted permanently, since its owner, however late, finds the name taken. If the name is taken already, the
// file is there and the claim is stored. The place in a claim is resolved, so it does not matter with which settings the
// capture that settles it makes its own folders.
//
// [Book] is the fold of the log, a pure state machine. [Ledger] is the protocol over a [Log] and a store, [Files]. [Stream] is
// the Log on JetStream.
//
// # Messages and forks
//
// A message is a sequence and a time, because a stream that has lost its end gives the same sequences to new messages. A
// claim has [Segments]: sets of sequences whose times never fall. A segment keeps the times of its first and last message and of
// about one in a thousand between, its anchors. A message is taken for one of the segment if its time lies between those of
// the anchors around it.
//
// A [Fork] is where the stream lost its end. The log has all of them: they are the stream's lineage, and a claim names the latest
// fork that its capture knew. A fork switches no claim off. It only tells for which messages a time is no proof, since
// the server's clock went back: for these the claim's file is read.
//
// # A log that has lost its end
//
// The log may lose its end too. A capture that continues to read it begins with the last entry that it has read, and compares it; entries
// that are fetched and answers to appends must fit as well. After a loss the Book is read again from the start of the log. Each capture
// appends its lost claims again, see [Ledger.Restore], and for Options.RewindGrace nothing is stored. A claim that was appended again may
// have been made before any other, whatever its place in the log.
//
// Claims of captures that have ended are found in the store. Before Commit stores a block with messages that another capture may have had, it
// claims the files that the Book does not know: in the folder of the block, and in folders of captures with other flags, which are known by
// other claims. If such a file does not say which messages it has, Commit returns ErrUncertain.
//
// # Settings
//
// The retention and the id of the store are in the log too, and hold for all captures: see [Ledger.Agree]. An entry is kept until the
// consumer's ack floor has passed it, and longer by the retention, because open blocks may still have copies of its messages. A block that is
// older than half the retention is not stored any more. While the retention changes, entries are kept by the longer
// one, and blocks are too old by the shorter one.
//
// # Who is at work
//
// Captures record in the log whether they are at work. A capture that alone may use a consumer takes it, see [Ledger.Take]: it asks first
// whether the owner is at work, and the owner answers. A capture owns the consumer as long as the log, read to its end, says so:
// [Ledger.Owns]. An owner that was too slow to answer learns that the consumer has another owner before it acknowledges any more messages.
// [Ledger.Others] asks if a consumer may have many captures.
//
// # Limits
//
// Messages whose claims are forgotten, and that come again because a user has reset the consumer, are known by their files only. Block.Age must not be too small because the machine was suspended or paused, or its clock was set back. A write that
// is delayed for longer than the retention may find its tombstone removed.
//
// If a claim is lost together with its capture, and its file arrives after Options.RewindGrace, no capture knows of it, and its messages may
// be in two files. The same happens if the file is in a folder of a capture with other flags, and the Book has no claim near that folder.
//
// If a server's clock went back after a stream has lost its end, and the log does not have the fork yet, a new message whose
// time is between two anchors of an old claim counts as an old one.
package ledger
