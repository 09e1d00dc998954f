// Package ledger lets any number of captures that share a consumer put every message into exactly one file, whatever
// crashes, stalls or is delivered again. It needs no leader and no synchronised clocks, only a store that never
// overwrites, and a JetStream stream.
//
// The ledger is that stream: an append-only log of what happens to blocks, in one order for all. Before a block is stored
// its capture appends a claim, with the name of the file and the set of stream sequences in it. Then it reads the log up
// to its own claim:
//
//	claim → check earlier claims → store (create-only) → mark stored → ack
//
// An earlier claim that shares a message and is stored means that this message is a duplicate: it is acknowledged, the
// block is given up, and its other messages are delivered again. An earlier claim that is neither stored nor aborted is
// settled, by trying to create a tombstone, an empty file, under its name: the store decides. If the tombstone is created
// the claim is aborted for ever, since its owner, however late, finds the name taken; if the name is taken already, the
// file is there and the claim is stored.
//
// [Book] is the fold of the log, a pure state machine. [Ledger] is the protocol over a [Log] and a store. [Stream] is the
// Log on JetStream.
//
// Limits: a consumer that was deleted, or reset by hand to before what the ledger remembers, delivers messages that nobody
// remembers any more. An entry is kept until the consumer's ack floor has passed it, and Options.Retention longer, for
// copies that may still sit in somebody's open block; a block older than half of that is not claimed any more.
package ledger
