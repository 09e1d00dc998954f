/* The claim ledger, as a model: see README.md here for how to check it, and the documentation of package ledger for what
   it is a model of.

   Two captures share one consumer. Any of them may crash between any two steps, a write on the wire may land at any later
   time, and the server may deliver any message that is not acknowledged to anyone at any time, again and again, also to a
   capture that starts after a crash. It is safe if no message is ever in two files, and no acknowledged one in none.

   A scenario adds one kind of trouble. One at a time, because their states multiply:
     -DSTREAMLOST  the server loses the tail of the stream, and gives its sequences to new messages
     -DTIMEBACK    the same, and the new messages have times that lie between those of the old ones
     -DLEDGERLOST  the server loses the tail of the ledger, and gives its places to new entries
     -DRETENTION   time passes, entries are forgotten by it, the retention changes, and clocks stand still
     -DFLAGS       captures of one consumer put their files into different places

   check.sh lists the mutants of each: definitions that leave out one rule. Each must lead to a counterexample. */

#ifdef TIMEBACK
#define STREAMLOST
#endif

/* How far each goes: deliveries of each message, crashes, claims, and sequences that are used. */
#if defined(LEDGERLOST)
#define LIMITS(base, stream, timeback, ledger, retention, flags) ledger
#elif defined(TIMEBACK)
#define LIMITS(base, stream, timeback, ledger, retention, flags) timeback
#elif defined(STREAMLOST)
#define LIMITS(base, stream, timeback, ledger, retention, flags) stream
#elif defined(RETENTION)
#define LIMITS(base, stream, timeback, ledger, retention, flags) retention
#elif defined(FLAGS)
#define LIMITS(base, stream, timeback, ledger, retention, flags) flags
#else
#define LIMITS(base, stream, timeback, ledger, retention, flags) base
#endif
#ifndef DELIVERIES
#define DELIVERIES LIMITS(3, 2, 2, 3, 2, 2)
#endif
#ifndef CRASHES
#define CRASHES LIMITS(2, 0, 1, 1, 0, 1)
#endif
#ifndef CLAIMS
#define CLAIMS LIMITS(4, 3, 3, 3, 2, 4)
#endif
#ifndef PUBLISHED
#define PUBLISHED LIMITS(2, 2, 1, 1, 1, 2)
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#define BLOCKS 4 /* that have names; at most CLAIMS are claimed */
#define NONE 255

/* The server: two sequences. A message is a bit of a set: 1 and 2, and the messages that take their sequences after the
   tail was lost are 4 and 8. there is the message that has a sequence now. */
#ifdef STREAMLOST
#define MESSAGES 4
byte there[2];
#define THERE(s) there[s]
#define SEQUENCE(m) ((m) & 1)
#define SAMESEQUENCE(x) ((((x) << 2) | ((x) >> 2)) & 15) /* the other messages that have, or had, these sequences */
byte losses;
#else
#define MESSAGES 2
#define THERE(s) s
#define SEQUENCE(m) m
#endif
bool acked[MESSAGES];
byte delivered[MESSAGES];

/* The store: files by their place, and writes of data that have left their capture. A place is a block's name below the
   folder that a capture's flags lead to. */
#define DATA 1
#define TOMBSTONE 2
#ifdef FLAGS
byte file[8];
bit flags[2];
bit claimed[BLOCKS]; /* the location in the claim */
#define AT(b) (b + BLOCKS * claimed[b])
#else
byte file[BLOCKS];
#define AT(b) b
#endif
bool wire[BLOCKS];

/* The ledger: claims in the order in which the log took them, so a block's number is its claim's place. If tails can be
   lost it is not, and both the claim and the later state have a place. */
