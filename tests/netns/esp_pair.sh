#!/bin/bash
# esp_pair: two espd against each other, without IKE: tests/netns/esp_gate plays the monitor at
# both gateways of the lab and gives them the same keys.
#
#     host-a ─── gw-a ══(a0) inet (b0)══ gw-b ─── host-b
#
# Over IPv4 with AES-GCM, then over IPv6 with AES-CBC and HMAC; then with two workers, and without
# UDP. esp_pair.sh BUILD-DIR
here=$(cd "$(dirname "$0")/../.." && pwd)
LAB_B=${1:-build}
# shellcheck source=tests/lab/lab.bash
. "$here/tests/lab/lab.bash"

tool=$LAB_B/tests/netns/esp_gate
espd=$(realpath "$LAB_B/libexec/espd") || exit 1

# In a sanitized build: the leak check needs /proc, which espd's empty root has not.
export ASAN_OPTIONS=detect_leaks=0

# gate NAME SIDE LOCAL REMOTE LOCAL-NETS REMOTE-NETS SUITE MTU
gate() {
	local d; d=$LAB_DIR/$1
	mkdir -p "$d"; rm -f "$d/in"; mkfifo "$d/in"; : >"$d/out"
	ip netns exec "$(ns "$1")" "$tool" "$2" "$espd" adit-t "$8" "$3" "$4" "$5" "$6" "$7" \
		<"$d/in" >"$d/out" 2>>"$d/err" &
	LAB_PIDS+=($!)
	eval "GATE_${1//-/_}=$!"
	exec {fd}>"$d/in"
	eval "FD_${1//-/_}=$fd"
	until_ok 50 grep -q ready "$d/out" || { bad "espd starts at $1" "$(cat "$d/err")"; return 1; }
}
tell() { local v="FD_${1//-/_}"; printf '%s\n' "$2" >&"${!v}"; }
said() { grep -q "$2" "$LAB_DIR/$1/out"; }
# How often gate $1 has said $2.
count_said() { grep -c "$2" "$LAB_DIR/$1/out" || true; }
more_than() { [ "$(count_said "$1" "$2")" -gt "$3" ]; }
both() { tell gw-a "$1"; tell gw-b "$1"; }
# stat GATE SA COUNTER
stat_of() {
	local n; n=$(count_said "$1" "^stats $2 ")
	tell "$1" stats
	until_ok 30 more_than "$1" "^stats $2 " "$n" || { echo "none"; return; }
	grep "^stats $2 " "$LAB_DIR/$1/out" | tail -1 | grep -oE " $3=[0-9]+" | grep -oE '[0-9]+$'
}
is() { [ "$1" = "$2" ] || { echo "is $1, not $2"; return 1; }; }
at_least() { [ "$1" -ge "$2" ] || { echo "is $1, less than $2"; return 1; }; }
add_sa() { both "sa $1"; until_ok 30 said gw-a "added $1" && until_ok 30 said gw-b "added $1"; }
gates_quit() {
	both quit
	# shellcheck disable=SC2154 # gate() sets them
	lab_gone "$GATE_gw_a" 50
	# shellcheck disable=SC2154
	lab_gone "$GATE_gw_b" 50
	# shellcheck disable=SC2154
	exec {FD_gw_a}>&- {FD_gw_b}>&-
}

# routes NAME NET NET6 SOURCE SOURCE6
routes() {
	in_ns "$1" ip route add "$2" dev adit-t src "$4"
	in_ns "$1" ip -6 route add "$3" dev adit-t src "$5"
}

# 8 MB from the first host to the second, compared. carry FROM TO ADDRESS
carry() {
	local f=$LAB_DIR/big v=-4 l
	[ -f "$f" ] || head -c 8000000 /dev/urandom >"$f"
	[[ $3 == *:* ]] && v=-6
	in_ns "$2" timeout 30 nc $v -l 5001 >"$LAB_DIR/got" </dev/null &
	l=$!
	until_ok 30 in_ns "$2" sh -c 'ss -Htln | grep -q :5001'
	in_ns "$1" timeout 30 nc -N "$3" 5001 <"$f" || { kill $l; return 1; }
	wait $l
	cmp "$f" "$LAB_DIR/got"
}
# Both ways. transfer ADDRESS-OF-B ADDRESS-OF-A
transfer() { carry host-a host-b "$1" && carry host-b host-a "$2"; }

