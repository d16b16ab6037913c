#!/bin/bash
# memory: of all processes of a daemon together, with 0, 10 and 100 tunnels. "Proportional" is
# the PSS: a page that n processes share counts 1/n in each. "Resident" counts each page that
# any of the daemon's processes has once, whoever else uses it: for charon that is its RSS.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash

declare -A pss rss
for s in adit trimmed debian; do
	bench_many_lab $s $s
	at=0
	for n in 0 10 100; do
		side $s
		[ $n = 0 ] || bench_many_up $s $((at + 1)) $n >/dev/null || exit 1
		at=$n
		sleep 1
		# shellcheck disable=SC2046  # words
		read -r "pss[$s$n]" "rss[$s$n]" < <(python3 tests/bench/pages.py $(bench_pids $s gw-a)) || die "pages"
	done
	# Beside each other they would share their libraries, and look smaller than they are.
	bench_many_end $s
done
# Threads and heaps have grown by the tenth: the slope from there is what one more costs.
per() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", (b - a) / 90 }'; }
for n in 0 10 100; do
	figure "proportional memory ($n up)" kB "${pss[adit$n]}" "${pss[trimmed$n]}" "<0.5" 1
	figure "  charon as Debian ships it ($n up)" kB "${pss[adit$n]}" "${pss[debian$n]}" "<0.5" 1
	figure "  resident, each page once ($n up)" kB "${rss[adit$n]}" "${rss[trimmed$n]}" - 1
done
figure "memory of one tunnel more" kB "$(per "${pss[adit10]}" "${pss[adit100]}")" \
	"$(per "${pss[trimmed10]}" "${pss[trimmed100]}")" "<0.5" 90
