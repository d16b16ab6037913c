# line: the four hosts that line.sh measures on, in as many ways as there are, each in namespaces
# of its own. Sourced.
#
#     host-a ─── gw-a ═══════════════ gw-b ─── host-b
#   10.1.0.10  10.1.0.1            10.2.0.1  10.2.0.10
#            203.0.113.1         203.0.113.2
#
# A way is a word:
#
#	adit/ENGINE/CIPHER	userspace ESP; ENGINE as in adit.conf
#	libipsec/CIPHER		strongSwan's kernel-libipsec
#	wireguard-go
#	plain			routed, nothing encrypted
#	plain-slow		the same, without segmentation, receive and checksum offloads
#	veth			no gateways: host to host
# shellcheck shell=bash
# shellcheck source=tests/bench/bench.bash
: "${BENCH_TOP:?}" "${BENCH_LAB:?}"

declare -A LINE_NUMBER=() LINE_PIDS_A=() LINE_PIDS_B=()
LINE_N=0

# line_side WAY: which lab the functions of lab.bash mean from here on.
line_side() {
	[ -n "${LINE_NUMBER[$1]:-}" ] || LINE_NUMBER[$1]=$((++LINE_N))
	LAB=$BENCH_LAB-${LINE_NUMBER[$1]}
	LAB_DIR=$BENCH_TOP/${LINE_NUMBER[$1]}
	mkdir -p "$LAB_DIR"
}

line_hosts() {
	lab_ns host-a host-b
	if [ "$1" = veth ]; then
		lab_link host-a eth0 host-b eth0
		lab_addr host-a eth0 10.1.0.10/24; lab_addr host-b eth0 10.2.0.10/24
		in_ns host-a ip route add 10.2.0.0/24 dev eth0
		in_ns host-b ip route add 10.1.0.0/24 dev eth0
		return
	fi
	lab_ns gw-a gw-b
	lab_link host-a eth0 gw-a lan0
	lab_link gw-a wan0 gw-b wan0
	lab_link gw-b lan0 host-b eth0
	lab_addr host-a eth0 10.1.0.10/24; lab_addr gw-a lan0 10.1.0.1/24
	lab_addr gw-a wan0 203.0.113.1/24; lab_addr gw-b wan0 203.0.113.2/24
	lab_addr gw-b lan0 10.2.0.1/24; lab_addr host-b eth0 10.2.0.10/24
	lab_forward gw-a gw-b
	in_ns host-a ip route add default via 10.1.0.1
	in_ns host-b ip route add default via 10.2.0.1
}

line_plain() {
	local n
	in_ns gw-a ip route add 10.2.0.0/24 via 203.0.113.2
	in_ns gw-b ip route add 10.1.0.0/24 via 203.0.113.1
	[ "$1" = plain-slow ] || return 0
	for n in host-a host-b; do in_ns $n tests/bench/offloads.py eth0 || return 1; done
	for n in gw-a gw-b; do in_ns $n tests/bench/offloads.py lan0 wan0 || return 1; done
}

# line_adit ENGINE CIPHER
line_adit() {
	local n
	BENCH_ESP=$2-x25519
	adit_conf gw-a; adit_conf gw-b
	for n in gw-a gw-b; do
		echo "dataplane = userspace" >"$(adit_dir $n)/etc/adit.conf"
		[ "$1" = auto ] || echo "engine = $1" >>"$(adit_dir $n)/etc/adit.conf"
	done
	bench_peer gw-a branch 203.0.113.1 203.0.113.2 10.1.0.0/24 10.2.0.0/24
	bench_peer gw-b main 203.0.113.2 203.0.113.1 10.2.0.0/24 10.1.0.0/24
	if ! "$LAB_B/aditd" --check --config-dir "$(adit_dir gw-a)/etc" >"$LAB_DIR/check" 2>&1; then
		echo "line: $1: $(head -n 1 "$LAB_DIR/check")" >&2
		return 1
	fi
	adit_start gw-a && adit_start gw-b && adit gw-a up branch >/dev/null 2>&1
}

# line_libipsec CIPHER
line_libipsec() {
	BENCH_SWAN_ESP=$1-x25519
	bench_charon gw-a trimmed && bench_charon gw-b trimmed &&
	bench_conn branch 203.0.113.1 203.0.113.2 10.1.0.0/24 10.2.0.0/24 none | swan_conf gw-a &&
	bench_conn main 203.0.113.2 203.0.113.1 10.2.0.0/24 10.1.0.0/24 none | swan_conf gw-b &&
	swan gw-a --initiate --child branch >/dev/null
}

# line_wireguard: the sockets of wireguard-go have fixed places: each has a /run of its own.
line_wireguard() {
	local n pid keys pids=()
	tests/bench/wireguard.py --keys >"$LAB_DIR/keys" || return 1
	read -r -d '' -a keys <"$LAB_DIR/keys"
	for n in gw-a gw-b; do
		LOG_LEVEL=error ip netns exec "$(ns $n)" unshare -m sh -c \
			'mount -t tmpfs tmpfs /run && exec wireguard-go -f wg0' >"$LAB_DIR/$n.log" 2>&1 &
		pid=$!
		LAB_PIDS+=("$pid")
		pids+=("$pid")
		until_ok 50 test -S "/proc/$pid/root/run/wireguard/wg0.sock" || return 1
	done
	tests/bench/wireguard.py "/proc/${pids[0]}/root/run/wireguard/wg0.sock" "${keys[0]}" "${keys[3]}" \
		51820 203.0.113.2:51820 10.2.0.0/24 &&
	tests/bench/wireguard.py "/proc/${pids[1]}/root/run/wireguard/wg0.sock" "${keys[2]}" "${keys[1]}" \
		51820 203.0.113.1:51820 10.1.0.0/24 || return 1
	for n in gw-a gw-b; do in_ns $n ip link set wg0 mtu 1420 up || return 1; done
	LINE_PIDS_A[wireguard-go]=${pids[0]} LINE_PIDS_B[wireguard-go]=${pids[1]}
	in_ns gw-a ip route add 10.2.0.0/24 dev wg0 && in_ns gw-b ip route add 10.1.0.0/24 dev wg0
}

