#!/bin/bash
# swan_kinds: AH, transport mode, compression and plain ESP against strongSwan, the kernel's ESP
# on both ends. (adit's userspace dataplane has the last of them alone.)
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
guest_self uml -t 500 -M "ipv6 esp4 esp6 ah4 ah6 ipcomp ipcomp6 xfrm4_tunnel xfrm6_tunnel deflate xfrm_user dummy veth" -- "$0" "$@"
# charon has a /run of its own, and must find its files.
export TMPDIR=/dev/shm SWAN_ESP=" "
mkdir -p /dev/shm
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash

lab_offices
adit_conf gw-a
printf 'dataplane = kernel\n' >"$(adit_dir gw-a)/etc/adit.conf"
charon_start gw-b || { bad "charon starts" "$(cat "$(adit_dir gw-b)/out")"; lab_done; exit; }
adit_start gw-a || { bad "aditd starts" "$(adit_log gw-a)"; lab_done; exit; }

states() { in_ns "$1" ip xfrm state | tr '\n\t' '  ' | sed 's/ src /\nsrc /g'; }
dump() { both_logs; in_ns gw-a ip -s xfrm state; in_ns gw-a ip xfrm policy; in_ns gw-a grep -v '	0$' /proc/net/xfrm_stat; }
has() { states gw-a | grep -q -- "$1" && states gw-b | grep -q -- "$1"; }
child() { adit gw-a status --json | jq -r ".peers[0].children[0].$1"; }
spi() { child spi_in; }
new_spi() { [ -n "$(spi)" ] && [ "$(spi)" != "$1" ]; }
# A ping that compresses well, and is longer than what the kernel leaves as it is.
crosses() { in_ns "$1" ping -n -c 1 -W 1 -s 1000 -p 61 "$2"; }
can_cross() {
	if until_ok 20 crosses "$2" "$3"; then ok "$1"; else bad "$1" "$(dump)"; fi
}

# kind NAME FROM TO SHOWS OURS THEIRS [brief]: up, traffic, rekeyed by either side, deleted by
# strongSwan and made anew, up from the other side. OURS: settings; THEIRS: "esp=…", "child=…",
# joined by "|".
kind() {
	local name=$1 from=$2 to=$3 shows=$4 ours=$5 was args
	[[ $name =~ ${LAB_ROWS:-.} ]] || return
	readarray -d '|' -t args < <(printf %s "$6")
	swan_peer "${args[@]}"
	# shellcheck disable=SC2086
	adit_peer start=responder $ours || { bad "$name: settings"; return; }
	if ! adit gw-a --timeout 20 up site >"$LAB_DIR/up" 2>&1; then bad "$name: up" "$(cat "$LAB_DIR/up"; dump)"; return; fi
	can_cross "$name: we call" "$from" "$to"
	has "$shows" && ok "$name: both kernels have it so" || bad "$name: the kernels have" "$(states gw-a; states gw-b)"
	[ "${7:-}" != brief ] || return
	was=$(spi)
	expect "$name: strongSwan rekeys" swan gw-b --rekey --child net
	expect "$name: and we follow" until_ok 50 new_spi "$was"
	can_cross "$name: traffic" "$from" "$to"
	adit gw-a peer set site esp_life=10s rekey_margin=5s >/dev/null
	# IKEv1 has agreed on a life already.
	[[ $ours != version=1* ]] || { adit gw-a down site; adit gw-a --timeout 20 up site; } >/dev/null 2>&1
	was=$(spi)
	expect "$name: we rekey" until_ok 150 new_spi "$was"
	can_cross "$name: traffic again" "$from" "$to"
	adit gw-a peer set site esp_life=1h rekey_margin=5m start=start >/dev/null
	was=$(spi)
	expect "$name: strongSwan deletes it" swan gw-b --terminate --child net
	expect "$name: and we make it anew" until_ok 100 new_spi "$was"
	can_cross "$name: traffic once more" "$from" "$to"
	adit gw-a down site >/dev/null
	expect "$name: down leaves no state" until_ok 80 none_left
	# strongSwan calls.
	adit gw-a peer set site start=responder >/dev/null
	adit gw-a up site >/dev/null 2>&1; adit gw-a down site >/dev/null
	swan_peer "${args[@]}"
	# shellcheck disable=SC2086
	adit_peer start=responder $ours
	expect "$name: strongSwan calls" swan gw-b --initiate --child net --timeout 20
	can_cross "$name: traffic" "$from" "$to"
	swan gw-b --terminate --ike site --timeout 5 >/dev/null
}
none_left() { [ "$(in_ns gw-a ip xfrm state | grep -c '^src')" = 0 ]; }