capture() {
	in_ns inet tcpdump --immediate-mode -i a0 -n -U -w "$LAB_DIR/cap" >"$LAB_DIR/tcpdump" 2>&1 &
	CAPTURE=$!
	LAB_PIDS+=("$CAPTURE")
	until_ok 30 grep -q listening "$LAB_DIR/tcpdump"
}
# Everything on the WAN but neighbour discovery is ESP in UDP; some of it is there. [FILTER]
only_esp() {
	kill "$CAPTURE"; lab_gone "$CAPTURE" 30
	local all other
	all=$(tcpdump -n -r "$LAB_DIR/cap" "${1:-udp port 4500}" 2>/dev/null | wc -l)
	other=$(tcpdump -n -r "$LAB_DIR/cap" \
		"(ip or ip6) and not (${1:-udp port 4500}) and not icmp6 and not dst net ff02::/16" 2>/dev/null)
	[ "$all" -gt 100 ] || { echo "only $all packets"; return 1; }
	[ -z "$other" ] || { echo "$other" | head; return 1; }
	# no non-ESP marker, and nothing of the inner packets to be read
	[ -z "$(tcpdump -n -r "$LAB_DIR/cap" 'udp port 4500 and ip and udp[8:4] = 0' 2>/dev/null)" ] &&
		! grep -qa SECRETSECRET "$LAB_DIR/cap"
}

cpu_switches() { awk '/ctxt_switches/ {n += $2} END {print n}' "/proc/$1/status"; }
pid_of() {
	local n; n=$(count_said "$1" '^pid ')
	tell "$1" pid
	until_ok 30 more_than "$1" '^pid ' "$n"
	grep '^pid ' "$LAB_DIR/$1/out" | tail -1 | grep -oE '[0-9]+'
}
# Not one wake-up in two seconds.
idle() {
	local p a b
	p=$(pid_of gw-a); a=$(cpu_switches "$p"); sleep 2; b=$(cpu_switches "$p")
	is "$b" "$a"
}

# What the processor did for it so far, in ticks.
cpu_ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
sent() { in_ns gw-a cat /sys/class/net/wan0/statistics/tx_packets; }
# More comes from a host than the uplink takes: espd waits for it, and does not ask again and again.
full_uplink() {
	local p flood sink ticks tx
	p=$(pid_of gw-a); tx=$(sent)
	ip netns exec "$(ns host-b)" nc -u -l 5002 >/dev/null 2>&1 </dev/null & sink=$!
	until_ok 30 in_ns host-b sh -c 'ss -Hlun | grep -q :5002' || return 1
	ip netns exec "$(ns host-a)" bash -c \
		'exec dd if=/dev/zero bs=1400 status=none >/dev/udp/10.2.0.10/5002' >/dev/null 2>&1 &
	flood=$!
	LAB_PIDS+=("$sink" "$flood")
	sleep 3	# until the socket is full, too
	ticks=$(cpu_ticks "$p"); sleep 2; ticks=$(($(cpu_ticks "$p") - ticks))
	kill -0 $flood || { echo "no flood"; return 1; }
	kill $flood $sink
	wait $flood $sink 2>/dev/null
	at_least $(($(sent) - tx)) 1000 || return 1
	[ "$ticks" -le "$(($(getconf CLK_TCK) / 4))" ] || { echo "$ticks ticks in 2 s"; return 1; }
}

replay() {
	local before after
	before=$(stat_of gw-b 1 replay)
	in_ns inet "$tool" replay b0 10 >"$LAB_DIR/replay" &
	local r=$!
	until_ok 30 grep -q listening "$LAB_DIR/replay"
	ping_ok host-a 10.2.0.10 12 || return 1
	until_ok 50 grep -q replayed "$LAB_DIR/replay"
	kill $r 2>/dev/null
	sleep 0.3
	after=$(stat_of gw-b 1 replay)
	is $((after - before)) 10
}

# A stranger who saw the SPI: forged packets are counted and change nothing.
forged() {
	local before after i
	before=$(stat_of gw-b 1 auth)
	for ((i = 0; i < 20; i++)); do
		in_ns inet bash -c 'printf "\x03\x01\x00\x00\x7f\x00\x00\x01%060d" 0 \
			>/dev/udp/198.51.100.2/4500'
	done
	sleep 0.3
	after=$(stat_of gw-b 1 auth)
	is $((after - before)) 20 && ping_ok host-a 10.2.0.10 2
}