#define CLAIMED 1
#define STORED 2
#define ABORTED 3
#define FORGOTTEN 4
#define LOST 5 /* with the tail */
byte claims;
byte set[BLOCKS];
byte state[BLOCKS];
#ifdef LEDGERLOST
byte length;         /* of the log */
byte place[BLOCKS];  /* of the claim */
byte settled[BLOCKS]; /* the place of the later state */
byte owner[BLOCKS];
byte recall[BLOCKS]; /* the state, as the owner knows it; 0 once it has crashed or aborted the claim */
bool again[BLOCKS];  /* the claim was appended again after a loss */
byte losses;
/* Whether claim c counts when b is checked. That is no order: of two claims each may count for the other. */
#ifdef BYPLACE
#define BEFORE(c, b) (place[c] < place[b])
#elif defined(AGAINBYPLACE)
#define BEFORE(c, b) (again[c] == again[b] -> place[c] < place[b] : again[c])
#elif defined(AGAININORDER)
#define BEFORE(c, b) ((again[c] && !again[b]) || place[c] < place[b])
#else
#define BEFORE(c, b) (again[c] || place[c] < place[b])
#endif
#else
#define BEFORE(c, b) (c < b)
#endif

/* The captures: the messages that each holds, and the block that it is about to store. */
byte holds[2];
byte stores[2] = NONE;
byte crashes;

#define HAS(x, m) (((x) >> (m)) & 1)
#define IN(b, m) (file[AT(b)] == DATA && HAS(set[b], m))
#define FILES(m) (IN(0, m) + IN(1, m) + IN(2, m) + IN(3, m))
#define SAFE(m) (FILES(m) <= 1 && (!acked[m] || FILES(m) == 1))

#ifdef STREAMLOST
inline safe() { assert(SAFE(0) && SAFE(1) && SAFE(2) && SAFE(3)) }
#else
inline safe() { assert(SAFE(0) && SAFE(1)) }
#endif

/* The server knows acknowledgements by their sequence alone. */
inline ack(s) { atomic { acked[THERE(s)] = true; safe() } }

/* A write of data arrives. It is create-only: a file that is there stays. */
inline land(b) {
	atomic {
		wire[b];
		wire[b] = false;
#ifdef RETENTION
		due[b] = 0;
#endif
		if
#ifndef OVERWRITE
		:: file[AT(b)] != 0 -> skip
		:: else
#else
		:: true
#endif
		   -> file[AT(b)] = DATA; safe()
		fi
	}
}

#ifdef RETENTION
/* Time in abstract units. The retention is a setting of the ledger. It changes once, from the short to the long one or the
   other way round. */
#define SHORT 1
#ifdef ONEOLDPERIOD
#define LONG 6 /* the difference must be large for this one */
#else
#define LONG 3
#endif
#ifndef END
#define END 7
#endif
byte now;
bool begun;
bool grows;
byte changed = NONE;
byte since[BLOCKS] = NONE; /* when it was seen that the claim is settled and passed */
byte due[BLOCKS];          /* until when a write lands */
byte oldest[2];            /* when the first message of the block was received */
#ifdef ONECLOCK
byte missed[2];            /* how much of that a clock that stood still has missed */
#define AGE(k) (now - oldest[k] - missed[k])
#else
#define AGE(k) (now - oldest[k])
#endif
#define OLD (grows -> SHORT : LONG)
#define NEW (grows -> LONG : SHORT)
#ifdef ONEOLDPERIOD
#define CHANGING (now - changed < OLD)
#else
#define CHANGING (now - changed < LONG)
#endif
#define SETTING(meanwhile) (changed == NONE -> OLD : (CHANGING -> meanwhile : NEW))
/* KEEPS is how long entries are kept, and BLOCKAGE(k) how old a block may be that capture k stores. A write lands within the
   same time. */
#ifdef OWNRETENTION
#define KEEPS SHORT
#define BLOCKAGE(k) (((k == 0 -> LONG : SHORT) - 1) / 2)
#else
#ifdef LAGGINGKEEP
#define KEEPS OLD
#else
#define KEEPS SETTING(LONG)
#endif
#ifdef LARGERFORBOTH
#define BLOCKAGE(k) ((SETTING(LONG) - 1) / 2)
#else
#define BLOCKAGE(k) ((SETTING(SHORT) - 1) / 2)
#endif
#endif

