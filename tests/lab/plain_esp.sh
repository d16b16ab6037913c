#!/bin/bash
# plain_esp: two routers with the userspace dataplane and two workers each, without NAT
# traversal: ESP travels as IP protocol 50. New keys while traffic flows lose nothing, and every
# drop is counted under the kernel's name.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
for g in gw-a gw-b; do
	mkdir -p "$(adit_dir $g)/etc"
	printf 'dataplane = userspace\nworkers = 2\n' >"$(adit_dir $g)/etc/adit.conf"
done
adit_start gw-a; adit_start gw-b

state_is() { [ "$(peer_state "$1" "$2")" = "$3" ]; }
status_says() { adit gw-a status branch | grep -q "$1"; }
counter() { adit gw-b counters --json | jq -r --arg n "$1" '[.. | objects | select(.name == $n).value][0]'; }
# 20 MB of TCP, compared.
carry() {
	local f=$LAB_DIR/big l
	[ -f "$f" ] || head -c 20000000 /dev/urandom >"$f"
	in_ns host-b timeout 60 nc -4 -l 5001 >"$LAB_DIR/got" </dev/null & l=$!
	until_ok 30 in_ns host-b sh -c 'ss -Htln | grep -q :5001'
	in_ns host-a timeout 60 nc -N 10.2.0.10 5001 <"$f" || { kill $l; return 1; }
	wait $l
	cmp "$f" "$LAB_DIR/got"
}
spi() { adit gw-a status --json | jq -r '.peers[0].children[0].spi_out'; }
# Pings every 10 ms until the keys have changed twice.
rekeys() {
	local p i was now n=0
	was=$(spi)
	in_ns host-a ping -n -q -c 1600 -i 0.01 -W 2 10.2.0.10 >"$LAB_DIR/ping" & p=$!
	for ((i = 0; i < 150 && n < 2; i++)); do
		now=$(spi)
		[ "$now" = "$was" ] || n=$((n + 1))
		was=$now
		sleep 0.1
	done
	wait $p
	[ $n = 2 ] || { echo "$n changes of keys"; return 1; }
	grep -q ' 0% packet loss' "$LAB_DIR/ping" || { cat "$LAB_DIR/ping"; return 1; }
}
threads() { [ "$(find "/proc/$(child_of "$1" espd)/task" -mindepth 1 -maxdepth 1 | wc -l)" = 3 ]; }

pair_peers start=responder encap=never esp_life=16s rekey_margin=8s
expect "the tunnel comes up" adit gw-a up branch
expect "each worker has a thread" threads gw-a
across "a ping crosses"
expect "status says that ESP travels by itself" status_says 'ESP travels *by itself'
in_ns inet tcpdump --immediate-mode -i a0 -n -U -w "$LAB_DIR/cap" >"$LAB_DIR/tcpdump" 2>&1 & CAPTURE=$!
LAB_PIDS+=("$CAPTURE")
until_ok 30 grep -q listening "$LAB_DIR/tcpdump"
expect "TCP" carry
kill $CAPTURE; lab_gone $CAPTURE 30
n=$(tcpdump -n -r "$LAB_DIR/cap" 'ip proto 50' 2>/dev/null | wc -l)
[ "$n" -gt 1000 ] && ok "as IP protocol 50" || bad "as IP protocol 50" "$n packets"
n=$(tcpdump -n -r "$LAB_DIR/cap" 'ip and not ip proto 50 and not udp port 500' 2>/dev/null | wc -l)
[ "$n" = 0 ] && ok "and nothing else" || bad "and nothing else" "$n packets"
expect "new keys while traffic flows lose nothing" rekeys
lost=$(counter XfrmInNoStates)
# In the name of the peer, for the firewall takes ESP from nobody else.
in_ns inet python3 - <<'P'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for n in range(10):
    head = bytes([0x45, 0, 0, 84, 0, n, 0, 0, 64, 50, 0, 0, 203, 0, 113, 1, 198, 51, 100, 2])
    s.sendto(head + bytes([0x77, 0, 0, n]) + bytes(60), ("198.51.100.2", 0))
P
sleep 0.5
now=$(counter XfrmInNoStates)
[ "$((now - lost))" = 10 ] && ok "what no SA is for is counted" || bad "what no SA is for is counted" "$lost, then $now"
lab_done