# ping the far host with SIZE bytes of payload; prints what came back. big FROM TO SIZE DF
big() { in_ns "$1" ping -n -c 1 -W 1 -s "$3" -M "$4" "$2" 2>&1; }
told_mtu() { big host-a 10.2.0.10 1370 "do" | grep -q "mtu = $1"; }
told_mtu6() { big host-a fd02::10 1350 "do" | grep -qi "mtu.*$1"; }
unreachable() { in_ns host-a ping -n -c 1 -W 2 "$1" 2>&1 | grep -qi "$2"; }
# A connection fails at once, not after minutes.
fails_fast() {
	local t=$SECONDS
	in_ns host-a timeout 10 nc "$1" 5001 </dev/null && return 1
	[ $((SECONDS - t)) -le 2 ]
}
hold_works() {
	both "sa 8"
	tell gw-b "del 8 0"; tell gw-b "hold 8"
	until_ok 30 said gw-a "added 8" || return 1
	local before; before=$(stat_of gw-b 8 tx_packets)
	# b answers on the old one until a packet came on the new one
	ping_ok host-a 10.2.0.10 3 || return 1
	said gw-b "event 8 active" || { echo "no event"; return 1; }
	at_least "$(stat_of gw-b 8 rx_packets)" 3 && at_least "$(stat_of gw-b 8 tx_packets)" 2 &&
		is "$before" 0
}
# espd dies: the interfaces stay, the SAs are gone, and new ones work.
killed() {
	local p; p=$(pid_of gw-b)
	in_ns gw-b ip link show adit-t >/dev/null || return 1
	kill -9 "$p"
	until_ok 30 said gw-b lost || { echo "not told"; return 1; }
	until_ok 50 more_than gw-b ready 1 || { echo "not started again"; return 1; }
	in_ns gw-b ip route show 10.1.0.0/24 | grep -q adit-t || { echo "route gone"; return 1; }
	! ping_ok host-a 10.2.0.10 || { echo "old SAs live on"; return 1; }
	add_sa 5 && ping_ok host-a 10.2.0.10 2
}
# Once, when we killed it; a sanitizer's report would be there too.
ended_once() {
	local all; all=$(cat "$LAB_DIR"/gw-?/err | grep -v "packets now come\|the path to")
	is "$all" "espd ended by signal 9"
}
unprivileged() {
	local p; p=$(pid_of gw-a)
	grep -qE '^Uid:\s+65534\s+65534' "/proc/$p/status" && grep -qE '^CapEff:\s+0+$' "/proc/$p/status"
}

# ---- over IPv4

lab_offices
gate gw-a a 203.0.113.1 198.51.100.2 10.1.0.0/24,fd01::/64 10.2.0.0/24,fd02::/64 aes256gcm16 1438 || exit 1
gate gw-b b 198.51.100.2 203.0.113.1 10.2.0.0/24,fd02::/64 10.1.0.0/24,fd01::/64 aes256gcm16 1438 || exit 1
routes gw-a 10.2.0.0/24 fd02::/64 10.1.0.1 fd01::1
routes gw-b 10.1.0.0/24 fd01::/64 10.2.0.1 fd02::1

expect "espd has no privileges" unprivileged
expect "without a tunnel the sender is told" unreachable 10.2.0.10 'net unreachable'
expect "and for IPv6" unreachable fd02::10 'no route\|unreachable'
expect "a connection fails at once" fails_fast 10.2.0.10
expect "SAs are taken" add_sa 1
capture
expect "ping" ping_ok host-a 10.2.0.10 3
expect "ping the other way" ping_ok host-b 10.1.0.10 3
expect "ping with IPv6 inside" ping_ok host-a fd02::10 3
expect "TCP" transfer 10.2.0.10 10.1.0.10
expect "TCP with IPv6 inside" transfer fd02::10 fd01::10
in_ns host-a ping -n -c 3 -i 0.2 -W 1 -s 100 -p 534543524554534543524554 10.2.0.10 >/dev/null 2>&1
expect "full-size packets pass unfragmented" big host-a 10.2.0.10 1410 "do"
expect "only ESP in UDP crosses, and nothing of it can be read" only_esp
expect "replayed packets are dropped and counted" replay
expect "forged packets are dropped and counted" forged
in_ns gw-a ip route add 10.77.0.0/24 dev adit-t
expect "a packet no selector covers is answered" unreachable 10.77.0.1 'filtered\|prohibited'
expect "and counted" at_least "$(stat_of gw-a 1 selector_out)" 1
expect "nothing to do, nothing done" idle
expect "a held SA comes into use with its first packet" hold_works
expect "both count the same" is "$(stat_of gw-a 1 tx_packets)" "$(stat_of gw-b 1 rx_packets)"

