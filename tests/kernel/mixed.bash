# mixed: traffic of every kind through two offices' tunnel over a bad path, with keys replaced
# every two seconds and oftener. Sourced by mixed.sh and mixed_kernel.sh.
#
# mixed_run DATAPLANE SECONDS RATE: three children on adit's both ends, IPv4 and IPv6, which live
# for 10 seconds and are replaced after 5, the third by its bytes as well, and an IKE SA that is
# replaced as often; the path between the routers loses 1 %, delays and so reorders. RATE, bytes
# a second each way. It ends well when every TCP byte was right and no connection stuck, what was
# lost of the rest is about what the path lost, there is one pair of SAs for each child, status
# says up, and no process has grown.
# shellcheck shell=bash
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
A4=203.0.113.1 B4=198.51.100.2
MIXED_PAIRS=(10.1.0.10 10.2.0.10 fd01::10 fd02::10 10.11.0.10 10.22.0.10)

# bad_path: loses, delays and reorders between a0 and b0: netem, or path.py where there is none.
bad_path() {
	local i
	if in_ns inet tc qdisc add dev a0 root netem delay 2ms 2ms loss 1% 2>/dev/null; then
		in_ns inet tc qdisc add dev b0 root netem delay 2ms 2ms loss 1%
		return
	fi
	# The neighbours are known before the kernel forwards no more.
	ping_ok gw-a 203.0.113.254; ping_ok gw-b 198.51.100.254
	for i in gw-a gw-b; do in_ns $i tests/kernel/path.py off wan0 || return; done
	in_ns inet sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
	bg inet tests/kernel/path.py a0 b0 1 2 2 >"$LAB_DIR/path" 2>&1
	until_ok 50 grep -q ready "$LAB_DIR/path"
}