#define NOTDUE(b) (!wire[b] || now < due[b])
inline tick() {
	atomic {
		now < END && NOTDUE(0) && NOTDUE(1) && NOTDUE(2) && NOTDUE(3);
		now++;
#ifdef ONECLOCK
		if :: holds[0] != 0 -> missed[0]++ :: skip fi;
		if :: holds[1] != 0 -> missed[1]++ :: skip fi
#endif
	}
}
#endif

/* What nobody can need any more is forgotten: the claim is settled, its messages are acknowledged, so they are never
   delivered again, and for longer than anything may last nobody has held a copy of them or been about to write the file.
   Its tombstone is removed then. */
#define SETTLED(b) (state[b] == STORED || state[b] == ABORTED)
#ifdef STREAMLOST
#define PASSED(b) ((!(set[b] & 5) || acked[there[0]]) && (!(set[b] & 10) || acked[there[1]]))
#else
#define PASSED(b) ((!(set[b] & 1) || acked[0]) && (!(set[b] & 2) || acked[1]))
#endif
#ifdef RETENTION
#define UNTOUCHED(b) (since[b] != NONE && now - since[b] >= KEEPS)
#elif defined(FORGETSOON)
#define UNTOUCHED(b) true
#else
#define UNTOUCHED(b) (!wire[b] && !((holds[0] | holds[1]) & set[b]) && stores[0] != b && stores[1] != b)
#endif

inline forget(b) {
	atomic {
		(SETTLED(b) && PASSED(b) && UNTOUCHED(b)) -> state[b] = FORGOTTEN;
		if
		:: file[AT(b)] == TOMBSTONE -> file[AT(b)] = 0
		:: else
		fi
	}
}

/* At a restart the server may have lost acknowledgements. Those of messages whose claims were forgotten are older than
   that, and safe on its disk. */
#define REMEMBERED(b, m) (state[b] != FORGOTTEN || !HAS(set[b], m))
inline unack(m) {
	if
	:: acked[m] && REMEMBERED(0, m) && REMEMBERED(1, m) && REMEMBERED(2, m) && REMEMBERED(3, m) -> acked[m] = false
	:: skip
	fi
}

#ifdef STREAMLOST
/* A connection ends when the server goes down. fresh are the messages that were delivered on the present connection, or
   that a capture has read by their sequence on it and found with the same time. */
bool live[2] = true;
byte fresh[2];
#ifdef TIMEBACK
bool back;          /* the new messages have times between those of the old ones */
bool vague[BLOCKS]; /* the claim knows its messages by a range of times, not by an anchor */
byte sure[2];       /* the claims whose last anchor was found in the stream on the present connection */
bool knows[2];      /* of the fork, for the mutant that relies on that */
#endif

inline loseStream(from) {
	atomic {
		losses < LOSSES;
		losses++;
		if
		:: from == 1 -> unack(0)
		:: else -> there[0] = 2
		fi;
		there[1] = 3;
#ifndef CLUSTER
		live[0] = false;
		live[1] = false;
#endif
#ifdef TIMEBACK
		if :: back = true :: skip fi
#endif
	}
}

inline reconnect(k) {
	atomic {
		!live[k];
		live[k] = true;
#ifndef STALEACK
		fresh[k] = 0;
#endif
#if defined(TIMEBACK) && !defined(OLDEVIDENCE)
		sure[k] = 0
#endif
	}
}
#endif

