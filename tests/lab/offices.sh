#!/bin/bash
# offices: two adits, from nothing to traffic and back to nothing.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices

# Link-local addresses come and go by themselves while a namespace is young.
system() { in_ns gw-a nft list ruleset; in_ns gw-a ip route show table all | grep -v fe80; in_ns gw-a ip rule; }
before_a=$(system)
adit_start gw-a && ok "aditd starts on gw-a" || bad "aditd starts on gw-a" "$(adit_log gw-a)"
adit_start gw-b && ok "aditd starts on gw-b" || bad "aditd starts on gw-b"
[ "$(pgrep -P "$ADITD_PID_gw_a" | wc -l)" = 3 ] && ok "with three children" || bad "with three children"

# --- what each process may do
for p in iked vaultd espd; do
	pid=$(child_of gw-a $p)
	s=$(cat "/proc/$pid/status")
	[[ $s == *$'Uid:\t0'* ]] && bad "$p is not root" || ok "$p is not root"
	[[ $s == *$'NoNewPrivs:\t1'* ]] && ok "$p: no_new_privs" || bad "$p: no_new_privs" "$s"
	[[ $s == *$'Seccomp:\t2'* ]] && ok "$p: seccomp" || bad "$p: seccomp" "$s"
	[[ $s == *$'CapEff:\t0000000000000000'* ]] && ok "$p: no capabilities" || bad "$p: no capabilities"
	[ -z "$(ls -A "/proc/$pid/root/" 2>/dev/null)" ] && ok "$p: empty root" || bad "$p: empty root" "$(ls /proc/"$pid"/root/)"
	# An undumpable process's memory belongs to root in /proc.
	[ "$(stat -c %u "/proc/$pid/mem")" = 0 ] && ok "$p: undumpable" || bad "$p: undumpable"
done
[ "$(readlink "/proc/$(child_of gw-a vaultd)/ns/net")" != "$(readlink "/proc/$ADITD_PID_gw_a/ns/net")" ] &&
	ok "vaultd has no network" || bad "vaultd has no network"

# --- a tunnel
pair_peers ike=aes256gcm16-sha384-ecp384 esp=aes256gcm16-ecp384 || bad "peers are added"
expect "adit up says it is up" adit gw-a up branch
across "host to host"
across "and back" host-b 10.1.0.10
ping_ok gw-a 10.2.0.10 && ok "the router itself reaches the other LAN" || bad "the router itself reaches the other LAN"
ping_ok host-a 10.2.0.1 && ok "the other router answers on its LAN address" || bad "the other router answers on its LAN address"
st=$(adit gw-a status --json)
[ "$(jq -r '.peers[0].state' <<<"$st")" = up ] && ok "status --json: up" || bad "status --json: up" "$st"
for k in name state reason version local remote ike uptime_s children; do
	jq -e ".peers[0] | has(\"$k\")" >/dev/null <<<"$st" || bad "status --json has $k"
done
for k in name state local_networks remote_networks esp rx_bytes tx_bytes rx_packets tx_packets rekey_in_s; do
	jq -e ".peers[0].children[0] | has(\"$k\")" >/dev/null <<<"$st" || bad "status --json has children.$k"
done
[ "$(jq '.peers[0].children[0].rx_packets' <<<"$st")" -gt 0 ] && ok "packets are counted" || bad "packets are counted" "$st"
in_ns gw-a ip route get 10.2.0.10 | grep -q "dev adit-branch src 10.1.0.1" && ok "the route has the LAN's source" ||
	bad "the route has the LAN's source" "$(in_ns gw-a ip route get 10.2.0.10)"
adit gw-a interfaces | grep -q adit-branch && ok "interfaces shows the tunnel" || bad "interfaces shows the tunnel"
adit gw-a routes | grep -q 10.2.0.0/24 && ok "routes shows its route" || bad "routes shows its route"

