#!/bin/bash
# paths: NAT on the way, small MTUs, big packets, fragments, DF.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
adit_start gw-a; adit_start gw-b
pair_peers
adit gw-a up branch >/dev/null
across "up"

big() { in_ns host-a ping -n -c 2 -i 0.2 -W 1 "$@" 10.2.0.10 >/dev/null 2>&1; }
mtu=$(in_ns gw-a cat /sys/class/net/adit-branch/mtu)
[ "$mtu" -ge 1400 ] && [ "$mtu" -lt 1500 ] && ok "the interface's MTU is $mtu" || bad "the interface's MTU is $mtu"
# The largest packet that the MTU promises does not fragment outside.
in_ns inet timeout 4 tcpdump --immediate-mode -ni a0 -w "$LAB_DIR/frag.pcap" 'ip[6:2] & 0x3fff != 0' 2>/dev/null & dump=$!
sleep 0.6
expect "a packet of the full MTU, with DF" big -M "do" -s $((mtu - 28))
expect "ping of 4000 bytes is fragmented inside" big -M dont -s 4000
kill $dump; wait $dump 2>/dev/null
[ "$(tcpdump -nr "$LAB_DIR/frag.pcap" 2>/dev/null | wc -l)" = 0 ] && ok "and never outside" || bad "and never outside" "$(tcpdump -nr "$LAB_DIR/frag.pcap" 2>/dev/null | head -3)"
out=$(in_ns host-a ping -n -c 2 -i 0.2 -W 1 -M "do" -s $((mtu - 27)) 10.2.0.10 2>&1)
[[ $out == *"mtu = $mtu"* || $out == *"mtu=$mtu"* || $out == *"too long"* ]] && ok "one byte more with DF: the host is told the MTU" || bad "one byte more with DF: the host is told the MTU" "$out"
expect "IPv4 of 64 kB" big -M dont -s 60000

# TCP finds its size by itself, also with a smaller path in the middle.
copy() {	# BYTES: a TCP transfer through the tunnel arrives whole
	in_ns host-b timeout 20 nc.openbsd -l 10.2.0.10 5000 >"$LAB_DIR/got" & local nc=$!
	sleep 0.3
	head -c "$1" /dev/urandom >"$LAB_DIR/sent"
	in_ns host-a timeout 20 nc.openbsd -N 10.2.0.10 5000 <"$LAB_DIR/sent" || return 1
	wait $nc
	cmp "$LAB_DIR/sent" "$LAB_DIR/got"
}
expect "3 MB over TCP" copy 3000000
in_ns inet ip link set b0 mtu 1300; in_ns gw-b ip link set wan0 mtu 1300
in_ns gw-a ip route flush cache
expect "a path of 1300 bytes: 1 MB over TCP" copy 1000000
big -M "do" -s 1300 && bad "a path of 1300 bytes: DF of 1300 must not pass" || ok "a path of 1300 bytes: DF of 1300 does not pass"
expect "a path of 1300 bytes: 1100 with DF passes" big -M "do" -s 1100
expect "a path of 1300 bytes: without DF all passes" big -M dont -s 1400
in_ns inet ip link set b0 mtu 1500; in_ns gw-b ip link set wan0 mtu 1500

# --- a NAT between gw-a and the internet: another namespace that masquerades
lab_ns nat
in_ns gw-a ip addr flush dev wan0; in_ns gw-a ip link del wan0
lab_link gw-a wan0 nat in0; lab_link nat out0 inet n0
lab_addr gw-a wan0 192.168.77.2/24; lab_addr nat in0 192.168.77.1/24
lab_addr nat out0 192.0.2.2/24; lab_addr inet n0 192.0.2.254/24
lab_forward nat
in_ns gw-a ip route replace default via 192.168.77.1
in_ns nat ip route add default via 192.0.2.254
in_ns nat nft 'table ip nat { chain post { type nat hook postrouting priority 100; oifname "out0" masquerade; }; }'
adit gw-a peer set branch local_ip= local_id=a.example peer_id=b.example >/dev/null || bad "behind NAT: settings"
adit gw-b peer set main remote_gateway=any start=responder local_id=b.example peer_id=a.example >/dev/null || bad "behind NAT: settings (b)"
expect "behind a NAT: up" adit gw-a up branch
across "behind a NAT: traffic"
across "behind a NAT: back" host-b 10.1.0.10
[ "$(adit gw-a status --json | jq -r '.peers[0].nat')" != "" ] && ok "status says so" || bad "status says so" "$(adit gw-a status branch)"
# The NAT forgets and gives another port.
in_ns nat conntrack -F >/dev/null 2>&1
in_ns nat nft 'flush ruleset; table ip nat { chain post { type nat hook postrouting priority 100; oifname "out0" masquerade to :20000-30000; }; }' ||
	in_ns nat nft 'flush ruleset; table ip nat { chain post { type nat hook postrouting priority 100; oifname "out0" ip protocol udp masquerade to :20000-30000; }; }'
across "the NAT's mapping changed: traffic goes on"
across "and from the other side too" host-b 10.1.0.10
lab_done
