#!/bin/bash
# abuse: what a message of those who mean harm costs the engine, in honest handshakes; and what
# they leave behind in memory.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash

ROUNDS=5
for ((i = 0; i < ROUNDS; i++)); do
	"$LAB_B/tests/bench/abuse" 2000 >>"$BENCH_TOP/abuse" || die "tests/bench/abuse"
done
# of KIND COLUMN: the median
of() { grep -P "^$1\t" "$BENCH_TOP/abuse" | cut -f"$2" >"$BENCH_TOP/col"; median 1 "$BENCH_TOP/col"; }
one=$(of honest 3)
while IFS=$'\t' read -r kind aim; do
	figure "abuse: $kind, a message" "% of a handshake" \
		"$(awk -v a="$(of "$kind" 3)" -v b="$one" 'BEGIN { printf "%.2f", 100 * a / b }')" - "$aim" "$ROUNDS"
	figure "abuse: $kind, left behind" kB "$(of "$kind" 4)" - "<256abs" "$ROUNDS"
done <<-'KINDS'
	garbage	<10abs
	calls of nobody	<10abs
	calls	<20abs
	forged, sealed with other keys	<10abs
	are you there	<10abs
	rekeys of a child	<100abs
	more and more children	<100abs
KINDS
