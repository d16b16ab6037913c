#!/bin/bash
# mobike: addresses change while a ping runs: of the side that called, of the side that was
# called, one of two of them dies; between two adits, and with strongSwan as either side.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
# Two ways from gw-a to the internet, a second address of gw-b.
lab_link gw-a wan1 inet a1
lab_addr gw-a wan1 192.0.2.1/24; lab_addr inet a1 192.0.2.254/24
# A deleted address takes no others of its network with it.
for n in gw-a gw-b; do in_ns "$n" sysctl -qw net.ipv4.conf.all.promote_secondaries=1; done
adit_start gw-a; adit_start gw-b
adit gw-a router set lan=lan0 >/dev/null; adit gw-b router set lan=lan0 >/dev/null

ike_of() { adit "$1" status --json | jq -r '.peers[0].spi_i // .peers[0].ike_spi_i // .peers[0].established_s'; }
remote() { adit "$1" status --json | jq -r '.peers[0].remote'; }
remote_is() { [ "$(remote "$1")" = "$2" ]; }
# steady NAME MOST COMMAND...: a ping every 0.1 s loses at most so many while it runs.
steady() {
	local name=$1 most=$2 out sent got; shift 2
	bg host-a ping -n -i 0.1 -W 1 10.2.0.10 >"$LAB_DIR/ping" 2>&1
	sleep 0.5; "$@" >"$LAB_DIR/out" 2>&1; sleep 2.5
	kill -INT $BG; wait $BG 2>/dev/null
	out=$(grep 'packets transmitted' "$LAB_DIR/ping")
	sent=${out%% packets*}; got=${out#*transmitted, }; got=${got%% *}
	if [ -n "$got" ] && [ $((sent - got)) -le "$most" ] && [ "$got" -gt 10 ]; then
		ok "$name: $((sent - got)) of $sent pings lost"
	else
		bad "$name: $((sent - got)) of $sent pings lost" "$(cat "$LAB_DIR/out"; pair_logs 30)"
	fi
}
set_up() {	# WHERE-GW-A-IS [KEY=VALUE...]
	local where=$1; shift
	adit gw-a peer delete branch --yes >/dev/null 2>&1; adit gw-b peer delete main --yes >/dev/null 2>&1
	adit gw-b peer add main remote_gateway="$where" start=responder local_id=b.example peer_id=a.example \
		local_network=10.2.0.0/24 remote_network=10.1.0.0/24 --psk-file "$LAB_DIR/psk" >/dev/null
	adit gw-a peer add branch remote_gateway=198.51.100.2 local_id=a.example peer_id=b.example \
		local_network=10.1.0.0/24 remote_network=10.2.0.0/24 --psk-file "$LAB_DIR/psk" "$@" >/dev/null
	until_ok 100 is_up gw-a branch
	across "up"
}
logged() { grep -qF "$2" "$(adit_dir "$1")/log"; }

set_up 203.0.113.1
# --- the route goes out by another interface, with another address
steady "the caller's route moves to its second WAN" 12 in_ns gw-a ip route replace default via 192.0.2.254
expect "the other side followed" remote_is gw-b 192.0.2.1
expect "without a new IKE SA" logged gw-b "the peer moved from 203.0.113.1"
expect_not "and none was made" sh -c "[ \"\$(grep -c 'established' '$(adit_dir gw-b)/log')\" -gt 1 ]"
steady "and back" 12 in_ns gw-a ip route replace default via 203.0.113.254
expect "the other side followed back" remote_is gw-b 203.0.113.1

# --- a new address from the provider: the old one is gone
renumber_a() {
	in_ns gw-a ip addr add 203.0.113.50/24 dev wan0
	in_ns gw-a ip addr del 203.0.113.1/24 dev wan0
	in_ns gw-a ip route replace default via 203.0.113.254
}
steady "the caller gets another address" 20 renumber_a
expect "the other side followed to it" remote_is gw-b 203.0.113.50
across "and back traffic" host-b 10.1.0.10

# --- the side that was called gets another address
renumber_b() {
	in_ns gw-b ip addr del 198.51.100.2/24 dev wan0
	in_ns gw-b ip addr add 198.51.100.7/24 dev wan0
	in_ns gw-b ip route replace default via 198.51.100.254
}
steady "the side that was called gets another address" 25 renumber_b
expect "the caller followed" until_ok 50 remote_is gw-a 198.51.100.7
across "traffic still flows"
[ "$(grep -c established "$(adit_dir gw-a)/log")" = 1 ] && ok "all on one IKE SA" || bad "all on one IKE SA" "$(pair_logs 40)"

# --- the firewall: roaming opens the NAT-T port, nothing else
input() { in_ns gw-b nft list chain inet adit input | grep -q "$1"; }
expect "4500 is open to others" input 'udp dport 4500 accept'
expect "500 is not" input 'udp dport 500 counter.*drop'

# --- without MOBIKE the tunnel is made anew
in_ns gw-b ip addr add 198.51.100.2/24 dev wan0 2>/dev/null
in_ns gw-b ip addr del 198.51.100.7/24 dev wan0
in_ns gw-b ip route replace default via 198.51.100.254
set_up any mobike=no
in_ns gw-a ip route replace default via 192.0.2.254
expect "mobike=no: a new IKE SA from the new address" until_ok 200 remote_is gw-b 192.0.2.1
across "traffic after that"
in_ns gw-a ip route replace default via 203.0.113.254

# --- strongSwan
adit_stop gw-b || lab_gone "$ADITD_PID_gw_b" 100
mkdir -p "$(adit_dir gw-b)"; : >"$(adit_dir gw-b)/log"
# It would as soon go on over IPv6.
in_ns gw-b ip -6 addr flush dev wan0 scope global
until_ok 50 sh -c "! ip netns exec $(ns gw-b) ip route show table all | grep -q 'proto 173'"
charon_start gw-b
site() {	# LOCAL REMOTE
	swan_conf gw-b <<-END
	connections {
		site {
			version = 2
			local_addrs = $1
			remote_addrs = $2
			proposals = aes256gcm16-prfsha384-ecp384
			mobike = yes
			dpd_delay = 5s
			local {
				auth = psk
				id = b.example
			}
			remote {
				auth = psk
				id = a.example
			}
			children {
				net {
					local_ts = 10.2.0.0/24
					remote_ts = 10.1.0.0/24
					esp_proposals = aes256gcm16-ecp384
				}
			}
		}
	}
	secrets {
		ike-site {
			secret = "a-long-enough-key-for-both"
		}
	}
	END
}
branch() {
	adit gw-a peer delete branch --yes >/dev/null 2>&1
	adit gw-a peer add branch local_id=a.example peer_id=b.example \
		ike=aes256gcm16-sha384-ecp384 esp=aes256gcm16-ecp384 local_network=10.1.0.0/24 \
		remote_network=10.2.0.0/24 --psk-file "$LAB_DIR/psk" "$@" >/dev/null
}
swan_has() { swan gw-b --list-sas | grep -q -- "$1"; }
one_ike() { [ "$(swan gw-b --list-sas | grep -c ESTABLISHED)" = 1 ]; }
swan_logs() {
	pair_logs 15; swan gw-b --list-sas
	in_ns gw-b ip route show table all | grep -v "^local\|^broadcast\|ff00\|fe80"; in_ns gw-b ip rule; in_ns gw-b nft list ruleset
}

site 198.51.100.2 %any
branch remote_gateway=198.51.100.2
until_ok 100 is_up gw-a branch
across "strongSwan answers: up"
steady "strongSwan answers: the route moves" 30 in_ns gw-a ip route replace default via 192.0.2.254
expect "strongSwan followed" swan_has 192.0.2.1
expect "on one IKE SA" one_ike
steady "strongSwan answers: and back" 30 in_ns gw-a ip route replace default via 203.0.113.254
expect "on one IKE SA still" one_ike

branch remote_gateway=198.51.100.2 start=responder
swan gw-b --terminate --ike site --force --timeout 1 >/dev/null 2>&1
site %any 203.0.113.50
swan gw-b --initiate --child net --timeout 10 >/dev/null 2>&1
expect "strongSwan calls: up" until_ok 50 is_up gw-a branch
across "strongSwan calls: traffic"
renumber_swan() {
	in_ns gw-b ip addr add 198.51.100.9/24 dev wan0
	in_ns gw-b ip addr del 198.51.100.2/24 dev wan0
	in_ns gw-b ip route replace default via 198.51.100.254
}
steady "strongSwan calls: it gets another address" 35 renumber_swan
expect "we followed" until_ok 50 remote_is gw-a 198.51.100.9
across "strongSwan calls: traffic from there"
expect "on one IKE SA, too" one_ike
[ "$failed" = 0 ] || swan_logs
lab_done