# --- nothing in clear, even while the tunnel is down
bg inet tcpdump --immediate-mode -i a0 -n -w "$LAB_DIR/wan.pcap" -U "net 10.0.0.0/8" 2>/dev/null
until_ok 30 test -s "$LAB_DIR/wan.pcap"
expect "adit down" adit gw-a down branch
not_across "no traffic while it is down"
[ "$(tcpdump -nr "$LAB_DIR/wan.pcap" 2>/dev/null | wc -l)" = 0 ] && ok "and none in clear" ||
	bad "and none in clear" "$(tcpdump -nr "$LAB_DIR/wan.pcap" 2>/dev/null | head -5)"
expect "adit up again" adit gw-a up branch
across "traffic again"

# --- changes: an untouched peer loses nothing
lab_ns other
lab_link other eth0 inet c0
lab_addr inet c0 192.0.2.254/24; lab_addr other eth0 192.0.2.1/24
bg host-a ping -n -i 0.05 -W 1 10.2.0.10 >"$LAB_DIR/ping" 2>&1
sleep 0.5
adit gw-a peer add third remote_gateway=192.0.2.1 local_network=10.1.0.0/24 remote_network=10.3.0.0/24 --psk-file "$LAB_DIR/psk" >/dev/null || bad "a third peer"
adit gw-a peer set third keying_tries=3 >/dev/null
adit gw-a reload >/dev/null; kill -HUP "$ADITD_PID_gw_a"
adit gw-a peer set branch description="the branch" dpd_delay=20s >/dev/null
sleep 1
adit gw-a peer delete third --yes >/dev/null
sleep 0.5
kill -INT $BG; wait $BG 2>/dev/null
grep -q ' 0% packet loss' "$LAB_DIR/ping" && ok "an untouched peer loses no packet" || bad "an untouched peer loses no packet" "$(tail -3 "$LAB_DIR/ping")"

# --- more children, and IPv6 inside and outside
adit gw-a peer set branch child.v6.local_network=fd01::/64 child.v6.remote_network=fd02::/64 >/dev/null || bad "a child is added"
adit gw-b peer set main child.v6.local_network=fd02::/64 child.v6.remote_network=fd01::/64 >/dev/null
adit gw-a up branch >/dev/null
across "IPv6 through a second child" host-a fd02::10
across "IPv4 as before"
adit gw-a peer set branch local_ip=2001:db8:a::1 remote_gateway=2001:db8:b::2 >/dev/null
adit gw-b peer set main local_ip=2001:db8:b::2 remote_gateway=2001:db8:a::1 >/dev/null
adit gw-a up branch >/dev/null
across "IPv4 in IPv6"
across "IPv6 in IPv6" host-a fd02::10

# --- one line a failure, in words
adit gw-a peer set branch ike=aes128-sha256-modp2048 >/dev/null
adit gw-a --timeout 10 up branch >"$LAB_DIR/up" 2>&1 && bad "a proposal that nobody takes fails"
grep -q NO_PROPOSAL_CHOSEN "$LAB_DIR/up" && ok "no common proposal, said in words" || bad "no common proposal, said in words" "$(cat "$LAB_DIR/up")"
adit gw-a peer set branch ike= >/dev/null
adit gw-a up branch >/dev/null
across "back with the defaults"
adit gw-a log branch | grep -q 'established' && ok "the log knows" || bad "the log knows" "$(adit gw-a log | tail -5)"

# --- stop leaves nothing
adit_stop gw-a && ok "aditd stops" || bad "aditd stops"
left=$(traces gw-a)
[ -z "$left" ] && ok "nothing of it is left behind" || bad "nothing of it is left behind" "$left"
after_a=$(system)
[ "$before_a" = "$after_a" ] && ok "rules and routes are what they were" || bad "rules and routes are what they were" "$(diff <(echo "$before_a") <(echo "$after_a"))"
adit gw-a status >"$LAB_DIR/st" 2>&1; rc=$?
[ $rc = 3 ] && ok "status says 3 when it does not run" || bad "status says 3 when it does not run ($rc)" "$(cat "$LAB_DIR/st")"
lab_done
