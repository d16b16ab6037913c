#!/bin/bash
# firewall: core/net's rules beside other firewalls, with real packets: none, policy drop, a
# masquerade without an interface, zones as fw4 has them, firewalld's manner, iptables-nft;
# each reloaded while we run, and nothing of ours left behind after stop and after a crash.
# shellcheck source=tests/netns/net.bash
. "$(dirname "$0")/net.bash"
need_root
make_router
sys $R net.ipv6.conf.all.forwarding=1

PEER="peer=branch gw=203.0.113.9 local=10.1.0.0/24 local=fd01::/64 remote=10.2.0.0/24 remote=fd02::/64"

# nft warns of tables that iptables made, and knows its targets only where iptables is installed.
rules_now() { in_ns $R nft -s list ruleset 2>/dev/null; }
# The ruleset as it is without us, for comparing.
remember() { rules_now >"$TMP/before"; }
same_as_before() { rules_now >"$TMP/after"; diff "$TMP/before" "$TMP/after"; }

# What must work beside every firewall.
traffic() {
	is "$1: LAN to far host, source kept" 10.1.0.5 "$(ask $L tcp 10.2.0.5 80)"
	is "$1: far host to LAN, source kept" 10.2.0.5 "$(ask $F tcp 10.1.0.5 80)"
	is "$1: LAN to far host, IPv6" fd01::5 "$(ask $L tcp fd02::5 80)"
	is "$1: far host to LAN, IPv6" fd02::5 "$(ask $F tcp fd01::5 80)"
	yes "$1: far host pings the router's LAN address" can_ping $F 10.1.0.1
	is "$1: router to far host, from its LAN address" 10.1.0.1 "$(ask $R tcp 10.2.0.5 80)"
	is "$1: IKE from the peer" 203.0.113.9 "$(ask $I udp 198.51.100.1 500 203.0.113.9)"
	is "$1: NAT-T from the peer" 203.0.113.9 "$(ask $I udp 198.51.100.1 4500 203.0.113.9)"
	is "$1: ESP from the peer" answer "$(ask $I esp 198.51.100.1 0 203.0.113.9)"
	is "$1: IKE from a stranger is dropped" nothing "$(ask $I udp 198.51.100.1 500 203.0.113.66)"
	is "$1: ESP from a stranger is dropped" nothing "$(ask $I esp 198.51.100.1 0 203.0.113.66)"
}

# scenario NAME LOADER FLUSHER
scenario() {
	local name=$1 load=$2 flush=$3
	$load
	remember
	# shellcheck disable=SC2086
	start hold $R "$TOOL" hold state="$TMP/state" $PEER
	in_ns $R conntrack -F >/dev/null 2>&1 || :
	traffic "$name"
	# Reload, as that firewall does it, and again after one second.
	$flush; $load
	sleep 1
	in_ns $R conntrack -F >/dev/null 2>&1 || :
	traffic "$name reloaded"
	stop hold
	yes "$name: nothing of ours is left after stop" same_as_before
	# shellcheck disable=SC2086
	start hold $R "$TOOL" hold state="$TMP/state" $PEER
	stop hold KILL
	if rules_now | grep -q 'table inet adit'; then ok "$name: a crash leaves the rules"; else bad "$name: a crash leaves the rules"; fi
	in_ns $R "$TOOL" clean state="$TMP/state"
	yes "$name: nothing of ours is left after a crash and clean" same_as_before
	$flush
}

nothing() { :; }
flush_all() { in_ns $R nft flush ruleset; }

load_drop() {
	in_ns $R nft -f - <<'END'
table inet hand {
	chain input {
		type filter hook input priority 0; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		iifname "lo" accept
		iifname "lan0" tcp dport 22 accept
		meta l4proto ipv6-icmp accept
	}
	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		iifname "lan0" oifname "wan0" accept
	}
	chain output {
		type filter hook output priority 0; policy drop;
		ct state established,related accept
		oifname "lo" accept
		meta l4proto ipv6-icmp accept
	}
}
END
}

load_masquerade() {
	in_ns $R nft -f - <<'END'
table ip nat {
	chain post {
		type nat hook postrouting priority 100; policy accept;
		masquerade
	}
}
table ip6 nat {
	chain post {
		type nat hook postrouting priority 100; policy accept;
		masquerade
	}
}
END
}