# ---- more than the uplink takes

# its queue holds more than espd's socket
if in_ns gw-a tc qdisc add dev wan0 root tbf rate 10mbit burst 20kb limit 64mb 2>/dev/null; then
	expect "a full uplink costs no processor" full_uplink
	expect "and takes packets again" until_ok 30 ping_ok host-a 10.2.0.10
	in_ns gw-a tc qdisc del dev wan0 root
	expect "when it is as wide as before, too" ping_ok host-a 10.2.0.10 3
else
	skip "a full uplink costs no processor" "no tbf in this kernel"
fi

# ---- a narrower path

in_ns inet ip link set b0 mtu 1300; in_ns gw-b ip link set wan0 mtu 1300
big host-a 10.2.0.10 1400 "do" >/dev/null		# lost: the router says so to gw-a
expect "the next too big packet is answered with the MTU" until_ok 10 told_mtu 1238
expect "and in IPv6" until_ok 10 told_mtu6 1280
expect "what may be fragmented passes" big host-a 10.2.0.10 4000 dont
expect "with IPv6, 1280 bytes pass" big host-a fd02::10 1232 "do"
expect "TCP" transfer 10.2.0.10 10.1.0.10
expect "TCP with IPv6 inside" transfer fd02::10 fd01::10
expect "dropped for its size is counted" at_least "$(stat_of gw-a 8 mtu)" 1
in_ns inet ip link set b0 mtu 1500; in_ns gw-b ip link set wan0 mtu 1500

# ---- the end of SAs and of espd

both "del 8 0"
both "del 1 0"
sleep 0.2
expect "deleted SAs carry nothing" unreachable 10.2.0.10 'net unreachable'
expect "new ones do" add_sa 4
expect "ping" ping_ok host-a 10.2.0.10 2
tell gw-a "mtu 1300"
expect "the interface takes another MTU" until_ok 20 in_ns gw-a sh -c 'ip link show adit-t | grep -q "mtu 1300"'
expect "and still works" ping_ok host-a 10.2.0.10 2
expect "espd is killed and comes back" killed
gates_quit
for h in host-a host-b gw-a gw-b; do in_ns $h ip route flush cache; in_ns $h ip -6 route flush cache; done
expect_not "nothing is left" in_ns gw-a ip link show adit-t

# ---- over IPv6, with CBC and HMAC

gate gw-a a 2001:db8:a::1 2001:db8:b::2 10.1.0.0/24,fd01::/64 10.2.0.0/24,fd02::/64 aes256-sha256 1406 || exit 1
gate gw-b b 2001:db8:b::2 2001:db8:a::1 10.2.0.0/24,fd02::/64 10.1.0.0/24,fd01::/64 aes256-sha256 1406 || exit 1
routes gw-a 10.2.0.0/24 fd02::/64 10.1.0.1 fd01::1
routes gw-b 10.1.0.0/24 fd01::/64 10.2.0.1 fd02::1
expect "over IPv6: SAs are taken" add_sa 1
capture
expect "over IPv6: ping" ping_ok host-a 10.2.0.10 3
expect "over IPv6: ping with IPv6 inside" ping_ok host-b fd01::10 3
expect "over IPv6: TCP" transfer 10.2.0.10 10.1.0.10
expect "over IPv6: full-size packets pass" big host-a 10.2.0.10 1378 "do"
expect "over IPv6: only ESP in UDP crosses" only_esp
in_ns inet ip link set b0 mtu 1280; in_ns gw-b ip link set wan0 mtu 1280
big host-a 10.2.0.10 1370 "do" >/dev/null
expect "over IPv6: a narrow path's MTU is told" until_ok 10 told_mtu 1182
expect "over IPv6: and fragments pass" big host-a 10.2.0.10 3000 dont
expect "over IPv6: 1280 bytes of IPv6 pass where they cannot fit" big host-a fd02::10 1232 "do"
expect "over IPv6: TCP with IPv6 inside" transfer fd02::10 fd01::10
gates_quit
in_ns inet ip link set b0 mtu 1500; in_ns gw-b ip link set wan0 mtu 1500
for h in host-a host-b gw-a gw-b; do in_ns $h ip route flush cache; in_ns $h ip -6 route flush cache; done

