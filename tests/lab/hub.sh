#!/bin/bash
# hub: a head office and two branches that reach each other through it. The branches name one
# wide network, 10.0.0.0/8, that contains their own LAN; branch c's WAN and the hub's second
# WAN address are private ones within it too.
#
#	host-a ── gw-a ═══╗                     LANs 10.1.0.0/24 (a), 10.2.0.0/24 (b: the hub),
#	                  inet ═══ gw-b ── host-b     10.3.0.0/24 (c)
#	host-c ── gw-c ═══╝
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
lab_ns host-c gw-c guest-a
lab_link host-c eth0 gw-c lan0
lab_link gw-c wan0 inet c0
lab_link guest-a eth0 gw-a lan1
lab_addr host-c eth0 10.3.0.10/24
lab_addr gw-c lan0 10.3.0.1/24
lab_addr gw-c wan0 10.77.0.2/24
lab_addr inet c0 10.77.0.254/24
lab_addr guest-a eth0 10.9.0.10/24
lab_addr gw-a lan1 10.9.0.1/24
lab_addr inet b0 10.88.0.254/24
lab_addr gw-b wan0 10.88.0.2/24
lab_forward gw-c
in_ns host-c ip route add default via 10.3.0.1
in_ns guest-a ip route add default via 10.9.0.1
in_ns gw-c ip route add default via 10.77.0.254
for n in gw-a gw-b gw-c; do adit_start $n; done

# peer NS NAME KEY=VALUE...: added; what was said is in OUT.
peer() {
	local n=$1; shift
	if OUT=$(adit "$n" peer add "$@" --psk-file "$LAB_DIR/psk" 2>&1); then
		ok "$n: peer add $1"
	else
		bad "$n: peer add $1" "$OUT"
	fi
}
said() { [[ $OUT == *"$1"* ]] && ok "  says: $1" || bad "  says: $1" "$OUT"; }

peer gw-b office-a remote_gateway=203.0.113.1 local_network=10.0.0.0/8 remote_network=10.1.0.0/24
said "10.1.0.0/24 lies within the local network 10.0.0.0/8"
peer gw-b office-c local_ip=10.88.0.2 remote_gateway=10.77.0.2 local_network=10.0.0.0/8 remote_network=10.3.0.0/24
peer gw-a head remote_gateway=198.51.100.2 local_network=10.1.0.0/24 remote_network=10.0.0.0/8
said "10.0.0.0/8 contains the local network 10.1.0.0/24"
# Gateway, own WAN and LAN are all within 10.0.0.0/8.
peer gw-c head local_ip=10.77.0.2 remote_gateway=10.88.0.2 local_network=10.3.0.0/24 remote_network=10.0.0.0/8
said "10.0.0.0/8 contains the remote gateway 10.88.0.2"
expect "a is up" adit gw-a up head
expect "c is up, its gateway within the remote network" adit gw-c up head
for n in gw-a gw-b gw-c; do
	adit $n check >"$LAB_DIR/check" 2>&1 && ok "$n: check: no error" || bad "$n: check: no error" "$(cat "$LAB_DIR/check")"
done

both() {	# what crosses, each time
	across "$1: a to the hub's LAN" host-a 10.2.0.10
	across "$1: c to the hub's LAN" host-c 10.2.0.10
	across "$1: the hub's LAN to c" host-b 10.3.0.10
	across "$1: a to c, through the hub" host-a 10.3.0.10
	across "$1: c to a, through the hub" host-c 10.1.0.10
	across "$1: a to its second LAN, that no one named" host-a 10.9.0.10
	across "$1: a to its own router" host-a 10.1.0.1
}
both "up"
# A LAN's own traffic stays on the LAN side: nothing of it was put into the tunnel.
st=$(adit gw-a status head --json)
tx=$(jq '.peers[0].children[0].tx_packets' <<<"$st")
ping_ok host-a 10.9.0.10 3
[ "$(adit gw-a status head --json | jq '.peers[0].children[0].tx_packets')" = "$tx" ] &&
	ok "between two LANs nothing goes through the tunnel" || bad "between two LANs nothing goes through the tunnel" "$st"
# The hub's outer packets do not loop through its tunnels, and the WAN's neighbour answers.
ping_ok gw-c 10.77.0.254 && ok "c reaches its WAN's neighbour" || bad "c reaches its WAN's neighbour"

# --- nothing of it in clear when it is down
bg inet tcpdump --immediate-mode -i any -n -w "$LAB_DIR/wan.pcap" -U "icmp" 2>/dev/null
until_ok 30 test -s "$LAB_DIR/wan.pcap"
expect "down" adit gw-c down head
not_across "down: c to a" host-c 10.1.0.10
not_across "down: c to the hub" host-c 10.2.0.10
ping_ok gw-c 10.77.0.254
sleep 0.2
[ -n "$(tcpdump -nr "$LAB_DIR/wan.pcap" "host 10.77.0.254" 2>/dev/null)" ] && ok "down: the capture sees what there is" ||
	bad "down: the capture sees what there is"
clear=$(tcpdump -nr "$LAB_DIR/wan.pcap" "net 10.1.0.0/24 or net 10.2.0.0/24 or net 10.3.0.0/24" 2>/dev/null)
[ -z "$clear" ] && ok "down: nothing in clear" || bad "down: nothing in clear" "$clear"
ping_ok host-c 10.3.0.1 && ok "down: the LAN is as it was" || bad "down: the LAN is as it was"
expect "up again" adit gw-c up head
both "again"

# --- the daemon anew: the way to the gateway is found without the tunnel
expect "restart of c" adit gw-c restart
until_ok 100 is_up gw-c head && ok "c comes back" || bad "c comes back" "$(adit_log gw-c)"
both "restarted"
lab_done
