#!/bin/bash
# shunts: children that bypass the tunnel or are discarded: their packets go in clear, or nowhere.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
# A third network behind gw-b, of which a part is reached in clear.
lab_addr host-b eth0 10.2.5.10/32 10.2.6.10/32 10.2.7.10/32
in_ns gw-b ip route add 10.2.4.0/22 dev lan0
in_ns inet ip route add 10.2.5.0/24 via 198.51.100.2
in_ns inet ip route add 10.1.0.0/24 via 203.0.113.1
for g in gw-a gw-b; do adit_start $g; done
pair_peers
adit gw-a peer set branch remote_network=10.2.0.0/16 >/dev/null
adit gw-b peer set main local_network=10.2.0.0/16 >/dev/null
child_conf() {	# NS PEER LOCAL REMOTE NAME MODE
	printf 'child "%s" {\n\tmode = %s\n\tlocal_network = %s\n\tremote_network = %s\n}\n' "$5" "$6" "$3" "$4" \
		>>"$(adit_dir "$1")/etc/peers/$2.conf"
}
child_conf gw-a branch 10.1.0.0/24 10.2.5.0/24 clear bypass
child_conf gw-a branch 10.1.0.0/24 10.2.6.0/24 hole discard
child_conf gw-b main 10.2.5.0/24 10.1.0.0/24 clear bypass
if out=$(adit gw-a reload 2>&1 && adit gw-b reload 2>&1); then ok "settings"; else bad "settings" "$out"; fi
expect "up" adit gw-a --timeout 20 up branch
across "what is between goes by the tunnel" host-a 10.2.7.10
# seen PATTERN ADDRESS: pinging it, is that on the wire between?
seen() {
	bg inet timeout 3 tcpdump -n -l -i a0 -c 1 "$1" >"$LAB_DIR/seen" 2>/dev/null
	local p=$BG
	sleep 0.7
	ping_ok host-a "$2" 2 1
	until_ok 15 grep -q ICMP "$LAB_DIR/seen"; local rc=$?
	kill "$p" 2>/dev/null
	return $rc
}
expect "bypass: answered" until_ok 30 ping_ok host-a 10.2.5.10
expect "bypass: in clear" seen "icmp and host 10.2.5.10" 10.2.5.10
expect_not "the rest is not" seen "icmp and host 10.2.7.10" 10.2.7.10
expect_not "discard: no answer" ping_ok host-a 10.2.6.10 2 1
expect_not "discard: not in clear either" seen "icmp and host 10.2.6.10" 10.2.6.10
adit gw-a down branch >/dev/null
expect "down: the bypass stays" until_ok 20 ping_ok host-a 10.2.5.10
expect_not "down: the rest does not leave in clear" seen "icmp and host 10.2.7.10" 10.2.7.10
[ $failed = 0 ] || { pair_logs; in_ns gw-a ip route; in_ns gw-a nft list ruleset; in_ns gw-a ip xfrm policy; }
adit_stop gw-a
left=$(traces gw-a)
[ -z "$left" ] && ok "nothing is left behind" || bad "nothing is left behind" "$left"
lab_done