#ifdef TIMEBACK
/* Reads the message at a claim's last anchor. If it is there with the same time, all before it is as it was. */
#define ANCHORED(c) ((set[c] & 10) -> HAS(set[c], there[1]) : HAS(set[c], there[0]))
inline look(k, c) {
	atomic { live[k] && vague[c] && !HAS(sure[k], c) && ANCHORED(c) -> sure[k] = sure[k] | (1 << c) }
}
#define REAL(c) (set[c] & holds[me])
#define SIMILAR(c) (REAL(c) | (vague[c] && back -> SAMESEQUENCE(set[c]) & holds[me] : 0))
#define MAYSHARE(c) SIMILAR(c)
#ifdef ANCHORSONLY
#define SHARED(c) SIMILAR(c)
#elif defined(UNSEENFORK)
#define SHARED(c) (knows[me] -> REAL(c) : SIMILAR(c))
#elif defined(HELDRANGE)
#define SHARED(c) (HAS(sure[me], c) -> SIMILAR(c) : REAL(c))
#else
/* A range decides if the claim's last anchor and the message itself were found on this connection; else the file does. */
#define SHARED(c) (HAS(sure[me], c) -> (SIMILAR(c) & fresh[me]) | (REAL(c) & ~fresh[me]) : REAL(c))
#endif
#elif defined(BYSEQUENCE)
#define SHARED(c) ((set[c] | SAMESEQUENCE(set[c])) & holds[me])
#define MAYSHARE(c) SHARED(c)
#else
#define SHARED(c) (set[c] & holds[me])
#define MAYSHARE(c) SHARED(c)
#endif

#ifdef LEDGERLOST
/* What a capture has to do before it checks a claim: 2 is to append its claims again, 1 to wait until all others have done
   so and no write is on the wire that no claim in the log is about, and to take over the files that the log does not know.
   Every connection begins with 2, every start with 1; as long as nothing was lost that does nothing, so 0 stands for it. */
byte todo[2];
#ifdef NOTICEONLY
byte readTo[2]; /* up to where it has read the log */
#endif
#ifdef NOREBUILD
bool old[2];   /* the book is from before the loss */
byte read;     /* up to where it was read then */
byte lostFrom = NONE;
#define KNOWN(c) (!old[me] || owner[c] == me || place[c] < lostFrom || place[c] >= read)
#else
#define KNOWN(c) true
#endif

inline loseEntries(b, from) {
	if
	:: (state[b] == CLAIMED || SETTLED(b)) && place[b] >= from -> state[b] = LOST; place[b] = 0; settled[b] = 0
	:: SETTLED(b) && place[b] < from && settled[b] >= from -> state[b] = CLAIMED; settled[b] = 0
	:: else
	fi
}

inline loseLedger(from) {
	atomic {
		losses < LOSSES && length > from;
		losses++;
#ifdef NOREBUILD
		read = length;
		lostFrom = from;
		old[0] = true;
		old[1] = true;
#endif
		loseEntries(0, from);
		loseEntries(1, from);
		loseEntries(2, from);
		loseEntries(3, from);
		length = from;
#ifdef NOTICEONLY
		if :: readTo[0] > from -> todo[0] = 2 :: else fi;
		if :: readTo[1] > from -> todo[1] = 2 :: else fi;
#else
		todo[0] = 2;
		todo[1] = 2;
#endif
		unack(0);
		unack(1)
	}
}

inline append(b, to) {
	state[b] = to;
	again[b] = true;
	place[b] = length;
	length++;
	if
	:: to != CLAIMED -> settled[b] = length; length++
	:: else
	fi
}

inline appendAgain(k, b) {
	if
	:: state[b] == LOST && owner[b] == k && recall[b] != 0 -> append(b, recall[b])
	:: else
	fi
}

inline reappend(k) {
	atomic {
		todo[k] == 2;
#ifndef NOREAPPEND
		appendAgain(k, 0);
		appendAgain(k, 1);
		appendAgain(k, 2);
		appendAgain(k, 3);
#endif
		todo[k] = 1
	}
}

inline takeOver(b) {
	if
	:: state[b] == LOST && file[b] == DATA -> append(b, STORED)
	:: else
	fi
}

#define COMING(b) (state[b] == LOST && wire[b])
#ifdef NOWAIT
#define OTHERSDONE(k) true
#else
#define OTHERSDONE(k) (todo[1 - k] != 2 && !COMING(0) && !COMING(1) && !COMING(2) && !COMING(3))
#endif
inline quiet(k) {
	atomic {
		todo[k] == 1 && OTHERSDONE(k);
#ifndef NOTAKEOVER
		takeOver(0);
		takeOver(1);
		takeOver(2);
		takeOver(3);
#endif
		todo[k] = 0
	}
}