# line_up WAY: build it and bring it up; a packet crosses.
line_up() {
	local engine cipher
	line_side "$1"
	line_hosts "$1"
	LINE_PIDS_A[$1]='' LINE_PIDS_B[$1]=''
	case $1 in
	adit/*)
		engine=${1#adit/}; cipher=${engine#*/}; engine=${engine%%/*}
		line_adit "$engine" "$cipher" || return 1
		LINE_PIDS_A[$1]=$(bench_pids adit gw-a) LINE_PIDS_B[$1]=$(bench_pids adit gw-b) ;;
	libipsec/*)
		line_libipsec "${1#*/}" || return 1
		LINE_PIDS_A[$1]=$(bench_pids charon gw-a) LINE_PIDS_B[$1]=$(bench_pids charon gw-b) ;;
	wireguard-go)
		line_wireguard || return 1 ;;
	plain*) line_plain "$1" || return 1 ;;
	veth) ;;
	*) echo "line: no such way: $1" >&2; return 1 ;;
	esac
	until_ok 30 ping_ok host-a 10.2.0.10 || return 1
	in_ns host-b iperf3 -s -B 10.2.0.10 >/dev/null 2>&1 & LAB_PIDS+=($!)
	in_ns host-b "$LAB_B/tests/bench/udp_rate" serve 10.2.0.10 7001 >/dev/null & LAB_PIDS+=($!)
	until_ok 30 in_ns host-a iperf3 -c 10.2.0.10 -n 1
}

# line_cpu PID...: seconds of processor they have used
line_cpu() {
	local p
	for p; do cat "/proc/$p/stat" 2>/dev/null; done |
		awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); s += $12 + $13 } END { printf "%.2f\n", s / hz }'
}

# line_memory PID...: MB they take, shared pages by halves and thirds
line_memory() {
	local p
	for p; do grep -h ^Pss: "/proc/$p/smaps_rollup" 2>/dev/null; done |
		awk '{ s += $2 } END { printf "%.2f\n", s / 1024 }'
}

# ---- limits: each part alone

# line_null_switch whole|single: Mbit/s of one TCP stream between two TUNs with a switch between
line_null_switch() {
	local p rate
	bg_tun "$1" || return 1
	in_ns tun-b iperf3 -s -1 -B 10.9.0.2 >/dev/null 2>&1 & p=$!
	LAB_PIDS+=("$p")
	until_ok 30 ping_ok tun-a 10.9.0.2
	sleep 0.3
	rate=$(in_ns tun-a iperf3 -J -t "${SECS:-3}" -c 10.9.0.2 | jq '.end.sum_received.bits_per_second / 1e6')
	kill "$BG" 2>/dev/null; lab_gone "$BG" 20; lab_gone "$p" 20
	echo "$rate"
}

bg_tun() {
	"$LAB_B/tests/bench/limits" tun "$(ns tun-a)" "$(ns tun-b)" "$1" >"$LAB_DIR/tun-$1" & BG=$!
	LAB_PIDS+=("$BG")
	until_ok 30 grep -q ready "$LAB_DIR/tun-$1" || return 1
	in_ns tun-a ip addr add 10.9.0.1 peer 10.9.0.2 dev null0
	in_ns tun-b ip addr add 10.9.0.2 peer 10.9.0.1 dev null0
	in_ns tun-a ip link set null0 mtu 1420 up && in_ns tun-b ip link set null0 mtu 1420 up
}

# line_engines CIPHER...: the best of each engine, sealing and opening, with whatever batch
line_engines() {
	local suite
	for suite; do
		"$LAB_B/libexec/engine-bench" 2000 "$suite" | jq -r -s 'map(select(.size == 1400 and .mbit)) |
			group_by(.engine)[] | max_by(.mbit) | "\(.suite) by \(.engine), \(.batch) at a time\t\(.mbit / 1e3)"'
	done
}

line_limits() {
	local how
	line_side limits
	lab_ns tun-a tun-b
	echo; echo "Each part alone, one core, Gbit/s:"
	printf '  %-56s %s\n' "UDP, 1400 bytes, UDP_SEGMENT and UDP_GRO" "$(in_ns tun-a "$LAB_B/tests/bench/limits" udp 1400 1)" \
		"UDP, 1400 bytes, one by one" "$(in_ns tun-a "$LAB_B/tests/bench/limits" udp 1400 1 each)" \
		"UDP, 64 bytes, one by one" "$(in_ns tun-a "$LAB_B/tests/bench/limits" udp 64 1 each)"
	for how in whole single; do
		printf '  %-56s %.2f\n' "a null switch between two TUNs, $how packets" \
			"$(line_null_switch $how | awk '{ print $1 / 1e3 }')"
	done
	printf '  %-56s %.0f\n' "Internet checksum, 1400 bytes" \
		"$("$LAB_B/tests/bench/limits" csum 1400 | awk '{ print $1 * 8 }')"
	line_engines aes128gcm16 aes256-sha256 chacha20poly1305 | awk -F '\t' '{ printf "  %-56s %.2f\n", $1 ", 1400 bytes", $2 }'
}