# After what fw4 of OpenWrt writes: one table, zones as chains, reject at the end.
load_fw4() {
	in_ns $R nft -f - <<'END'
table inet fw4 {
	set wan_devices { type ifname; elements = { "wan0" }; }
	chain input {
		type filter hook input priority filter; policy drop;
		iifname "lo" accept
		ct state established,related accept
		tcp flags syn / fin,syn,rst,ack jump syn_flood
		iifname "lan0" jump input_lan
		iifname @wan_devices jump input_wan
		jump handle_reject
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "lan0" jump forward_lan
		iifname @wan_devices jump forward_wan
		jump handle_reject
	}
	chain output {
		type filter hook output priority filter; policy accept;
		oifname "lo" accept
		ct state established,related accept
		oifname "lan0" accept
		oifname @wan_devices accept
		meta l4proto ipv6-icmp accept
		jump handle_reject
	}
	chain handle_reject {
		meta l4proto tcp reject with tcp reset
		reject with icmpx type port-unreachable
	}
	chain syn_flood { limit rate 25/second burst 50 packets return; drop; }
	chain input_lan { accept; }
	chain input_wan { meta l4proto { icmp, ipv6-icmp } accept; jump handle_reject; }
	chain forward_lan { oifname @wan_devices accept; jump handle_reject; }
	chain forward_wan { jump handle_reject; }
	chain dstnat { type nat hook prerouting priority dstnat; policy accept; }
	chain srcnat {
		type nat hook postrouting priority srcnat; policy accept;
		oifname @wan_devices jump srcnat_wan
	}
	chain srcnat_wan { meta nfproto ipv4 masquerade; }
	chain mangle_forward {
		type filter hook forward priority mangle; policy accept;
		oifname "wan0" tcp flags syn tcp option maxseg size set rt mtu
	}
}
END
}

# After firewalld: policy accept, dispatch by goto, reject at the end.
load_firewalld() {
	in_ns $R nft -f - <<'END'
table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
		ct state { established, related } accept
		iifname "lo" accept
		ct state invalid drop
		jump filter_INPUT_ZONES
		meta l4proto ipv6-icmp accept
		reject with icmpx type admin-prohibited
	}
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
		ct state { established, related } accept
		ct state invalid drop
		jump filter_FORWARD_ZONES
		reject with icmpx type admin-prohibited
	}
	chain filter_INPUT_ZONES { iifname "lan0" goto filter_IN_internal; goto filter_IN_public; }
	chain filter_FORWARD_ZONES { iifname "lan0" oifname "wan0" accept; }
	chain filter_IN_internal { tcp dport 22 accept; }
	chain filter_IN_public { tcp dport 22 accept; }
}
END
}

load_iptables() {
	local t
	for t in iptables ip6tables; do
		in_ns $R $t-nft -P INPUT DROP
		in_ns $R $t-nft -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
		in_ns $R $t-nft -A INPUT -i lo -j ACCEPT
		in_ns $R $t-nft -N reject
		in_ns $R $t-nft -A reject -j REJECT
		in_ns $R $t-nft -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
		in_ns $R $t-nft -A FORWARD -i lan0 -o wan0 -j ACCEPT
		in_ns $R $t-nft -A FORWARD -j reject
		in_ns $R $t-nft -t nat -A POSTROUTING -j MASQUERADE
	done
	in_ns $R ip6tables-nft -A INPUT -p ipv6-icmp -j ACCEPT
}

scenario "no firewall" nothing flush_all
scenario "policy drop" load_drop flush_all
scenario "masquerade" load_masquerade flush_all
scenario "fw4" load_fw4 flush_all
scenario "firewalld" load_firewalld flush_all

if ! in_ns $R sh -c 'command -v iptables-nft' >/dev/null; then
	skip "iptables" "iptables-nft is not installed"
elif ! in_ns $R iptables-nft -L >/dev/null 2>&1; then
	skip "iptables" "this kernel has no nft_compat"
else
	flush_all
	scenario "iptables" load_iptables flush_all
	# It can still list and save what we put in, ports and all.
	load_iptables
	# shellcheck disable=SC2086
	start hold $R "$TOOL" hold state="$TMP/state" $PEER
	in_ns $R iptables-nft-save >"$TMP/saved"
	yes "iptables: the port is in what it saves" grep -q -- '-A INPUT -p udp -m udp --dport 500 .*adit:auto ike' "$TMP/saved"
	# Saved with our rules, restored without us: recognised all the same.
	stop hold KILL
	in_ns $R "$TOOL" clean state="$TMP/state"
	in_ns $R iptables-nft-restore <"$TMP/saved"
	in_ns $R "$TOOL" clean state="$TMP/state"
	no "iptables: rules it saved and restored are taken out too" sh -c "ip netns exec $R nft list ruleset | grep -q adit:auto"
	flush_all
