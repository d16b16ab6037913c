#!/bin/bash
# on_demand: the first packet brings the tunnel up, and is not lost; hold: so does the first
# after the peer died.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
adit_start gw-a; adit_start gw-b

state_is() { [ "$(peer_state "$1" "$2")" = "$3" ]; }
reason() { adit gw-a status --json | jq -r '.peers[0].reason'; }
has_reason() { reason | grep -qF "$1"; }
# one_ping SECONDS: a single packet, whose answer is waited for so long.
one_ping() { in_ns host-a ping -n -c 1 -W "$1" 10.2.0.10; }
route_stands() { in_ns gw-a ip route show 10.2.0.0/24 | grep -q 'dev adit-branch'; }

pair_peers start=on_demand
adit gw-b peer set main start=responder >/dev/null
sleep 1
expect "nothing is called before a packet comes" state_is gw-a branch down
expect "and it says what it waits for" has_reason "waiting for a packet"
expect "its interface and route stand" route_stands
sent=$(in_ns gw-a cat /sys/class/net/wan0/statistics/tx_packets)
sleep 2
now=$(in_ns gw-a cat /sys/class/net/wan0/statistics/tx_packets)
[ $((now - sent)) -le 2 ] && ok "the wire is silent" || bad "the wire is silent" "$((now - sent)) packets"
expect "the very first packet is answered" one_ping 5
expect "and the tunnel is up" is_up gw-a branch
across "traffic flows"

# --- the peer ends it: back to the trap, and up again by a packet
adit gw-b down main >/dev/null
expect "the peer took it down" until_ok 50 state_is gw-a branch down
expect "the route still stands" route_stands
adit gw-b up main >/dev/null 2>&1 &
sleep 0.5
expect "the next packet brings it up, and is answered" one_ping 5
expect "up again" is_up gw-a branch

# --- TCP: the first SYN, and no other, connects
adit gw-a down branch >/dev/null; adit_stop gw-a; adit_start gw-a
in_ns host-b timeout 20 nc.openbsd -l 10.2.0.10 5000 >"$LAB_DIR/got" & nc=$!
sleep 0.5
begin=$(date +%s%N)
printf 'hello\n' | in_ns host-a timeout 10 nc.openbsd -N 10.2.0.10 5000
wait $nc
took=$((($(date +%s%N) - begin) / 1000000))
grep -q hello "$LAB_DIR/got" && [ $took -lt 900 ] && ok "TCP: the first SYN went through ($took ms)" ||
	bad "TCP: the first SYN went through ($took ms)" "$(pair_logs)"

# --- the admin's word counts more than a packet
adit gw-a down branch >/dev/null
expect_not "down by the admin: no packet brings it up" one_ping 3
expect "it stays down" state_is gw-a branch down
adit gw-a up branch >/dev/null
across "up by the admin"

# --- espd dies: the trap is set again
kill -9 "$(child_of gw-a espd)"
across "espd was killed: traffic comes back"

# --- nobody there: the sender hears of it, nothing piles up
adit_stop gw-b
adit gw-a down branch >/dev/null; adit_stop gw-a; adit_start gw-a
out=$(in_ns host-a ping -n -c 40 -i 0.05 -W 25 10.2.0.10 2>&1)
[[ $out == *nreachable* ]] && ok "in vain: the sender is told" || bad "in vain: the sender is told" "$out"
adit_start gw-b
expect "and when the peer is there a packet brings it up" until_ok 90 one_ping 1

# --- hold: after a peer died the next packet calls it
adit gw-a peer set branch start=start dpd_action=hold dpd_delay=2 >/dev/null
until_ok 100 is_up gw-a branch
across "hold: up"
kill -9 "$ADITD_PID_gw_b"; lab_gone "$ADITD_PID_gw_b" 30; sleep 1
not_up() { ! is_up gw-a branch; }
expect "hold: the dead peer is noticed" until_ok 900 not_up
sleep 2
expect "hold: nobody calls" not_up
expect "hold: the route stands" route_stands
adit_start gw-b
expect "hold: the next packet calls" until_ok 60 one_ping 2
lab_done
