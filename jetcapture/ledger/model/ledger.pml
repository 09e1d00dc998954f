/* The claim ledger, as a model: see README.md here for how to check it, and the documentation of package ledger for what
   it is a model of.

   Two captures share one consumer. Any of them may crash between any two steps, a write on the wire may land at any later
   time, and the server may deliver any message that is not acknowledged to anyone at any time, again and again, also to a
   capture that starts after a crash. It is safe if no message is ever in two files, and no acknowledged one in none.

   Each of these leaves out one ingredient. With any of them a counterexample must be found:
     -DOVERWRITE    writes take the place of what has the name
     -DHEAD         a claim is settled by looking whether its file is there, instead of by a tombstone
     -DUNORDERED    a capture does not read the ledger up to its own claim
     -DACKFIRST     messages are acknowledged before their file is there
     -DFORGETSOON   entries, and with them tombstones, are forgotten while somebody holds what they are about */

#ifndef DELIVERIES
#define DELIVERIES 3 /* of each message */
#endif
#ifndef CRASHES
#define CRASHES 2 /* in all */
#endif
#define BLOCKS 4
#define NONE 255

/* The server: two messages, as bits 1 and 2 of a set. */
bool acked[2];
byte delivered[2];

/* The store: files by the block whose name they have, and writes of data that have left their capture. */
#define DATA 1
#define TOMBSTONE 2
byte file[BLOCKS];
bool wire[BLOCKS];

/* The ledger: claims in the order in which the log took them, so a block's number is its claim's place. */
#define CLAIMED 1
#define STORED 2
#define ABORTED 3
#define FORGOTTEN 4
byte claims;
byte set[BLOCKS];
byte state[BLOCKS];

/* The captures: the messages that each holds, and the block that it is about to store. */
byte holds[2];
byte stores[2] = NONE;
byte crashes;

#define IN(b, m) (file[b] == DATA && ((set[b] >> m) & 1))
#define FILES(m) (IN(0, m) + IN(1, m) + IN(2, m) + IN(3, m))
#define SAFE(m) (FILES(m) <= 1 && (!acked[m] || FILES(m) == 1))

inline safe() { assert(SAFE(0) && SAFE(1)) }

inline ack(m) { atomic { acked[m] = true; safe() } }

/* A write of data arrives. It is create-only: a file that is there stays. */
inline land(b) {
	atomic {
		wire[b];
		wire[b] = false;
		if
#ifndef OVERWRITE
		:: file[b] != 0 -> skip
		:: else
#else
		:: true
#endif
		   -> file[b] = DATA; safe()
		fi
	}
}

/* What nobody can need any more is forgotten: the claim is settled, its messages are acknowledged, so they are never
   delivered again, and for longer than anything may last nobody has held a copy of them or been about to write the file.
   Its tombstone is removed then. */
#define SETTLED(b) (state[b] == STORED || state[b] == ABORTED)
#define PASSED(b) ((!(set[b] & 1) || acked[0]) && (!(set[b] & 2) || acked[1]))
#ifdef FORGETSOON
#define UNTOUCHED(b) true
#else
#define UNTOUCHED(b) (!wire[b] && !((holds[0] | holds[1]) & set[b]) && stores[0] != b && stores[1] != b)
#endif

inline forget(b) {
	atomic {
		(SETTLED(b) && PASSED(b) && UNTOUCHED(b)) -> state[b] = FORGOTTEN;
		if
		:: file[b] == TOMBSTONE -> file[b] = 0
		:: else
		fi
	}
}

active proctype world() {
end:
	do
	:: land(0) :: land(1) :: land(2) :: land(3)
	:: forget(0) :: forget(1) :: forget(2) :: forget(3)
	od
}

inline mark(b, to) {
	atomic {
		if
		:: state[b] == CLAIMED -> state[b] = to
		:: else /* somebody was faster */
		fi
	}
}

/* Between any two steps. */
#define CRASH atomic { crashes < CRASHES -> crashes++ }; goto start

active [2] proctype capture() {
	byte me, b, c, duplicates, rival;
	me = _pid - 1;

start:
	atomic { holds[me] = 0; stores[me] = NONE; b = 0; c = 0; duplicates = 0; rival = 0 };

fill:
end:
	if
	:: atomic { delivered[0] < DELIVERIES && !acked[0] && !(holds[me] & 1) -> delivered[0]++; holds[me] = holds[me] | 1 }; goto fill
	:: atomic { delivered[1] < DELIVERIES && !acked[1] && !(holds[me] & 2) -> delivered[1]++; holds[me] = holds[me] | 2 }; goto fill
	:: atomic { holds[me] && claims < BLOCKS -> b = claims; claims++; set[b] = holds[me]; state[b] = CLAIMED; stores[me] = b }
	:: atomic { holds[me] && crashes < CRASHES -> crashes++ }; goto start
	fi;

#ifdef ACKFIRST
	if :: holds[me] & 1 -> ack(0) :: else fi;
#endif

check: /* earlier claims that share a message and are not aborted */
	if :: CRASH :: skip fi;
	atomic {
		duplicates = 0; rival = NONE; c = 0;
#ifdef UNORDERED
		if :: skip :: c = b fi; /* what others have appended is not read yet */
#endif
		do
		:: c < b ->
			if
			:: (set[c] & holds[me]) && state[c] == STORED -> duplicates = duplicates | (set[c] & holds[me])
			:: (set[c] & holds[me]) && state[c] == CLAIMED -> rival = c
			:: else
			fi;
			c++
		:: else -> break
		od;
		c = 0
	}
	if
	:: rival != NONE -> /* settle it by its file */
#ifdef HEAD
		skip;
#else
		atomic {
			if
			:: file[rival] == 0 -> file[rival] = TOMBSTONE
#ifdef OVERWRITE
			:: file[rival] == DATA -> file[rival] = TOMBSTONE; safe()
#endif
			:: else
			fi;
			c = file[rival]
		};
		if :: CRASH :: skip fi;
#endif
		atomic {
#ifdef HEAD
			c = file[rival];
#endif
			if
			:: c == DATA -> mark(rival, STORED)
			:: else -> mark(rival, ABORTED)
			fi;
			c = 0
		}
		goto check
	:: else
	fi;

	if
	:: state[b] == ABORTED -> goto start /* somebody held this capture for dead */
	:: duplicates -> /* they are in files: the block is given up, its other messages come again */
		mark(b, ABORTED);
		if :: duplicates & 1 -> ack(0) :: else fi;
		if :: duplicates & 2 -> ack(1) :: else fi;
		goto start
	:: else
	fi;

	/* store: the write leaves, lands at some time, and then is answered */
	if :: CRASH :: wire[b] = true fi;
	if :: CRASH :: !wire[b] fi;
	if
	:: file[b] == TOMBSTONE -> mark(b, ABORTED); goto start
	:: else
	fi;
	if :: CRASH :: mark(b, STORED) fi;

	if :: holds[me] & 1 -> ack(0) :: else fi;
	if :: CRASH :: skip fi;
	if :: holds[me] & 2 -> ack(1) :: else fi;
	goto start
}
