#!/bin/bash
# status: wall time of `adit status`, and with --json, against `swanctl --list-sas`, with one
# tunnel and with a hundred.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash
ROUNDS=${BENCH_ROUNDS:-21}

bench_many_lab adit
bench_many_lab charon

measure() {	# TUNNELS
	local a c n json
	side adit; a=$(adit_dir gw-a)
	n=$(adit gw-a status --json | jq '[.peers[]|select(.state=="up")]|length')
	[ "$n" = "$1" ] || die "adit has $n tunnels, not $1"
	side charon; c=$(adit_dir gw-a)
	n=$(swan gw-a --list-sas | grep -c ESTABLISHED)
	[ "$n" = "$1" ] || die "charon has $n tunnels, not $1"
	for json in "" --json; do
		# shellcheck disable=SC2086  # no word, or one
		STRONGSWAN_CONF=$c/strongswan.conf SWANCTL_DIR=$c/swanctl "$STOPWATCH" wall "$ROUNDS" \
			"$LAB_B/adit" --config-dir "$a/etc" --run-dir "$a/run" status $json ::: \
			swanctl --list-sas --uri "unix://$c/vici" >"$BENCH_TOP/t" || die "status"
		figure "status ${json:+$json }($1 up)" ms "$(median 1 "$BENCH_TOP/t")" \
			"$(median 2 "$BENCH_TOP/t")" "<1" "$ROUNDS"
	done
}
for s in adit charon; do side $s; bench_many_up $s 1 1 >/dev/null || exit 1; done
measure 1
for s in adit charon; do side $s; bench_many_up $s 2 100 >/dev/null || exit 1; done
measure 100