inline forgetOwn(b) { if :: owner[b] == me -> recall[b] = 0 :: else fi }
#else
#define KNOWN(c) true
#endif

#ifdef RETENTION
inline cover(b) { atomic { since[b] == NONE && SETTLED(b) && PASSED(b) -> since[b] = now } }
#endif

active proctype world() {
#ifdef RETENTION
	atomic {
		if :: grows = true :: skip fi;
		begun = true
	};
#endif
#ifdef STREAMLOST
	there[1] = 1;
#endif
end:
	do
	:: land(0) :: land(1) :: land(2) :: land(3)
	:: forget(0) :: forget(1) :: forget(2) :: forget(3)
#ifdef STREAMLOST
	:: loseStream(0) :: loseStream(1)
	:: reconnect(0) :: reconnect(1)
#endif
#ifdef TIMEBACK
#ifdef UNSEENFORK
	:: atomic { losses && !knows[0] -> knows[0] = true } :: atomic { losses && !knows[1] -> knows[1] = true }
#elif !defined(ANCHORSONLY)
	:: look(0, 0) :: look(0, 1) :: look(0, 2) :: look(0, 3)
	:: look(1, 0) :: look(1, 1) :: look(1, 2) :: look(1, 3)
#endif
#endif
#ifdef LEDGERLOST
	:: loseLedger(0) :: loseLedger(1) :: loseLedger(2) :: loseLedger(3) :: loseLedger(4) :: loseLedger(5) :: loseLedger(6) :: loseLedger(7)
	:: reappend(0) :: reappend(1)
	:: quiet(0) :: quiet(1)
#endif
#ifdef RETENTION
	:: tick()
	:: atomic { changed == NONE && now > 0 -> changed = now }
	:: cover(0) :: cover(1) :: cover(2) :: cover(3)
#endif
	od
}

/* A state is appended over the claim, if that is what the log has last of the block. */
inline mark(b, to) {
	atomic {
#ifdef LEDGERLOST
		todo[me] != 2; /* else the connection is new, and the claim is appended again first */
#endif
		if
		:: state[b] == CLAIMED -> state[b] = to;
#ifdef LEDGERLOST
			settled[b] = length;
			length++
#endif
		:: else /* somebody was faster */
		fi;
#ifdef LEDGERLOST
		if
		:: owner[b] == me && recall[b] == CLAIMED -> recall[b] = (to == STORED -> STORED : 0)
		:: else
		fi
#endif
	}
}

#ifdef STREAMLOST
#define GONE ((there[0] == 0 -> 0 : 1) | (there[1] == 1 -> 0 : 2))
#define INFILE(m, which) (!HAS(which, m) || FILES(m) >= 1)
#endif

/* An acknowledgement names the message by its sequence. */
#ifdef STREAMLOST
inline give(m, which) {
	if
	:: HAS(which, m) ->
		/* the evidence, if the message is not from this connection */
		if
		:: HAS(fresh[me], m) -> skip
		:: !HAS(fresh[me], m) ->
			atomic {
				live[me];
				if
				:: there[SEQUENCE(m)] == m -> fresh[me] = fresh[me] | (1 << m)
				:: else
				fi
			}
		fi;
#ifdef BUFFEREDACK
		if
		:: HAS(fresh[me], m) -> ack(SEQUENCE(m))
		:: else
		fi
#else
		atomic {
			if
			:: live[me] && HAS(fresh[me], m) -> acked[there[SEQUENCE(m)]] = true; safe()
			:: else /* not sent: the message is delivered again */
			fi
		}
#endif
	:: else
	fi
}
#else
inline give(m, which) { if :: HAS(which, m) -> ack(m) :: else fi }
#endif

/* Between any two steps. */
#if defined(STREAMLOST) || defined(LEDGERLOST) || defined(FLAGS)
#define CRASHED crashed
#else
#define CRASHED start
#endif
#define CRASH atomic { crashes < CRASHES -> crashes++ }; goto CRASHED

