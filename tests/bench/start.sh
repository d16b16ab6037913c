#!/bin/bash
# start: from the start of the daemon until it answers its first request. Without peers; charon
# with the plugins that PEERS.md lists, and as Debian ships it.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash
ROUNDS=${BENCH_ROUNDS:-9}

side start
lab_ns gw trimmed debian
adit_conf gw; mkdir -p "$(adit_dir gw)/run"
bench_charon_conf trimmed trimmed
bench_charon_conf debian debian

ready_adit() {
	local d; d=$(adit_dir gw)
	in_ns gw "$STOPWATCH" ready adit "$d/run/control.sock" "$LAB_B/aditd" --foreground \
		--config-dir "$d/etc" --run-dir "$d/run" 2>>"$d/log" || die "aditd"
}
ready_charon() {	# NS
	local d; d=$(adit_dir "$1")
	STRONGSWAN_CONF=$d/strongswan.conf in_ns "$1" unshare -m sh -c \
		'mount -t tmpfs tmpfs /run && exec "$@"' sh \
		"$STOPWATCH" ready vici "$d/vici" /usr/lib/ipsec/charon 2>>"$d/out" || die "charon"
}
for ((i = 0; i < ROUNDS; i++)); do
	ready_adit >>"$LAB_DIR/a"; ready_charon trimmed >>"$LAB_DIR/t"; ready_charon debian >>"$LAB_DIR/d"
done
a=$(median 1 "$LAB_DIR/a") || die "no figure"
figure "start to ready" ms "$a" "$(median 1 "$LAB_DIR/t")" "<1" "$ROUNDS"
figure "start to ready, charon as Debian ships it" ms "$a" "$(median 1 "$LAB_DIR/d")" "<1" "$ROUNDS"
