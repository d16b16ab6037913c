#!/bin/bash
# abuse: strangers and replays while a tunnel carries pings: floods of IKE_SA_INIT from many
# addresses and from the peer's own, recorded messages whole, cut, flipped and thrown back,
# and garbage. No ping is lost, memory stays, cookies are asked for, then all is calm.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
adit_start gw-a; adit_start gw-b

# The whole life of the tunnel as the wire sees it, to be replayed later.
bg inet tcpdump --immediate-mode -U -ni b0 -w "$LAB_DIR/life.pcap" udp 2>/dev/null; life=$BG
until_ok 30 test -s "$LAB_DIR/life.pcap"
pair_peers
# Somebody who may call from anywhere: or strangers would not get beyond the first look.
adit gw-b peer add road local_ip=198.51.100.2 remote_gateway=any start=responder peer_id=road.example \
	local_network=10.2.0.0/24 remote_network=10.9.0.0/24 --psk-file "$LAB_DIR/psk" >/dev/null ||
	bad "a peer that may be anywhere"
expect "up" adit gw-a up branch
across "traffic"
ping_ok host-a 10.2.0.10 5
until_ok 50 eval '[ "$(tcpdump -nr "$LAB_DIR/life.pcap" "udp port 4500" 2>/dev/null | wc -l)" -ge 12 ]' ||
	bad "the tunnel's life was not recorded"
kill "$life"; wait "$life" 2>/dev/null

iked=$(child_of gw-b iked); espd=$(child_of gw-b espd); monitor=$ADITD_PID_gw_b
rss() { awk '/^VmRSS/{print $2}' "/proc/$1/status"; }
ticks() { awk '{print $14+$15}' "/proc/$1/stat"; }
established() { adit "$1" status --json | jq -r '.peers[]|select(.name=="'"$2"'")|.uptime_s'; }
stranger() { in_ns inet /usr/bin/python3 tests/lab/abuse.py "$@"; }

rss0=$(($(rss "$iked") + $(rss "$espd") + $(rss "$monitor")))
log0=$(wc -l <"$(adit_dir gw-b)/log")
bg host-a ping -n -i 0.1 -W 1 10.2.0.10 >"$LAB_DIR/ping" 2>&1; ping=$BG
# under NAME COMMAND...: with a capture of the IKE that goes to and from gw-b.
under() {
	local name=$1 dump; shift
	bg inet tcpdump --immediate-mode -U -ni b0 -w "$LAB_DIR/$name.pcap" 'udp port 500' 2>/dev/null; dump=$BG
	until_ok 30 test -s "$LAB_DIR/$name.pcap"
	sent=$("$@" 2>"$LAB_DIR/$name.err"); sleep 0.5
	kill "$dump"; wait "$dump" 2>/dev/null
}
count() { tshark -r "$LAB_DIR/$1.pcap" -Y "$2" 2>/dev/null | wc -l; }
bytes() { tshark -r "$LAB_DIR/$1.pcap" -Y "$2" -T fields -e frame.len 2>/dev/null | awk '{n+=$1}END{print n+0}'; }

# --- the peer's own address
under one stranger flood-one b0 203.0.113.1 198.51.100.2 4 500
half=$(count one 'ip.src==198.51.100.2 && isakmp.exchangetype==34 && isakmp.rspi!=00:00:00:00:00:00:00:00')
cookies=$(count one 'ip.src==198.51.100.2 && isakmp.notify.msgtype==16390')
[ "$half" -ge 8 ] && [ "$half" -le 14 ] && [ "$cookies" -gt $((${sent:-0} / 2)) ] && ok "$sent in the peer's name: $half half-open, $cookies cookies" ||
	bad "$sent in the peer's name: $half half-open, $cookies cookies"

# --- many addresses
under many stranger flood b0 192.0.2.0/24 198.51.100.2 5 600
[ "${sent:-0}" -gt 1000 ] && ok "$sent IKE_SA_INIT from many addresses" || bad "flood from many addresses" "$(cat "$LAB_DIR/many.err")"
half=$(count many 'ip.src==198.51.100.2 && isakmp.exchangetype==34 && isakmp.rspi!=00:00:00:00:00:00:00:00')
cookies=$(count many 'ip.src==198.51.100.2 && isakmp.notify.msgtype==16390')
[ "$half" -ge 20 ] && [ "$half" -le 40 ] && ok "half-open: $half" || bad "half-open: $half, 20 to 40 wanted"
[ "$cookies" -gt $((sent / 2)) ] && ok "cookies demanded: $cookies" || bad "cookies demanded: $cookies of $sent"
in=$(bytes many 'ip.dst==198.51.100.2'); out=$(bytes many 'ip.src==198.51.100.2')
[ "$out" -lt "$in" ] && ok "the answers are smaller than the questions: $out < $in bytes" || bad "amplified: $out for $in bytes"
# A caller who is meant gets in beside them.
kill -STOP "$ping"; sleep 0.3; adit gw-a down branch >/dev/null
expect "the real peer calls while all is half open" adit gw-a up branch
across "and traffic flows"; kill -CONT "$ping"

# --- what was recorded, and garbage
up_a=$(established gw-a branch)
under again stranger replay b0 "$LAB_DIR/life.pcap" 198.51.100.2
[ "${sent:-0}" -gt 50 ] && ok "$sent recorded messages, whole, cut and flipped, at gw-b" || bad "replay at gw-b" "$(cat "$LAB_DIR/again.err")"
sent=$(stranger replay a0 "$LAB_DIR/life.pcap" 203.0.113.1)
[ "${sent:-0}" -gt 50 ] && ok "$sent at gw-a" || bad "replay at gw-a"
sent=$(stranger garbage b0 203.0.113.1 198.51.100.2 3)
[ "${sent:-0}" -gt 100 ] && ok "$sent datagrams of garbage" || bad "garbage"
sleep 1
[ "$(established gw-a branch)" -ge "$up_a" ] && ok "the tunnel is still the same" || bad "the tunnel is another" "$(pair_logs)"

kill -INT "$ping"; wait "$ping" 2>/dev/null
out=$(grep 'packets transmitted' "$LAB_DIR/ping")
[[ $out == *" 0% packet loss"* ]] && ok "no ping was lost: $out" || bad "pings were lost" "$out
$(pair_logs)"

# --- then
[ "$(child_of gw-b iked) $(child_of gw-b espd)" = "$iked $espd" ] && ok "nothing crashed" || bad "something crashed" "$(adit_log gw-b)"
rss1=$(($(rss "$iked") + $(rss "$espd") + $(rss "$monitor")))
[ $((rss1 - rss0)) -le 4096 ] && ok "memory: $rss0 to $rss1 kB" || bad "memory: $rss0 to $rss1 kB"
lines=$(($(wc -l <"$(adit_dir gw-b)/log") - log0))
[ "$lines" -le 60 ] && ok "$lines lines in the log" || bad "$lines lines in the log" "$(adit_log gw-b 20)"
t0=$(ticks "$iked"); sleep 2; t1=$(ticks "$iked")
[ $((t1 - t0)) -le 4 ] && ok "and calm" || bad "iked used $((t1 - t0)) ticks in two seconds of nothing"
across "traffic at the end"
across "and back" host-b 10.1.0.10
lab_done