#ifdef STREAMLOST
/* A block never holds one sequence twice. */
#define MAYHOLD(m) (live[me] && !HAS(holds[me] | SAMESEQUENCE(holds[me]), m))
#define MAYRECEIVE(m) (delivered[m] < DELIVERIES && !acked[m] && there[SEQUENCE(m)] == m && MAYHOLD(m))
#define RECEIVE(m) fresh[me] = fresh[me] | (1 << m); delivered[m]++; holds[me] = holds[me] | (1 << m)
#elif defined(RETENTION)
#define MAYRECEIVE(m) (delivered[m] < DELIVERIES && !acked[m] && !HAS(holds[me], m))
#define RECEIVE(m) oldest[me] = (holds[me] == 0 -> now : oldest[me]); delivered[m]++; holds[me] = holds[me] | (1 << m)
#else
#define MAYRECEIVE(m) (delivered[m] < DELIVERIES && !acked[m] && !HAS(holds[me], m))
#define RECEIVE(m) delivered[m]++; holds[me] = holds[me] | (1 << m)
#endif

active [2] proctype capture() {
	byte me, b, c, duplicates, rival;
	me = _pid - 1;
#ifdef RETENTION
	begun;
#endif
#ifdef FLAGS
	flags[me] = me;
#endif
	goto start;

#if defined(STREAMLOST) || defined(LEDGERLOST) || defined(FLAGS)
crashed:
	atomic {
#ifdef STREAMLOST
		live[me] = true;
		fresh[me] = 0;
#ifdef TIMEBACK
		sure[me] = 0;
#endif
#endif
#ifdef LEDGERLOST
#ifdef STARTATONCE
		todo[me] = 0;
		takeOver(0);
		takeOver(1);
		takeOver(2);
		takeOver(3);
#else
		todo[me] = (losses -> 1 : 0);
#endif
		forgetOwn(0);
		forgetOwn(1);
		forgetOwn(2);
		forgetOwn(3);
#ifdef NOREBUILD
		old[me] = false;
#endif
#ifdef NOTICEONLY
		readTo[me] = length;
#endif
#endif
#ifdef FLAGS
		if :: flags[me] = 1 - flags[me] :: skip fi; /* it is started with others */
#endif
		skip
	};
#endif

start:
	atomic {
		holds[me] = 0; stores[me] = NONE; b = 0; c = 0; duplicates = 0; rival = 0;
#ifdef RETENTION
		oldest[me] = 0;
#ifdef ONECLOCK
		missed[me] = 0
#endif
#endif
	};

fill:
end:
	if
	:: atomic { MAYRECEIVE(0) -> RECEIVE(0) }; goto fill
#if PUBLISHED > 1
	:: atomic { MAYRECEIVE(1) -> RECEIVE(1) }; goto fill
#endif
#ifdef STREAMLOST
	:: atomic { MAYRECEIVE(2) -> RECEIVE(2) }; goto fill
#if PUBLISHED > 1
	:: atomic { MAYRECEIVE(3) -> RECEIVE(3) }; goto fill
#endif
#endif
	:: atomic { holds[me] && claims < CLAIMS -> b = claims; claims++; set[b] = holds[me]; state[b] = CLAIMED; stores[me] = b;
#ifdef FLAGS
		claimed[b] = flags[me];
#endif
#ifdef LEDGERLOST
		place[b] = length; length++; owner[b] = me; recall[b] = CLAIMED;
#ifdef NOTICEONLY
		readTo[me] = length;
#endif
#endif
#ifdef TIMEBACK
		if :: vague[b] = true :: skip fi
#endif
		}
	:: atomic { holds[me] && crashes < CRASHES -> crashes++ }; goto CRASHED
	fi;

#ifdef ACKFIRST
	if :: holds[me] & 1 -> ack(0) :: else fi;
#endif

check: /* earlier claims that share a message and are not aborted */
	if :: CRASH :: skip fi;
	atomic {
#ifdef LEDGERLOST
		todo[me] == 0;
#elif defined(TIMEBACK)
		live[me]; /* the log is read on the same connection */
#endif
		duplicates = 0; rival = NONE; c = 0;
#ifdef UNORDERED
		if :: skip :: c = b fi; /* what others have appended is not read yet */
#endif
#ifdef LEDGERLOST
#ifdef NOTICEONLY
		readTo[me] = length;
#endif
		do
		:: c < claims ->
			if
			:: c != b && KNOWN(c) && BEFORE(c, b) && (set[c] & holds[me]) && state[c] == STORED -> duplicates = duplicates | (set[c] & holds[me])
			:: c != b && KNOWN(c) && BEFORE(c, b) && (set[c] & holds[me]) && state[c] == CLAIMED -> rival = c
			:: else
			fi;
			c++
		:: else -> break
		od;
#else
		do
		:: c < b ->
			if
			:: MAYSHARE(c) && state[c] == STORED -> duplicates = duplicates | (SHARED(c))
			:: MAYSHARE(c) && state[c] == CLAIMED -> rival = c
			:: else
			fi;
			c++
		:: else -> break
		od;
#endif
		c = 0
	}
	if
	:: rival != NONE -> /* settle it by its file */
#ifdef HEAD
		skip;
#elif defined(OWNPLACE)
		atomic {
			c = rival + BLOCKS * flags[me];
			if
			:: file[c] == 0 -> file[c] = TOMBSTONE
			:: else
			fi;
			c = file[c]
		};
		if :: CRASH :: skip fi;
#else
		atomic {
			if
			:: file[AT(rival)] == 0 -> file[AT(rival)] = TOMBSTONE
#ifdef OVERWRITE
			:: file[AT(rival)] == DATA -> file[AT(rival)] = TOMBSTONE; safe()
#endif
			:: else
			fi;
			c = file[AT(rival)]
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
	:: state[b] == ABORTED -> goto release /* somebody held this capture for dead */
	:: duplicates -> /* they are in files: the block is given up, its other messages come again */
		mark(b, ABORTED);
		give(0, duplicates);
		give(1, duplicates);
#ifdef STREAMLOST
		give(2, duplicates);
		give(3, duplicates);
#endif
		goto release
	:: else
	fi;

	/* store: the write leaves, lands at some time, and then is answered */
#ifdef RETENTION
	if
	:: CRASH
	:: atomic { AGE(me) <= BLOCKAGE(me) -> wire[b] = true; due[b] = now + BLOCKAGE(me) }
	:: AGE(me) > BLOCKAGE(me) -> mark(b, ABORTED); goto release
	fi;
#else
	if :: CRASH :: wire[b] = true fi;
#endif
	if :: CRASH :: !wire[b] fi;
	if
	:: file[AT(b)] == TOMBSTONE -> mark(b, ABORTED); goto release
	:: else
	fi;

	/* the file and its claim prove that the block is stored: acks need not wait for the log */
	give(0, holds[me]);
	if :: CRASH :: skip fi;
	give(1, holds[me]);
#ifdef STREAMLOST
	give(2, holds[me]);
	give(3, holds[me]);
#endif
	if :: CRASH :: mark(b, STORED) fi;
	goto start;

release: /* what is not in a file is delivered again */
#ifdef STREAMLOST
	/* Only, the server cannot deliver again what it has lost: that is stored in another block. */
	atomic {
		live[me];
		assert(INFILE(0, duplicates) && INFILE(1, duplicates) && INFILE(2, duplicates) && INFILE(3, duplicates));
		c = holds[me] & ~duplicates & GONE;
#ifdef LETGO
		assert(INFILE(0, c) && INFILE(1, c));
		c = 0;
#endif
		stores[me] = NONE; b = 0; duplicates = 0; rival = 0;
		if
		:: c -> holds[me] = c; c = 0; goto fill
		:: else -> goto start
		fi
	}
#else
	goto start
#endif
}
