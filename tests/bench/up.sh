#!/bin/bash
# up: from `adit up` (swanctl --initiate) to the first datagram that went from one office's host
# to the other's and back; one goes out every millisecond. adit at both ends, charon at both ends.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash
ROUNDS=${BENCH_ROUNDS:-9}

bench_offices_adit; bench_offices_charon
for s in adit charon; do
	side $s
	in_ns host-b "$STOPWATCH" echo 10.2.0.10 7 & LAB_PIDS+=($!)
done

up_adit() {
	local d; d=$(adit_dir gw-a)
	in_ns host-a "$STOPWATCH" flow 10.2.0.10 7 "/run/netns/$(ns gw-a)" "$LAB_B/adit" \
		--config-dir "$d/etc" --run-dir "$d/run" up branch 2>"$LAB_DIR/up" ||
		{ cat "$LAB_DIR/up" >&2; die "adit up"; }
	adit gw-a down branch >/dev/null || die "adit down"
}
up_charon() {
	local d; d=$(adit_dir gw-a)
	STRONGSWAN_CONF=$d/strongswan.conf SWANCTL_DIR=$d/swanctl in_ns host-a "$STOPWATCH" \
		flow 10.2.0.10 7 "/run/netns/$(ns gw-a)" swanctl --initiate --child branch \
		--uri "unix://$d/vici" || die "swanctl --initiate"
	swan gw-a --terminate --ike branch >/dev/null || die "swanctl --terminate"
}
# The first round warms the caches and the neighbours.
for ((i = 0; i <= ROUNDS; i++)); do
	for s in adit charon; do
		side $s
		up_$s >"$BENCH_TOP/one" || exit 1
		[ $i = 0 ] || cat "$BENCH_TOP/one" >>"$BENCH_TOP/$s.up"
	done
	sleep 0.2
done
figure "adit up (initiate) to traffic" ms "$(median 1 "$BENCH_TOP/adit.up")" \
	"$(median 1 "$BENCH_TOP/charon.up")" "<1" "$ROUNDS"
