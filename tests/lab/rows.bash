# rows: a table of combinations against a peer, each gone through in both roles. Sourced by
# tests/lab/matrix*.sh and tests/kernel/*.sh after tests/lab/swan.bash.
#
# A row is NAME|OURS|THEIRS|CHECKS:
#   OURS    settings of adit's peer, KEY=VALUE, as adit_peer takes them
#   THEIRS  KEY=VALUE for peer_set, the other side's own words; quotes hold blanks together
#   CHECKS  what is tried once the tunnel carries traffic:
#           to=ADDRESS back=ADDRESS   who is pinged from host-a and from host-b
#           path=NAME                 path_NAME is called before the first packet, path_none after
#           only=adit, only=peer      one role alone
#           bare                      no ping: what the other words check is all
#           WORD                      check_WORD, a function, gets the row's name
#
# The test that sources this says who the peer is: PEER (its name in the table of results),
# peer_set KEY=VALUE..., peer_up (it calls; output is shown when it fails), both_logs.
# LAB_ROWS, a pattern of names, takes some rows alone.
# A line "result|PEER|ROW|adit calls|the peer calls" is what tests/lab/matrix-table reads.
# shellcheck shell=bash

row_result() { echo "result|$PEER|$1|$2|$3"; echo "   $SECONDS s so far"; }

