#!/bin/bash
# line: how fast the userspace dataplane is, on the four-host line of line.bash, against others
# on the same machine in the same run, in turns.
#
#   tests/bench/line.sh BUILD_DIR [WAY...]
#
# LINE_QUICK=1: one round, one TCP stream, latency, processor; three quarters of a minute. LINE_ROUNDS, LINE_S: rounds, seconds of a
# TCP run (3). LINE_PERF=WAY: where the time goes there.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
[ $# = 0 ] || shift
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash
# shellcheck source=tests/bench/line.bash
. tests/bench/line.bash
QUICK=${LINE_QUICK:-}
ROUNDS=${LINE_ROUNDS:-$([ -n "$QUICK" ] && echo 1 || echo 3)}
SECS=${LINE_S:-3}
RESULTS=$BENCH_TOP/results
touch "$RESULTS" "$BENCH_OUT"

if [ $# = 0 ]; then
	if [ -n "$QUICK" ]; then
		set -- adit/auto/aes128gcm16 libipsec/aes128gcm16 wireguard-go plain-slow plain
	else
		set -- adit/auto/aes128gcm16 adit/mbedtls/aes128gcm16 adit/ipsec_mb/aes128gcm16 \
			adit/mbedtls/aes256-sha256 adit/ipsec_mb/aes256-sha256 \
			adit/mbedtls/chacha20poly1305 adit/ipsec_mb/chacha20poly1305 \
			libipsec/aes128gcm16 libipsec/aes256-sha256 wireguard-go plain-slow plain veth
	fi
fi

# result WAY FIGURE VALUE
result() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$RESULTS"; }

# average_ping COUNT: ms
average_ping() { in_ns host-a ping -n -q -c "$1" -i 0.05 -W 1 10.2.0.10 | sed -n 's|.* = [^/]*/\([^/]*\)/.*|\1|p'; }

# tcp WAY NAME ARGUMENTS...: one run of iperf3, with what the gateways' processes took for it
tcp() {
	local way=$1 name=$2 a b rate; shift 2
	# shellcheck disable=SC2086
	a=$(line_cpu ${LINE_PIDS_A[$way]}) b=$(line_cpu ${LINE_PIDS_B[$way]})
	rate=$(in_ns host-a iperf3 -J -t "$SECS" -c 10.2.0.10 "$@" |
		jq '.end.sum_received | .bits_per_second / 1e6, .bytes * 8 / 1e9') || return 1
	# shellcheck disable=SC2086
	a="$a $(line_cpu ${LINE_PIDS_A[$way]})" b="$b $(line_cpu ${LINE_PIDS_B[$way]})"
	read -r -d '' mbit gbit <<<"$rate"
	result "$way" "$name" "$mbit"
	[ "$name" = tcp1 ] || return 0
	result "$way" cpu-out "$(awk -v g="$gbit" '{ printf "%.3f", ($2 - $1) / g }' <<<"$a")"
	result "$way" cpu-in "$(awk -v g="$gbit" '{ printf "%.3f", ($2 - $1) / g }' <<<"$b")"
}

# udp_cpu WAY: what the gateways' processes take for a packet of 64 bytes, at 10 000 a second. It
# says more than a rate where others use the machine, too.
udp_cpu() {
	local both="${LINE_PIDS_A[$1]} ${LINE_PIDS_B[$1]}" before got
	[ "$both" != " " ] || return 0
	# shellcheck disable=SC2086
	before=$(line_cpu $both)
	got=$(in_ns host-a "$LAB_B/tests/bench/udp_rate" load 10.2.0.10 7001 64 10 2) || return 1
	# shellcheck disable=SC2086
	result "$1" udp-cpu "$(awk -v b="$before" -v a="$(line_cpu $both)" '$1 > 0 { printf "%.2f", (a - b) * 1e3 / ($1 * 2) }' <<<"$got")"
}

round() {
	local way=$1 ping p
	line_side "$way"
	result "$way" ping "$(average_ping 40)"
	average_ping $((SECS * 18)) >"$LAB_DIR/ping" & ping=$!
	tcp "$way" tcp1 || return 1
	wait $ping
	result "$way" ping-loaded "$(cat "$LAB_DIR/ping")"
	# shellcheck disable=SC2086
	[ -z "${LINE_PIDS_A[$way]}" ] || result "$way" memory "$(line_memory ${LINE_PIDS_A[$way]})"
	udp_cpu "$way" || return 1
	[ -z "$QUICK" ] || return 0
	tcp "$way" tcp1-back -R && tcp "$way" tcp8 -P 8 && tcp "$way" tcp8-back -P 8 -R || return 1
	for p in 64 512 1400; do
		result "$way" "udp$p" "$(in_ns host-a "$LAB_B/tests/bench/udp_rate" find 10.2.0.10 7001 $p)" || return 1
	done
}

# where_it_goes WAY: the functions that take most of the gateways' time under one TCP stream
where_it_goes() {
	local p
	command -v perf >/dev/null || { echo "perf is not installed (linux-perf)"; return; }
	line_side "$1"
	in_ns host-a iperf3 -t 5 -c 10.2.0.10 >/dev/null & p=$!
	sleep 1
	# shellcheck disable=SC2086
	perf record -q -F 999 -p "$(echo ${LINE_PIDS_A[$1]} ${LINE_PIDS_B[$1]} | tr ' ' ,)" \
		-o "$BENCH_TOP/perf" -- sleep 3 >/dev/null 2>&1
	wait $p
	echo; echo "Where the time of $1 goes, both gateways, one TCP stream:"
	perf report -i "$BENCH_TOP/perf" --stdio --sort dso,symbol 2>/dev/null | sed '/^#/d; /^$/d; s/ *- *- *$//' | head -n 10
}

# aim WAY FIGURE NAME UNIT AIM: one of ours beside libipsec with the same cipher, for the table of
# `make bench`.
aim() {
	local ours theirs
	ours=$(awk -F '\t' -v w="$1" -v f="$2" '$1 == w && $2 == f { print $3 }' "$RESULTS" >"$BENCH_TOP/v" && median 1 "$BENCH_TOP/v") || return
	theirs=$(awk -F '\t' -v w="libipsec/${1##*/}" -v f="$2" '$1 == w && $2 == f { print $3 }' "$RESULTS" >"$BENCH_TOP/v" && median 1 "$BENCH_TOP/v")
	figure "$3" "$4" "$ours" "$theirs" "$5" "$ROUNDS"
}

ways=()
for way; do
	if line_up "$way"; then
		ways+=("$way")
	else
		echo "line: $way cannot be measured here" >&2
	fi
done
[ ${#ways[@]} -gt 0 ] || exit 1
for ((i = 0; i < ROUNDS; i++)); do
	for way in "${ways[@]}"; do
		round "$way" || echo "line: $way: a run failed" >&2
	done
done
tests/bench/line.awk "$RESULTS"
aim adit/ipsec_mb/aes128gcm16 tcp1 "TCP one stream, AES-GCM, ipsec_mb" Mbit/s '>12'
aim adit/mbedtls/aes128gcm16 tcp1 "TCP one stream, AES-GCM, mbedtls" Mbit/s '>5'
aim adit/ipsec_mb/aes256-sha256 tcp1 "TCP one stream, AES-CBC SHA-256, ipsec_mb" Mbit/s '>8'
aim adit/auto/aes128gcm16 tcp1 "TCP one stream, AES-GCM" Mbit/s -
aim adit/auto/aes128gcm16 udp64 "UDP, 64 byte packets" kpkt/s '>2.5'
aim adit/auto/aes128gcm16 ping "round trip through the tunnel" ms '<1'
aim adit/auto/aes128gcm16 memory "memory of a gateway under load" MB '<8abs'
[ -n "$QUICK" ] || line_limits
[ -n "$QUICK" ] || LINE_PERF=${LINE_PERF:-adit/auto/aes128gcm16}
[ -z "${LINE_PERF:-}" ] || where_it_goes "$LINE_PERF"