fi

# ---- what is ours alone

hold() { start hold $R "$TOOL" hold state="$TMP/state" "$@"; in_ns $R conntrack -F >/dev/null 2>&1 || :; }

# The text that `adit firewall` shows is what the kernel holds.
# shellcheck disable=SC2086
hold $PEER
in_ns $R nft -s list table inet adit >"$TMP/kernel"
# shellcheck disable=SC2086
in_ns $R "$TOOL" text $PEER >"$TMP/text"
in_ns $R nft -f - <<<"delete table inet adit"
stop hold
yes "the text is valid nft" in_ns $R nft -f "$TMP/text"
in_ns $R nft -s list table inet adit >"$TMP/loaded"
yes "the text is what the kernel holds" diff "$TMP/kernel" "$TMP/loaded"
flush_all

# Our own table deleted, or one rule of it.
# shellcheck disable=SC2086
hold $PEER
in_ns $R nft delete table inet adit
sleep 1
yes "our table comes back when it is deleted" in_ns $R nft list table inet adit
in_ns $R nft flush chain inet adit guard_out
sleep 1
yes "our rules come back when a chain is flushed" sh -c "ip netns exec $R nft list chain inet adit guard_out | grep -q guarded4"
sleep 0.6
sum() { grep -c '^fixed' "$TMP/hold.log"; }
n=$(sum)
sleep 1
is "and then there is peace" "$n" "$(sum)"
stop hold

# Only encrypted: with the tunnel gone nothing goes out in clear, and nothing comes in.
# shellcheck disable=SC2086
hold $PEER up=0
is "down: LAN gets nothing from the impostor" nothing "$(ask $L tcp 10.2.0.5 80)"
is "down: the router neither" nothing "$(ask $R tcp 10.2.0.5 80)"
is "down: what comes in clear from the remote network is dropped" nothing "$(ask $I tcp 10.1.0.5 80 10.2.0.5)"
is "down: the same to the router" nothing "$(ask $I tcp 198.51.100.1 80 10.2.0.5)"
is "down: the rest of the internet works" 10.1.0.5 "$(ask $L tcp 203.0.113.66 80)"
# Even if somebody puts a route there.
ip -n $R route add 10.2.0.0/25 via 198.51.100.254
is "down, another route: LAN gets nothing from the impostor" nothing "$(ask $L tcp 10.2.0.5 80)"
is "down, another route: the router neither" nothing "$(ask $R tcp 10.2.0.5 80)"
stop hold
is "without us the impostor answers" 10.1.0.5 "$(ask $L tcp 10.2.0.5 80)"
# shellcheck disable=SC2086
hold $PEER up=0 only_encrypted=0
is "only_encrypted=0: the impostor answers" 10.1.0.5 "$(ask $L tcp 10.2.0.5 80)"
stop hold
ip -n $R route del 10.2.0.0/25

# forward_lan off: no LAN, but the router answers a ping and its own replies come back.
# shellcheck disable=SC2086
hold $PEER forward_lan=0
is "forward_lan=0: far host does not reach the LAN" nothing "$(ask $F tcp 10.1.0.5 80)"
is "forward_lan=0: nor the LAN the far host" nothing "$(ask $L tcp 10.2.0.5 80)"
is "forward_lan=0: nor the router's services" nothing "$(ask $F tcp 10.1.0.1 80)"
yes "forward_lan=0: the router answers a ping" can_ping $F 10.1.0.1
is "forward_lan=0: the router reaches the far host" 10.1.0.1 "$(ask $R tcp 10.2.0.5 80)"
stop hold

# forward_wan: the hub lets a remote network out, with its own address.
# shellcheck disable=SC2086
hold $PEER
is "forward_wan=0: far host does not reach the internet" nothing "$(ask $F tcp 203.0.113.66 80 10.2.0.5)"
stop hold
# shellcheck disable=SC2086
hold $PEER forward_wan=1
is "forward_wan=1: it does, masqueraded" 198.51.100.1 "$(ask $F tcp 203.0.113.66 80 10.2.0.5)"
is "forward_wan=1: the internet does not reach it" nothing "$(ask $I tcp 10.2.0.6 80 203.0.113.66)"
stop hold

