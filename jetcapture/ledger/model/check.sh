#!/bin/sh
# Checks the model of the ledger: that it is safe, and that without any one of its ingredients it is not.
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

search "$@"
if ! grep -q 'errors: 0$' out || grep -q 'Search not completed\|out of memory\|max search depth too small' out; then
	cat out
	[ ! -f ledger.pml.trail ] || spin "$@" -t -p -g ledger.pml
	echo "The model of the ledger is not safe, or could not be searched to the end." >&2
	exit 1
fi
echo "safe: $(found), 0 errors"
for ingredient in OVERWRITE HEAD UNORDERED ACKFIRST FORGETSOON; do
	search "$@" "-D$ingredient"
	if ! grep -q 'assertion violated' out; then
		cat out
		echo "With $ingredient the model must not be safe, and no counterexample was found: the model checks nothing." >&2
		exit 1
	fi
	echo "with $ingredient: a counterexample, after $(found)"
done
