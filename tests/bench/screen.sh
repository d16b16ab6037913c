#!/bin/bash
# screen: what the idle screen sends in a second, at 80x24 with three peers up and no traffic.
# charon has no screen; the aim is what a serial line of 9600 baud bears.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash
ROUNDS=${BENCH_ROUNDS:-1}

bench_many_lab adit
bench_many_up adit 1 3 >/dev/null || exit 1
d=$(adit_dir gw-a)
for ((i = 0; i < ROUNDS; i++)); do
	ADIT_THEME_DIR=themes in_ns gw-a python3 tests/bench/idle_screen.py 2 10 "$LAB_B/adit" \
		--config-dir "$d/etc" --run-dir "$d/run" tui >>"$BENCH_TOP/bytes" || die "the screen"
done
figure "idle screen" bytes/s "$(median 1 "$BENCH_TOP/bytes")" - "<960abs" "$ROUNDS"