# ---- the other ways: workers with threads, IP protocol 50

threads() { is "$(find "/proc/$(pid_of gw-a)/task" -mindepth 1 -maxdepth 1 | wc -l)" "$1"; }
# Both ends send on the newest SA; with two workers each end's belongs to another one.
rekeyed() {
	local p
	in_ns host-a ping -n -q -c 100 -i 0.01 -W 1 10.2.0.10 >"$LAB_DIR/ping" & p=$!
	for n in 21 22 23; do
		# who can receive first, as with IKE: gw-b sends on it at once
		tell gw-a "hold $n"
		until_ok 30 said gw-a "added $n" || return 1
		tell gw-b "sa $n"
		until_ok 30 said gw-b "added $n" || return 1
		tell gw-a "activate $n"
		sleep 0.2
		both "del $((n == 21 ? 1 : n - 1)) 500"
	done
	wait $p
	grep -q ' 0% packet loss' "$LAB_DIR/ping" || { cat "$LAB_DIR/ping"; return 1; }
}
# way NAME FILTER: gates on the family and with the environment that are set
way() {
	local name=$1 filter=$2 a=203.0.113.1 b=198.51.100.2
	[[ $name == *IPv6* ]] && a=2001:db8:a::1 b=2001:db8:b::2
	gate gw-a a $a $b 10.1.0.0/24,fd01::/64 10.2.0.0/24,fd02::/64 aes256gcm16 1418 || exit 1
	gate gw-b b $b $a 10.2.0.0/24,fd02::/64 10.1.0.0/24,fd01::/64 aes256gcm16 1418 || exit 1
	routes gw-a 10.2.0.0/24 fd02::/64 10.1.0.1 fd01::1
	routes gw-b 10.1.0.0/24 fd01::/64 10.2.0.1 fd02::1
	expect "$name: without a tunnel the sender is told" unreachable 10.2.0.10 'net unreachable'
	expect "$name: SAs are taken" add_sa 1
	capture
	expect "$name: ping" ping_ok host-a 10.2.0.10 3
	expect "$name: ping with IPv6 inside" ping_ok host-b fd01::10 3
	expect "$name: TCP" transfer 10.2.0.10 10.1.0.10
	expect "$name: TCP with IPv6 inside" transfer fd02::10 fd01::10
	expect "$name: full-size packets pass" big host-a 10.2.0.10 1390 "do"
	expect "$name: nothing else crosses" only_esp "$filter"
	expect "$name: new keys lose nothing" rekeyed
	expect "$name: both count the same" is "$(stat_of gw-a 23 tx_packets)" "$(stat_of gw-b 23 rx_packets)"
	expect "$name: nothing to do, nothing done" idle
	in_ns inet ip link set b0 mtu 1300; in_ns gw-b ip link set wan0 mtu 1300
	big host-a 10.2.0.10 1390 "do" >/dev/null
	expect "$name: a narrow path's MTU is told" until_ok 10 told_mtu "${3:-1238}"
	expect "$name: and fragments pass" big host-a 10.2.0.10 3000 dont
	expect "$name: TCP" transfer 10.2.0.10 10.1.0.10
	[ -z "${GATE_WORKERS:-}" ] || expect "$name: there are threads" threads $((GATE_WORKERS + 1))
	gates_quit
	in_ns inet ip link set b0 mtu 1500; in_ns gw-b ip link set wan0 mtu 1500
	for h in host-a host-b gw-a gw-b; do in_ns $h ip route flush cache; in_ns $h ip -6 route flush cache; done
}
export GATE_WORKERS=2
way "two workers" "udp port 4500"
export GATE_UDP=0
way "two workers without UDP" "ip proto 50" 1246
unset GATE_WORKERS
way "without UDP" "ip proto 50" 1246
way "without UDP over IPv6" "ip6 proto 50" 1226
unset GATE_UDP

expect "no espd ended by itself, and none complained" ended_once
lab_done
