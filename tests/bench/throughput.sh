#!/bin/bash
# throughput: a rough one, TCP from host to host for 3 s, adit's espd at both ends against
# charon's kernel-libipsec at both ends. It informs; here the ratio is better the larger it is.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash
ROUNDS=${BENCH_ROUNDS:-3}

bench_offices_adit; bench_offices_charon
side adit; adit gw-a up branch >/dev/null 2>&1 || die "adit up"
side charon; swan gw-a --initiate --child branch >/dev/null || die "swanctl --initiate"
for s in adit charon; do
	side $s
	in_ns host-b iperf3 -s -B 10.2.0.10 >/dev/null 2>&1 & LAB_PIDS+=($!)
done
sleep 0.5
for ((i = 0; i < ROUNDS; i++)); do
	for s in adit charon; do
		side $s
		in_ns host-a iperf3 -J -t 3 -c 10.2.0.10 | jq '.end.sum_received.bits_per_second / 1e6' \
			>>"$BENCH_TOP/$s.mbit" || die "iperf3"
	done
done
figure "TCP throughput, 3 s" Mbit/s "$(median 1 "$BENCH_TOP/adit.mbit")" \
	"$(median 1 "$BENCH_TOP/charon.mbit")" - "$ROUNDS"
