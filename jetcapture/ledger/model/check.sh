#!/bin/sh
# Checks the model of the ledger: that it is safe in every scenario, and that without any one of its rules it is not.
# Arguments go to spin, such as -DCRASHES=1 or -DDELIVERIES=4.
set -eu
model=$(cd "$(dirname "$0")" && pwd)/ledger.pml
for tool in spin gcc; do
	if ! command -v "$tool" >/dev/null; then
		echo "The model of the ledger is NOT checked: $tool is not installed. Install it with: apt-get install spin gcc (spinroot.com elsewhere)" >&2
		exit 1
	fi
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$model" "$dir"
cd "$dir"

# search checks the model with these definitions, and leaves the output in out.
search() {
	spin "$@" -a ledger.pml >/dev/null
	gcc -O2 -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -w -o pan pan.c
	./pan -m1000000 >out 2>&1
}

found() { sed -n 's/^ *\([0-9]*\) states, stored.*/\1 states/p; s/^pan: elapsed time \(.*\) seconds/in \1 s/p' out | paste -sd' '; }

# scenario NAME MUTANT... -- ARGUMENT... checks a scenario, and that each of its mutants is found.
scenario() {
	name=$1
	shift
	mutants=
	while [ "$1" != -- ]; do
		mutants="$mutants $1"
		shift
	done
	shift
	search "-D$name" "$@"
	if ! grep -q 'errors: 0$' out || grep -q 'Search not completed\|out of memory\|max search depth too small' out; then
		cat out
		[ ! -f ledger.pml.trail ] || spin "-D$name" "$@" -t -p -g ledger.pml
		echo "$name: the model of the ledger is not safe, or could not be searched to the end." >&2
		exit 1
	fi
	echo "$name: safe: $(found), 0 errors"
	for mutant in $mutants; do
		search "-D$name" "$@" "-D$mutant"
		if ! grep -q 'assertion violated' out; then
			cat out
			echo "$name: with $mutant the model must not be safe, and no counterexample was found: the model checks nothing." >&2
			exit 1
		fi
		echo "$name: with $mutant: a counterexample, after $(found)"
		rm -f ledger.pml.trail
	done
}

# CLUSTER is a known limit and no mutant: see README.md.
scenario BASE OVERWRITE HEAD UNORDERED ACKFIRST FORGETSOON -- "$@"
scenario STREAMLOST BYSEQUENCE STALEACK BUFFEREDACK LETGO CLUSTER -- "$@"
scenario TIMEBACK ANCHORSONLY UNSEENFORK OLDEVIDENCE HELDRANGE -- "$@"
scenario LEDGERLOST NOREBUILD NOREAPPEND NOTAKEOVER NOWAIT BYPLACE AGAINBYPLACE AGAININORDER NOTICEONLY STARTATONCE -- "$@"
scenario RETENTION OWNRETENTION ONECLOCK LARGERFORBOTH ONEOLDPERIOD LAGGINGKEEP -- "$@"
scenario FLAGS OWNPLACE -- "$@"