V1="version=1 ike=aes256-sha256-modp2048"
V1_T="version=1|ike=aes256-sha256-modp2048"
kind "AH, SHA-256" host-a 10.2.0.10 "proto ah .*auth-trunc hmac(sha256) [^ ]* 128" \
	"ah=sha256 esp=aes256gcm16-ecp384" "esp=|child=ah_proposals = sha256-ecp384"
kind "AH, SHA-512, ESN" host-a 10.2.0.10 "proto ah .*auth-trunc hmac(sha512) [^ ]* 256" \
	"ah=sha512 esp=aes256gcm16-ecp384" "esp=|child=ah_proposals = sha512-ecp384-esn" brief
kind "IKEv1, AH, SHA-256" host-a 10.2.0.10 "proto ah .*auth-trunc hmac(sha256) [^ ]* 128" \
	"$V1 ah=sha256 esp=aes256gcm16-modp2048" "$V1_T|esp=|child=ah_proposals = sha256-modp2048"
kind "IPComp" host-a 10.2.0.10 "proto comp .*comp deflate" \
	"ipcomp=yes esp=aes256gcm16-ecp384" "esp=aes256gcm16-ecp384|child=ipcomp = yes"
kind "transport mode" gw-a $B4 "proto esp .*mode transport" \
	"mode=transport local_network= remote_network= esp=aes256gcm16-ecp384" \
	"esp=aes256gcm16-ecp384|local_ts=dynamic|remote_ts=dynamic|child=mode = transport"
kind "IKEv1, transport mode" gw-a $B4 "proto esp .*mode transport" \
	"$V1 mode=transport local_network= remote_network= esp=aes256-sha256-modp2048" \
	"$V1_T|esp=aes256-sha256-modp2048|local_ts=dynamic|remote_ts=dynamic|child=mode = transport" brief
kind "AH in transport mode, for ICMP alone" gw-a $B4 "proto ah .*mode transport" \
	"mode=transport protocol=icmp local_network= remote_network= ah=sha256" \
	"esp=|local_ts=dynamic[icmp]|remote_ts=dynamic[icmp]|child=mode = transport
	ah_proposals = sha256-ecp384" brief
kind "plain ESP" host-a 10.2.0.10 "proto esp .*mode tunnel" "encap=never" "" brief

# --- what one side lacks
says_ah() { adit gw-a status --json | jq -e ".peers[0].children[0] | .protocol == \"AH\" and .mode == \"tunnel\""; }
swan_peer esp=aes256gcm16-ecp384
adit_peer start=responder ipcomp=yes
expect "IPComp on our side alone: up without" adit gw-a --timeout 20 up site
can_cross "and traffic" host-a 10.2.0.10
expect_not "nothing is compressed" has "proto comp"
adit_peer start=responder ah=sha256
expect "status says AH" says_ah
expect_not "AH on our side alone" adit gw-a --timeout 10 up site
expect "explain says so" grep -q "This router asks for AH by HMAC-SHA2-256 (ah), and the peer refuses" <(adit gw-a explain site)

# --- so many packets, and it is rekeyed
swan_peer
adit_peer start=responder esp_life_packets=4000
expect "a limit of packets: up" adit gw-a --timeout 20 up site
was=$(spi)
in_ns host-a ping -n -q -i 0.004 -c 2200 10.2.0.10 >"$LAB_DIR/flood"
expect "2200 there and 2200 back are too many" until_ok 100 new_spi "$was"
grep -q ' [0-2]% packet loss' "$LAB_DIR/flood" && ok "and none got lost" || bad "packets got lost" "$(cat "$LAB_DIR/flood")"
lab_done
