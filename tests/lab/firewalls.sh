#!/bin/bash
# firewalls: whole tunnels beside other people's rules (DESIGN: firewall, NAT, routes).
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
nft_a() { in_ns gw-a nft "$@"; }
# The other tables' rules, with ours taken out: what must not change.
foreign() { nft_a list ruleset | sed '/^table inet adit /,/^}/d' | grep -v 'adit:auto' | sed 's/ counter packets.*//'; }

DROP='table inet filter {
	chain input { type filter hook input priority 0; policy drop; ct state established,related accept; iifname "lo" accept; icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; }
	chain forward { type filter hook forward priority 0; policy drop; }
	chain output { type filter hook output priority 0; policy drop; ct state established,related accept; oifname "lo" accept; icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; }
}'
MASQ='table ip nat {
	chain postrouting { type nat hook postrouting priority 100; masquerade; }
}'
FW4='table inet fw4 {
	chain input { type filter hook input priority 0; policy drop; ct state established,related accept; iifname "lan0" jump accept_from_lan; iifname "wan0" jump reject_from_wan; jump handle_reject; }
	chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "lan0" jump forward_lan; iifname "wan0" jump reject_from_wan; jump handle_reject; }
	chain output { type filter hook output priority 0; policy accept; }
	chain accept_from_lan { accept; }
	chain forward_lan { oifname "wan0" accept; }
	chain reject_from_wan { jump handle_reject; }
	chain handle_reject { meta l4proto tcp reject with tcp reset; reject; }
	chain srcnat { type nat hook postrouting priority 100; policy accept; oifname "wan0" masquerade; }
}'

tunnel() {	# NAME
	adit_start gw-a
	if adit gw-a up branch >"$LAB_DIR/up" 2>&1; then ok "$1: up"; else bad "$1: up" "$(cat "$LAB_DIR/up"; nft_a list ruleset)"; fi
	across "$1: LAN to LAN"
	across "$1: and back" host-b 10.1.0.10
	[ "$(in_ns host-b timeout 3 tcpdump --immediate-mode -ni eth0 -c 1 icmp 2>/dev/null & sleep 0.5; ping_ok host-a 10.2.0.10; wait)" != "" ] || true
}
stopped() {	# NAME
	adit_stop gw-a
	left=$(traces gw-a)
	[ -z "$left" ] && ok "$1: nothing is left" || bad "$1: nothing is left" "$left"
}

adit_start gw-b
adit_conf gw-a
adit_start gw-a; pair_peers; adit_stop gw-a

tunnel "no firewall"; stopped "no firewall"

for case in "policy drop|$DROP" "masquerade|$MASQ" "fw4|$FW4"; do
	name=${case%%|*}
	echo "${case#*|}" | nft_a -f -
	before=$(foreign)
	tunnel "$name"
	[ "$before" = "$(foreign)" ] && ok "$name: no line of others was touched" || bad "$name: no line of others was touched" "$(diff <(echo "$before") <(foreign))"
	# The source that the other side sees is the host's own.
	in_ns host-b timeout 5 tcpdump --immediate-mode -ni eth0 -c 1 'icmp and icmp[0]=8' >"$LAB_DIR/dump" 2>/dev/null &
	dump=$!; sleep 0.6; ping_ok host-a 10.2.0.10 2; wait $dump
	grep -q '10.1.0.10 > 10.2.0.10' "$LAB_DIR/dump" && ok "$name: the source is kept" || bad "$name: the source is kept" "$(cat "$LAB_DIR/dump")"

	# Their firewall is flushed and loaded again while the tunnel is up.
	{ echo "flush ruleset"; echo "${case#*|}"; } | nft_a -f -
	sleep 1
	across "$name: after a flush and reload"
	[ "$before" = "$(foreign)" ] && ok "$name: their rules are as loaded" || bad "$name: their rules are as loaded" "$(diff <(echo "$before") <(foreign))"
	nft_a list table inet adit >/dev/null 2>&1 && ok "$name: our table is back" || bad "$name: our table is back"
	stopped "$name"
	[ "$before" = "$(foreign)" ] && ok "$name: and what was there is there" || bad "$name: and what was there is there" "$(diff <(echo "$before") <(foreign))"
	nft_a flush ruleset
done

# --- a stranger is not answered where all gateways are known
adit_start gw-a
adit gw-a up branch >/dev/null
lab_ns stranger; lab_link stranger eth0 inet s0
lab_addr inet s0 192.0.2.254/24; lab_addr stranger eth0 192.0.2.9/24
in_ns stranger ip route add default via 192.0.2.254
if command -v ike-scan >/dev/null; then
	out=$(in_ns stranger ike-scan --ikev2 --retry=1 --timeout=500 203.0.113.1 2>&1)
	[[ $out == *"0 returned handshake; 0 returned notify"* ]] && ok "a stranger gets no answer" || bad "a stranger gets no answer" "$out"
else
	skip "a stranger gets no answer" "ike-scan is missing"
fi
adit_stop gw-a

# --- 0.0.0.0/0 as remote network, and an admin's TCP connection from the internet
echo "$MASQ" | nft_a -f -
adit_start gw-a
in_ns gw-a nc.openbsd -lk 203.0.113.1 2222 >"$LAB_DIR/ssh" &
LAB_PIDS+=($!)
until_ok 50 in_ns stranger nc.openbsd -z -w 1 203.0.113.1 2222
(for i in $(seq 1 900); do echo "line $i"; sleep 0.1; done | in_ns stranger nc.openbsd -w 30 203.0.113.1 2222) &
LAB_PIDS+=($!)
typed() { [ "$(wc -l <"$LAB_DIR/ssh")" -gt "$1" ]; }
expect "the admin is logged in" until_ok 50 typed 3
adit gw-a peer set branch remote_network=0.0.0.0/0 >/dev/null || bad "0.0.0.0/0 is allowed"
adit gw-b peer set main local_network=0.0.0.0/0 forward_wan=yes >/dev/null || bad "0.0.0.0/0 at the other side"
adit gw-a up branch >/dev/null
across "0.0.0.0/0: through the tunnel" host-a 10.2.0.10
across "0.0.0.0/0: the internet by the other office" host-a 192.0.2.9
if until_ok 50 typed $(($(wc -l <"$LAB_DIR/ssh") + 5)); then ok "0.0.0.0/0: the admin's connection lives"; else
	bad "0.0.0.0/0: the admin's connection lives" "$(in_ns gw-a ip rule; in_ns gw-a ip route show table all | head -30)"; fi
in_ns stranger nc.openbsd -z -w 3 203.0.113.1 2222 && ok "0.0.0.0/0: and a new one works" || bad "0.0.0.0/0: and a new one works"
ping_ok host-a 10.1.0.1 && ok "0.0.0.0/0: the LAN reaches its router" || bad "0.0.0.0/0: the LAN reaches its router"
in_ns gw-a ping -c1 -W1 127.0.0.1 >/dev/null && ok "0.0.0.0/0: loopback" || bad "0.0.0.0/0: loopback"
stopped "0.0.0.0/0"
lab_done
