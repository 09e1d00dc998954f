package jetcapture

import (
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// A sabotage breaks one ingredient of the protocol, to see that the simulation notices.
type sabotage string

const (
	overwrites         sabotage = "the store overwrites"
	headForCreate      sabotage = "claims are settled by a look instead of a tombstone"
	unordered          sabotage = "a claim is checked without reading the log up to it"
	ackBeforeStored    sabotage = "messages are acknowledged before they are stored"
	forgetful          sabotage = "claims are forgotten though their messages are not acknowledged"
	ageless            sabotage = "blocks are claimed however old they are"
	oneClock           sabotage = "the age of blocks is by the monotonic clock alone"
	sequenceAlone      sabotage = "messages with the same sequence are taken for the same"
	epochsNotCut       sabotage = "segments do not end where the connection was lost"
	anchorsOnly        sabotage = "no file is read where times do not tell"
	lineageOfClaim     sabotage = "a claim has the lineage that is known when it is made"
	noEvidence         sabotage = "messages are acknowledged though the stream may have lost them"
	acksBuffered       sabotage = "acks are sent after the connection was lost"
	noRewind           sabotage = "nobody notices that the log has lost its end"
	appendsNotCompared sabotage = "nobody notices that the log has lost what was not read yet"
	syncBlind          sabotage = "the log counts as read though it is another one of the same length"
	noDoubt            sabotage = "nobody waits who has not read what the log has lost"
	allNew             sabotage = "nobody knows that others had messages before"
	noRestore          sabotage = "nobody appends again what the log has lost"
	noGrace            sabotage = "nobody waits until others have appended again what the log has lost"
	noAdopt            sabotage = "nobody looks for files that the log does not know"
	ownFolder          sabotage = "nobody looks for such files in folders of others"
	ownRetention       sabotage = "each capture has a retention of its own"
	ownPlace           sabotage = "tombstones go to the folder of who settles"
)

// needs has the traits of the schedules in which a sabotage shows, where that is seldom with others among them.
var needs = map[sabotage]traits{
	oneClock:     {clocks: true},
	epochsNotCut: {streamLoss: true},
	ownRetention: {retentions: true},
	syncBlind:    {logLoss: true, streamLoss: true},
	noRestore:    {logLoss: true, acksLost: true, layouts: true},
	noDoubt:      {logLoss: true},
	noGrace:      {logLoss: true},
	ownFolder:    {logLoss: true, acksLost: true, layouts: true},
}

// rare has a seed less than 400 before the first that shows a sabotage, where the first 400 do not.
var rare = map[sabotage]uint64{
	forgetful: 51_900, ageless: 123_800, anchorsOnly: 400, acksBuffered: 900, syncBlind: 129_500, noDoubt: 600, noRestore: 3_400, noGrace: 3_500,
	noAdopt: 1_100, ownFolder: 900, ownRetention: 188_000,
}

// sabotages are those that show. oneClock, epochsNotCut and lineageOfClaim are not among them: 100,000 schedules are too few for these. The tests
// of internal/elapsed and of ledger.Segments show the first two.
var sabotages = []sabotage{
	overwrites, headForCreate, unordered, ackBeforeStored, forgetful, ageless, sequenceAlone, anchorsOnly,
	noEvidence, acksBuffered, noRewind, appendsNotCompared, syncBlind, noDoubt, allNew, noRestore, noGrace,
	noAdopt, ownFolder, ownRetention, ownPlace,
}

// The race detector never frees what it keeps of a coroutine, 20 KiB each: schedules by the ten thousand would take all memory.
func TestSimulationNoticesWhenAnIngredientIsMissing(t *testing.T) {
	capturetest.WithoutRace(t)
	for _, s := range sabotages {
		t.Run(string(s), func(t *testing.T) {
			began := time.Now()
			w, seed := simulate(rare[s], 1_000_000, s, s)
			if w == nil {
				t.Fatal("nothing was noticed")
			}
			t.Logf("seed %d: %v (%v)", seed, w.violated, time.Since(began).Round(time.Second))
		})
	}
}
