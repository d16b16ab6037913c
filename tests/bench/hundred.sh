#!/bin/bash
# hundred: a hundred peers in one daemon against a hundred in another, adit with adit and charon
# with charon: from the moment the first is told of them until the last is up.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash
ROUNDS=${BENCH_ROUNDS:-3}

for ((i = 0; i < ROUNDS; i++)); do
	for s in adit charon; do
		bench_many_lab $s
		bench_many_up $s 1 100 >>"$BENCH_TOP/$s.up" || exit 1
		for n in gw-a gw-b; do
			# shellcheck disable=SC2046  # words
			python3 tests/bench/pages.py $(bench_pids $s $n) >>"$BENCH_TOP/$s.$n"
		done
		bench_many_end $s
	done
done
two() { median "$2" "$BENCH_TOP/$1"; }
figure "100 against 100: until all are up" ms "$(two adit.up 1)" "$(two charon.up 1)" "<1" "$ROUNDS"
figure "100 against 100: memory, who begins" kB "$(two adit.gw-a 1)" "$(two charon.gw-a 1)" "<0.5" "$ROUNDS"
figure "100 against 100: memory, who answers" kB "$(two adit.gw-b 1)" "$(two charon.gw-b 1)" "<0.5" "$ROUNDS"