# TCP's segment size, both ways.
mss() { # NS IF: the MSS of the next SYN there
	in_ns "$1" timeout 4 tcpdump --immediate-mode -lni "$2" -c 1 'tcp dst port 80' 2>"$TMP/tcpdump.err" |
		sed -n 's/.*mss \([0-9]*\).*/\1/p' >"$TMP/mss" &
	local p=$!
	for _ in $(seq 60); do grep -q listening "$TMP/tcpdump.err" 2>/dev/null && break; sleep 0.05; done
	"${@:3}" >/dev/null
	wait $p || :
	rm -f "$TMP/tcpdump.err"
	cat "$TMP/mss"
}
# shellcheck disable=SC2086
hold $PEER mtu=1300
is "MSS from the LAN is lowered to 1300 - 40" 1260 "$(mss $F tun0 ask $L tcp 10.2.0.5 80)"
is "MSS from the tunnel is lowered to 1300 - 40" 1260 "$(mss $L eth0 ask $F tcp 10.1.0.5 80)"
is "MSS, IPv6: 1300 - 60" 1240 "$(mss $F tun0 ask $L tcp fd02::5 80)"
is "MSS elsewhere is left alone" 1460 "$(mss $I eth0 ask $L tcp 203.0.113.66 80)"
stop hold

# Connections that predate the tunnel: begun masqueraded in clear, then forgotten.
in_ns $R nft -f - <<<'table ip nat { chain post { type nat hook postrouting priority 100; oifname "wan0" masquerade; }; }'
ip -n $R link set adit-branch down
in_ns $R conntrack -F >/dev/null 2>&1
is "before the tunnel: masqueraded in clear" 198.51.100.1 "$(ask $L tcp 10.2.0.5 80)"
is "and to somewhere else" 198.51.100.1 "$(ask $L tcp 203.0.113.66 80)"
ip -n $R link set adit-branch up
# shellcheck disable=SC2086
is "flush: one connection to the remote network is forgotten" 1 "$(in_ns $R "$TOOL" flush $PEER)"
if in_ns $R conntrack -L 2>/dev/null | grep -q 203.0.113.66; then ok "flush: the other stays"; else bad "flush: the other stays"; fi
# shellcheck disable=SC2086
is "flush: and then there is none" 0 "$(in_ns $R "$TOOL" flush $PEER)"
flush_all

# A chain with the admin's own rule about a tunnel keeps his word.
in_ns $R nft -f - <<'END'
table inet mine {
	set vpn { type ifname; elements = { "adit-branch" }; }
	chain input { type filter hook input priority 0; policy drop; ct state established accept; meta l4proto ipv6-icmp accept; iifname "adit-branch" tcp dport 80 accept; }
	chain forward { type filter hook forward priority 0; policy drop; ct state established accept; iifname "lan0" oifname @vpn accept; }
	chain post { type nat hook postrouting priority 100; oifname "adit-branch" snat ip to 10.77.0.1; }
}
END
remember
ip -n $R addr add 10.77.0.1/32 dev lo
# shellcheck disable=SC2086
hold $PEER
is "the admin's rule: IKE is let in all the same" 203.0.113.9 "$(ask $I udp 198.51.100.1 500 203.0.113.9)"
is "the admin's rule: his port is open" 10.2.0.5 "$(ask $F tcp 10.1.0.1 80)"
no "the admin's rule: but no ping" can_ping $F 10.1.0.1
is "the admin's rule: far host to LAN stays closed" nothing "$(ask $F tcp 10.1.0.5 80)"
is "the admin's translation is his" 10.77.0.1 "$(ask $L tcp 10.2.0.5 80)"
stop hold
yes "the admin's rules are as he wrote them" same_as_before
ip -n $R addr del 10.77.0.1/32 dev lo
flush_all

# Switches of the router: on while we run, back after stop and after a crash.
sys $R net.ipv4.ip_forward=0
# shellcheck disable=SC2086
hold $PEER
is "forwarding is switched on" 1 "$(in_ns $R sysctl -n net.ipv4.ip_forward)"
stop hold
is "forwarding is switched back at stop" 0 "$(in_ns $R sysctl -n net.ipv4.ip_forward)"
# shellcheck disable=SC2086
hold $PEER
stop hold KILL
in_ns $R "$TOOL" clean state="$TMP/state"
is "forwarding is switched back after a crash" 0 "$(in_ns $R sysctl -n net.ipv4.ip_forward)"
no "and the note about it is gone" test -e "$TMP/state"