mixed_start() {	# DATAPLANE
	local n
	lab_offices
	for n in a b; do adit_conf gw-$n; printf 'dataplane = %s\n' "$1" >"$(adit_dir gw-$n)/etc/adit.conf"; done
	lab_addr gw-a lan0 10.11.0.1/24; lab_addr gw-b lan0 10.22.0.1/24
	lab_addr host-a eth0 10.11.0.10/24; lab_addr host-b eth0 10.22.0.10/24
	bad_path || { bad "a bad path" "$(cat "$LAB_DIR/path")"; return 1; }
	adit_start gw-a && adit_start gw-b || { bad "aditd starts" "$(pair_logs)"; return 1; }
	pair_peers esp_life=10s ike_life=10s rekey_margin=5s || { bad "settings"; return 1; }
	adit gw-a peer set branch child.six.local_network=fd01::/64 child.six.remote_network=fd02::/64 \
		child.three.local_network=10.11.0.0/24 child.three.remote_network=10.22.0.0/24 \
		child.three.esp_life_bytes="$2" >/dev/null || bad "children"
	adit gw-b peer set main child.six.local_network=fd02::/64 child.six.remote_network=fd01::/64 \
		child.three.local_network=10.22.0.0/24 child.three.remote_network=10.11.0.0/24 \
		child.three.esp_life_bytes="$2" >/dev/null || bad "children"
	until_ok 200 all_up gw-a branch && until_ok 100 all_up gw-b main || { bad "three children up" "$(pair_logs)"; return 1; }
	ok "three children are up, $1"
}
all_up() {	# NS PEER: and no more than these three
	[ "$(adit "$1" status --json | jq -r --arg p "$2" '.peers[]|select(.name==$p)|
		.state + " " + ([.children[].state]|join(" "))')" = "up up up up" ]
}

# What a process holds for itself, in kB.
private_kb() { awk '/^RssAnon/ {print $2}' "/proc/$1/status" 2>/dev/null; }
memory() {	# "NS NAME PID KB" a line
	local n v p
	for n in gw-a gw-b; do
		v="ADITD_PID_${n//-/_}"
		for p in "${!v}" $(pgrep -P "${!v}"); do
			echo "$n $(cat "/proc/$p/comm") $p $(private_kb "$p")"
		done
	done
}
# Its SPIs now; each new one is a rekey.
watch_spis() {
	while :; do
		adit gw-a status --json 2>/dev/null | jq -r '.peers[0].children[].spi_in // empty'
		sleep 0.7
	done
}
kernel_sas() { in_ns "$1" ip xfrm state | grep -c '^src'; }
# One SA out for each child; of those in the old linger a while, but none is older than a life of
# 10 s and that while.
right_sas() {
	local n from=$A4 oldest
	for n in gw-a gw-b; do
		[ "$(in_ns $n ip xfrm state | grep -c "^src $from ")" = 3 ] || return
		oldest=$(in_ns $n ip -s xfrm state | sed -nE 's/^[[:space:]]*add ([0-9-]+ [0-9:]+) .*/\1/p' | sort | head -1)
		[ $(($(date +%s) - $(date -d "$oldest" +%s))) -le 40 ] || return
		from=$B4
	done
}
of() { jq -r ".$1 // 0" "$LAB_DIR/$2" 2>/dev/null || echo 0; }

mixed_run() {	# DATAPLANE SECONDS RATE
	local kind=$1 secs=$2 rate=$3 serve call from lost watch rekeys n pings
	# A million bytes is the least that may be set.
	n=$((rate * 3)); [ $n -gt 1100000 ] || n=1100000
	mixed_start "$kind" $n || return
	bg host-b tests/kernel/mixed.py serve 10.2.0.10 fd02::10 10.22.0.10 >"$LAB_DIR/served" 2>"$LAB_DIR/served.err"; serve=$BG
	sleep 1
	from=$SECONDS
	watch_spis >"$LAB_DIR/spis" & watch=$!
	LAB_PIDS+=("$watch")
	bg host-a ping -n -i 0.1 -W 2 10.2.0.10 >"$LAB_DIR/ping" 2>&1; pings=$BG
	bg host-a tests/kernel/mixed.py call "$secs" "$rate" "${MIXED_PAIRS[@]}" >"$LAB_DIR/called" 2>"$LAB_DIR/called.err"; call=$BG
	# What grows does so after it has settled.
	sleep $((secs / 3)); memory >"$LAB_DIR/memory.1"
	wait $call
	memory >"$LAB_DIR/memory.2"
	kill -INT $pings; wait $pings 2>/dev/null
	kill $watch; wait $watch 2>/dev/null
	kill $serve; wait $serve 2>/dev/null
	secs=$((SECONDS - from))

	rekeys=$(($(sort -u "$LAB_DIR/spis" | wc -l) - 3))
	[ $((rekeys * 2)) -ge $secs ] && ok "${SECONDS} s: $rekeys times new keys in $secs s" || bad "only $rekeys times new keys in $secs s" "$(pair_logs)"
	n=$(of tcp_bytes called)
	[ "$(of tcp_wrong called)$(of tcp_wrong served)" = 00 ] && [ "$n" -gt $((rate * secs / 10)) ] &&
		ok "every byte of $n of TCP is right, in $(of tcp_connections called) connections" ||
		bad "TCP is wrong" "$(cat "$LAB_DIR/called" "$LAB_DIR/served")"
	[ "$(of tcp_broken called)$(of tcp_broken served)" = 00 ] && [ "$(of tcp_ended called)" = "$(of tcp_connections called)" ] &&
		ok "no connection stuck or broke" || bad "connections stuck or broke" "$(tail -qn 8 "$LAB_DIR"/{called,called.err,served,served.err})
$(pair_logs)"
	[ "$(of udp_wrong called)$(of udp_wrong served)" = 00 ] && ok "no datagram came changed" || bad "datagrams came changed" "$(cat "$LAB_DIR/called" "$LAB_DIR/served")"
	# The path loses 1 % each way of each packet, and a datagram may be three.
	lost=$((1000 - 1000 * $(of udp_back called) / ($(of udp_sent called) + 1)))
	[ $lost -le 60 ] && ok "$(of udp_sent called) datagrams, $lost of 1000 lost on the way and back" ||
		bad "$lost of 1000 datagrams lost" "$(cat "$LAB_DIR/called" "$LAB_DIR/served"; pair_logs)"
	lost=$(sed -nE 's/.* ([0-9]+)(\.[0-9]+)?% packet loss.*/\1/p' "$LAB_DIR/ping")
	[ "${lost:-100}" -le 6 ] && ok "pings: $(grep transmitted "$LAB_DIR/ping")" || bad "pings lost" "$(tail -3 "$LAB_DIR/ping")"

	expect "status says up at the end, three children" until_ok 100 all_up gw-a branch
	expect "and there" until_ok 100 all_up gw-b main
	[ "$kind" != kernel ] || { until_ok 60 right_sas && ok "in the kernels an SA for each child, and none that was forgotten" ||
		bad "SAs are left in the kernel" "$(for n in gw-a gw-b; do in_ns $n ip -s xfrm state | grep -E '^src|spi|add'; done)"; }
	while read -r ns name pid was; do
		n=$(awk -v p="$pid" '$3 == p {print $4}' "$LAB_DIR/memory.2")
		[ -n "$n" ] && [ "$n" -le $((was + was / 8 + 128)) ] && ok "$ns: $name holds $n kB, was $was" ||
			bad "$ns: $name holds ${n:-nothing, it ended} kB, was $was"
	done <"$LAB_DIR/memory.1"
	for n in gw-a gw-b; do adit_stop $n && [ -z "$(traces $n)" ] && ok "$n: stopped, nothing is left" || bad "$n: stopped" "$(traces $n; adit_log $n)"; done
	[ "$kind" != kernel ] || { [ "$(kernel_sas gw-a)$(kernel_sas gw-b)" = 00 ] && ok "nor an SA" || bad "SAs are left"; }
}
