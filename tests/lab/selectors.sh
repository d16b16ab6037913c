#!/bin/bash
# selectors: several networks in one child or a child for each pair; protocols and ports, also
# in fragments; with strongSwan.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
start_both

children() { swan gw-b --list-sas | grep -c INSTALLED; }
has_children() { [ "$(children)" = "$1" ]; }
NETS=(local_network=10.1.0.0/24,10.11.0.0/24 remote_network=10.2.0.0/24,10.22.0.0/24)

# --- a child for each pair
swan_peer local_ts=10.2.0.0/24,10.22.0.0/24 remote_ts=10.1.0.0/24,10.11.0.0/24
adit_peer "${NETS[@]}" child_per_pair=yes
expect "a child for each of four pairs" until_ok 80 has_children 4
across "the first pair"
across "the last pair" host-a 10.22.0.10
expect "a source of the other local network" in_ns host-a ping -n -c 1 -W 2 -I 10.11.0.10 10.22.0.10
expect "status has all networks" sh -c "$(declare -f adit adit_dir ns); LAB='$LAB' LAB_DIR='$LAB_DIR' LAB_B='$LAB_B'; adit gw-a status --json | jq -e '.peers[0].children[0].local_networks | length == 2'"
swan gw-b --rekey --child net >/dev/null
sleep 2
expect "still four after a rekey" until_ok 100 has_children 4 || swan gw-b --list-sas
across "traffic after the rekey" host-a 10.22.0.10

# --- together
adit_peer "${NETS[@]}"
expect "together it is one" until_ok 80 has_children 1
across "together: the last pair" host-a 10.22.0.10

# --- one port
udp() {	# PORT [BYTES]: does a datagram arrive?
	in_ns host-b timeout 3 python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('10.2.0.10', $1)); s.settimeout(2)
d, who = s.recvfrom(70000); s.sendto(d, who)" & local srv=$!
	sleep 0.5
	in_ns host-a timeout 3 python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1.5)
d = b'x' * ${2:-10}
s.sendto(d, ('10.2.0.10', $1))
sys.exit(0 if s.recvfrom(70000)[0] == d else 1)" 2>/dev/null
	local rc=$?
	kill $srv 2>/dev/null; wait $srv 2>/dev/null
	return $rc
}
swan_peer 'local_ts=10.2.0.0/24[udp/5000]' 'remote_ts=10.1.0.0/24[udp]'
adit_peer protocol=udp remote_ports=5000
until_ok 80 is_up gw-a site
expect "one port: up" is_up gw-a site
expect "UDP to that port" udp 5000
expect_not "UDP to another port" udp 5001
expect_not "no ping" ping_ok host-a 10.2.0.10

# --- ICMP alone
swan_peer 'local_ts=10.2.0.0/24[icmp]' 'remote_ts=10.1.0.0/24[icmp]'
adit_peer protocol=icmp
across "ICMP alone: ping"
expect_not "ICMP alone: no UDP" udp 5000

# --- transport mode: two adits agree on it; then the userspace dataplane says what it cannot
charon_stop gw-b
adit gw-a peer delete site --yes >/dev/null
adit_start gw-b
adit gw-a peer add site remote_gateway="$B4" local_network="$A4" remote_network="$B4" \
	mode=transport start=responder --psk-file "$LAB_DIR/psk" >/dev/null
adit gw-b peer add site remote_gateway="$A4" local_network="$B4" remote_network="$A4" \
	mode=transport --psk-file "$LAB_DIR/psk" >/dev/null
says() { adit "$1" status --json | jq -r '.peers[0] | .last_failure, .reason' | grep -qF "$2"; }
expect "transport mode: said in words" until_ok 80 says gw-a "this router has no transport mode"
# --- fragments: the first alone shows the port
adit gw-a peer delete site --yes >/dev/null; adit gw-b peer delete site --yes >/dev/null
adit gw-a peer add site remote_gateway="$B4" local_network=10.1.0.0/24 remote_network=10.2.0.0/24 \
	protocol=udp remote_ports=5000 start=responder --psk-file "$LAB_DIR/psk" >/dev/null
adit gw-b peer add site remote_gateway="$A4" local_network=10.2.0.0/24 remote_network=10.1.0.0/24 \
	protocol=udp local_ports=5000 --psk-file "$LAB_DIR/psk" >/dev/null
expect "two adits, one port: up" until_ok 80 is_up gw-a site
expect "UDP to that port, in one piece" udp 5000
expect "UDP to that port, in fragments" udp 5000 4000
expect_not "to another one not, in fragments" udp 5001 4000
[ "$failed" = 0 ] || both_logs
lab_done