# One role of a row: sets role_ok. row_role ROLE NAME OURS THEIRS CHECKS
row_role() {
	local role=$1 name=$2 checks=$5 to=10.2.0.10 back=10.1.0.10 path=none c out label
	# shellcheck disable=SC2154  # of lab.bash
	local before=$failed
	local ours theirs
	role_ok=failed
	for c in $checks; do
		case $c in
		to=*) to=${c#*=} ;; back=*) back=${c#*=} ;; path=*) path=${c#*=} ;;
		esac
	done
	label="$PEER, $name, $role calls"
	{ eval "ours=($3)" && eval "theirs=($4)"; } || { bad "$label: the row cannot be read"; return; }
	if [ "$role" = adit ]; then
		peer_set "${theirs[@]}" && adit_peer test_rekey=no "${ours[@]}" start=responder
	else
		adit_peer test_rekey=no "${ours[@]}" start=responder && peer_set "${theirs[@]}"
	fi >"$LAB_DIR/settings" 2>&1 || { bad "$label: settings" "$(cat "$LAB_DIR/settings")"; return; }
	# Now, when the last row's tunnel has said its farewells.
	[ "$path" = none ] || "path_$path"
	if [ "$role" = adit ]; then out=$(adit gw-a --timeout 20 up site 2>&1); else out=$(peer_up 2>&1); fi || {
		bad "$label: up" "$out
$(both_logs)"
		[ "$path" = none ] || path_none
		return
	}
	# bare: a ping has no place in this tunnel, its checks are all.
	case $role/$checks in
	*/*bare*) ok "$label" ;;
	adit/*) across "$label" host-a "$to" ;;
	*) across "$label" host-b "$back" ;;
	esac &&
		for c in $checks; do
			case $c in *=*|bare) ;; *) "check_$c" "$label" ;; esac
		done
	[ "$path" = none ] || path_none
	[ "$failed" = "$before" ] && role_ok=yes
}

rows_run() {	# ROW...
	local r name ours theirs checks adit_calls peer_calls
	for r; do
		IFS='|' read -r -d '' name ours theirs checks <<<"$r"
		[[ $name =~ ${LAB_ROWS:-.} ]] || continue
		adit_calls=- peer_calls=-
		[[ $checks == *only=peer* ]] || { row_role adit "$name" "$ours" "$theirs" "$checks"; adit_calls=$role_ok; }
		[[ $checks == *only=adit* ]] || { row_role "$PEER" "$name" "$ours" "$theirs" "$checks"; peer_calls=$role_ok; }
		row_result "$name" "$adit_calls" "$peer_calls"
	done
}

# ---- checks that need nothing of the peer

our_spi() { adit gw-a status --json | jq -r '.peers[0].children[0].spi_in // empty'; }
# Another ping each way: the direction that the role did not begin with.
check_both_ways() {
	across "$1: from host-a" host-a "${TO_B:-10.2.0.10}"
	across "$1: from host-b" host-b "${TO_A:-10.1.0.10}"
}
# Networks of a child of their own: from addresses in them.
check_second_child() {
	across "$1: the second child" host-a "-I 10.11.0.10 10.22.0.10"
	across "$1: the second child, back" host-b "-I 10.22.0.10 10.11.0.10"
}
check_more_networks() {
	across "$1: the second network" host-a 10.22.0.10
	across "$1: the second network, back" host-b 10.11.0.10
}
check_second_pair() {
	across "$1: the second pair" host-b 10.11.0.10
}
# TCP to 10.2.0.10:5000 goes through; nothing else does.
check_tcp_alone() {
	in_ns host-b timeout 5 nc.openbsd -l 10.2.0.10 5000 >"$LAB_DIR/tcp" & local nc=$!
	sleep 0.3
	echo hello | in_ns host-a timeout 5 nc.openbsd -N 10.2.0.10 5000
	wait $nc
	[ "$(cat "$LAB_DIR/tcp")" = hello ] && ok "$1: TCP passes" || bad "$1: TCP does not pass" "$(both_logs)"
	expect_not "$1: a ping does not" ping_ok host-a 10.2.0.10
}
# ESP says nothing of what it carries, and nothing else leaves: one ping, seen on the way.
check_hidden() {
	local dump
	rm -f "$LAB_DIR/hidden.pcap"
	in_ns inet timeout 5 tcpdump --immediate-mode -U -ni b0 -w "$LAB_DIR/hidden.pcap" 'net 10.0.0.0/8' 2>/dev/null & dump=$!
	until_ok 30 test -s "$LAB_DIR/hidden.pcap"
	ping_ok host-a 10.2.0.10
	kill $dump; wait $dump 2>/dev/null
	[ "$(tcpdump -nr "$LAB_DIR/hidden.pcap" 2>/dev/null | wc -l)" = 0 ] &&
		ok "$1: nothing in clear on the way" || bad "$1: seen in clear" "$(tcpdump -nr "$LAB_DIR/hidden.pcap" 2>/dev/null | head -3)"
}
# Our status names the NAT.
check_nat_said() {
	local nat; nat=$(adit gw-a status --json | jq -r '.peers[0].nat')
	[ -n "$nat" ] && [ "$nat" != null ] && ok "$1: status tells of the NAT" || bad "$1: status tells no NAT" "$(adit gw-a status site)"
}

# ---- NATs: the internet's router is one, too

# gw-a is seen as 198.51.100.254, and reached there.
path_nat_ours() {
	in_ns inet nft "table ip nat {
		chain post { type nat hook postrouting priority 100; ip saddr $A4 oifname \"b0\" udp sport { 500, 4500 } masquerade random; ip saddr $A4 oifname \"b0\" masquerade; }
		chain pre { type nat hook prerouting priority -100; iifname \"b0\" ip daddr 198.51.100.254 udp dport { 500, 4500 } dnat to $A4; }; }"
	in_ns inet conntrack -F >/dev/null 2>&1
}
# gw-b is seen as 203.0.113.254, and reached there.
path_nat_theirs() {
	in_ns inet nft "table ip nat {
		chain post { type nat hook postrouting priority 100; ip saddr $B4 oifname \"a0\" udp sport { 500, 4500 } masquerade random; ip saddr $B4 oifname \"a0\" masquerade; }
		chain pre { type nat hook prerouting priority -100; iifname \"a0\" ip daddr 203.0.113.254 udp dport { 500, 4500 } dnat to $B4; }; }"
	in_ns inet conntrack -F >/dev/null 2>&1
}
path_nat_both() {
	in_ns inet nft "table ip nat {
		chain post { type nat hook postrouting priority 100; oifname \"a0\" ip saddr $B4 masquerade random; oifname \"b0\" ip saddr $A4 masquerade random; }
		chain pre { type nat hook prerouting priority -100; iifname \"a0\" ip daddr 203.0.113.254 udp dport { 500, 4500 } dnat to $B4;
			iifname \"b0\" ip daddr 198.51.100.254 udp dport { 500, 4500 } dnat to $A4; }; }"
	in_ns inet conntrack -F >/dev/null 2>&1
}
path_none() {
	in_ns inet nft flush ruleset
	in_ns inet conntrack -F >/dev/null 2>&1
	return 0
}
