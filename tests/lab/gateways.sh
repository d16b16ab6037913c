#!/bin/bash
# gateways: where a peer is: by name, as a list, as a network, behind other ports; names that
# do not resolve, that move, that nobody answers for.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
lab_addr gw-b wan0 198.51.100.3/24
# Each router asks the internet for names: ip netns exec puts this file in place.
mkdir -p "/etc/netns/$(ns gw-a)"
netns_end() { rm -rf "/etc/netns/$(ns gw-a)"; lab_end; }
trap netns_end EXIT
printf 'nameserver 203.0.113.253\nnameserver 203.0.113.254\n' >"/etc/netns/$(ns gw-a)/resolv.conf"
printf '127.0.0.1 localhost\n' >"/etc/netns/$(ns gw-a)/hosts"
zone() { printf '%s\n' "$@" >"$LAB_DIR/zone.new"; mv "$LAB_DIR/zone.new" "$LAB_DIR/zone"; }
zone ''
bg inet tests/lab/nameserver.py 203.0.113.254 "$LAB_DIR/zone" >"$LAB_DIR/questions" 2>&1

adit_start gw-a; adit_start gw-b
# Without MOBIKE it does not tell of its other address.
adit gw-b peer add main remote_gateway=203.0.113.0/24 start=responder mobike=no local_id=b.example \
	peer_id=a.example local_network=10.2.0.0/24 remote_network=10.1.0.0/24 \
	--psk-file "$LAB_DIR/psk" >/dev/null || bad "peer by network"
branch() { adit gw-a peer set branch "$@" >"$LAB_DIR/out" 2>&1 || { cat "$LAB_DIR/out"; false; }; }
reason() { adit gw-a status --json | jq -r '.peers[0].reason, .peers[0].last_failure'; }
remote() { adit gw-a status --json | jq -r '.peers[0].remote'; }
remote_is() { [ "$(remote)" = "$1" ]; }
has_reason() { reason | grep -qF "$1"; }
# The firewall's set of gateways on gw-a has exactly these.
admits() { in_ns gw-a nft list set inet adit gateways4 2>/dev/null | tr -d ' \n\t' | grep -qF "elements={$1}"; }

# --- a name that does not exist, then one that does
adit gw-a peer add branch remote_gateway=vpn.example.net local_id=a.example peer_id=b.example \
	local_network=10.1.0.0/24 remote_network=10.2.0.0/24 --psk-file "$LAB_DIR/psk" >/dev/null ||
	bad "peer by name"
expect "an unknown name is said in words" until_ok 80 has_reason \
	"vpn.example.net does not resolve: NXDOMAIN from 203.0.113.254"
zone 'vpn.example.net 10 CNAME box.dyn.example' 'box.dyn.example 10 198.51.100.2'
expect "and tried again: up" until_ok 150 is_up gw-a branch
across "traffic by name"
expect "it is where the name says" remote_is 198.51.100.2
expect "the firewall admits that address" admits 198.51.100.2
expect "the peer known by a network alone: it is admitted there" \
	sh -c "ip netns exec $(ns gw-b) nft list set inet adit gateways4 | grep -q 203.0.113.0/24"

# --- the name moves, the old address still answers
bg host-a ping -n -i 0.1 -W 1 10.2.0.10 >"$LAB_DIR/ping" 2>&1; ping=$BG
zone 'vpn.example.net 10 198.51.100.3'
expect "the name moved: so does the tunnel" until_ok 250 remote_is 198.51.100.3
sleep 1.5; kill -INT "$ping"; wait "$ping" 2>/dev/null
lost=$(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$LAB_DIR/ping")
[ $((${lost% *} - ${lost#* })) -le 2 ] && ok "and no ping was lost" || bad "and no ping was lost" "$(tail -3 "$LAB_DIR/ping")
$(pair_logs)"
expect "the firewall follows" until_ok 30 admits 198.51.100.3
# --- an answer with the old address in it is no reason to move
zone 'vpn.example.net 10 198.51.100.2 198.51.100.3'
sleep 12
expect "one more address is no reason to move" remote_is 198.51.100.3
both_admitted() { admits 198.51.100.2,198.51.100.3 || admits 198.51.100.2-198.51.100.3 || admits 198.51.100.2/31; }
expect "it is admitted" both_admitted || in_ns gw-a nft list set inet adit gateways4
# --- while nothing can be asked, what is known stays
zone 'vpn.example.net servfail'
sleep 12
expect "a name server that fails changes nothing" is_up gw-a branch
across "traffic still flows"

# --- a list: the first that answers
branch remote_gateway=198.51.100.77,gone.example.net,198.51.100.2
expect "a list is tried in its order: up by the last" until_ok 250 remote_is 198.51.100.2
expect "and up" until_ok 50 is_up gw-a branch
across "traffic by the last of a list"

# --- /etc/hosts
printf '127.0.0.1 localhost\n198.51.100.3 office.example.net b\n' >"/etc/netns/$(ns gw-a)/hosts"
branch remote_gateway=Office.Example.net
expect "a name of /etc/hosts" until_ok 100 remote_is 198.51.100.3
expect "and up (hosts)" until_ok 100 is_up gw-a branch

# --- IPv6 by name
adit gw-b peer set main remote_gateway=203.0.113.0/24,2001:db8:a::/64 >/dev/null
zone 'six.example.net 30 2001:db8:b::2'
branch remote_gateway=six.example.net
expect "AAAA: up over IPv6" until_ok 150 remote_is 2001:db8:b::2
expect "and up (IPv6)" until_ok 100 is_up gw-a branch
across "IPv4 in IPv6, by name"

# --- the most specific wins; several peers at one address by their ID
adit gw-b peer add anyone remote_gateway=any start=responder local_id=b.example \
	peer_id=c.example local_network=10.2.0.0/24 remote_network=10.99.0.0/24 \
	--psk-file "$LAB_DIR/psk" >/dev/null
adit gw-b peer add here remote_gateway=203.0.113.1 start=responder local_id=b.example \
	peer_id=d.example local_network=10.2.0.0/24 remote_network=10.1.0.0/24 \
	--psk-file "$LAB_DIR/psk" >/dev/null
branch remote_gateway=198.51.100.3
expect "told apart by ID: main" until_ok 150 is_up gw-b main
branch local_id=d.example
expect "told apart by ID: here" until_ok 150 is_up gw-b here
adit gw-b peer delete here --yes >/dev/null; adit gw-b peer delete anyone --yes >/dev/null
branch local_id=a.example
expect "and main again" until_ok 150 is_up gw-b main

# --- other ports
adit gw-b router set ike_port=5500 natt_port=5501 >/dev/null
adit_stop gw-b; adit_start gw-b
branch remote_port=5501
expect "another port: up" until_ok 300 is_up gw-a branch
across "traffic to another port"
expect "the firewall knows its ports" sh -c "ip netns exec $(ns gw-b) nft list chain inet adit input | grep -q 5501"
adit gw-b status --json | jq -e '.peers[0].state == "up"' >/dev/null && ok "and is up there" || bad "and is up there" "$(pair_logs)"
# The other way round: gw-b calls from its port to the usual one.
adit gw-b peer set main remote_gateway=203.0.113.1 start=start >/dev/null
branch start=responder remote_gateway=198.51.100.3,198.51.100.2
expect "it calls from there, too" until_ok 150 is_up gw-b main
across "traffic, called from another port" host-b 10.1.0.10
lab_done
