#!/bin/bash
# xfrm_pair: adit on both ends with the kernel's own ESP.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
guest_self "uml qemu" -t 500 -M "ipv6 esp4 esp6 ah4 ipcomp xfrm_user xfrm_interface dummy veth" -- "$0" "$@"
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
for g in gw-a gw-b; do adit_conf $g; printf 'dataplane = kernel\n' >"$(adit_dir $g)/etc/adit.conf"; done
adit_start gw-a && adit_start gw-b || { bad "both start" "$(pair_logs)"; lab_done; exit; }

dump() {
	local g
	for g in gw-a gw-b; do
		echo "--- $g"; in_ns $g ip -s xfrm state | grep -vE '^\s+(enc|auth-trunc|aead)'; in_ns $g ip xfrm policy
		in_ns $g grep -v '	0$' /proc/net/xfrm_stat; in_ns $g ip route
	done
}
states() { in_ns "$1" ip xfrm state; }
n_states() { states "$1" | grep -c '^src'; }
has() { states "$1" | tr '\n\t' '  ' | grep -q -- "$2"; }
up() {	# NAME
	local out
	if out=$(adit gw-a --timeout 20 up branch 2>&1); then ok "$1: up"; else bad "$1: up" "$out
$(pair_logs)"; fi
}
both() { adit gw-a peer set branch "$@" >/dev/null && adit gw-b peer set main "$@" >/dev/null; }
# ping_all NAME COMMAND...: not one ping is lost while the command runs, and a second longer.
ping_all() {
	local name=$1 before lost; shift
	bg host-a ping -n -i 0.05 -W 2 10.2.0.10 >"$LAB_DIR/ping"
	local p=$BG
	sleep 0.5
	before=$failed
	"$@"
	sleep 1
	kill -INT "$p"; lab_gone "$p" 40
	# The last one's answer may have been under way.
	lost=$(sed -nE 's/.*bytes from .* icmp_seq=([0-9]+) .*/\1/p' "$LAB_DIR/ping" | sort -n |
		awk 'NR != $1 - n { n = $1 - NR; l++ } END { print (NR > 10 ? l + 0 : "all") }')
	[ "$lost" = 0 ] && ok "$name: no ping is lost" ||
		bad "$name: no ping is lost" "$lost gaps; $(tail -3 "$LAB_DIR/ping"; dump; pair_logs 10)"
	[ "$before" = "$failed" ]
}

pair_peers start=responder || bad "peers are added"

# NAME | settings of both | what ip xfrm state shows
ROWS=(
"AES-256-GCM, ESP as a protocol|esp=aes256gcm16 encap=auto|aead rfc4106(gcm(aes)) [^ ]* 128"
"AES-128-GCM in UDP|esp=aes128gcm16 encap=force|encap type espinudp sport 4500 dport 4500"
"CBC and SHA-256, 128 bits|esp=aes256-sha256 encap=auto|auth-trunc hmac(sha256) [^ ]* 128"
"CBC and SHA-384|esp=aes128-sha384|auth-trunc hmac(sha384) [^ ]* 192"
"CBC and SHA-512 in UDP|esp=aes256-sha512 encap=force|auth-trunc hmac(sha512) [^ ]* 256"
"AES-CTR|esp=aes128ctr-sha256 encap=auto|enc rfc3686(ctr(aes))"
"ChaCha20-Poly1305|esp=chacha20poly1305 encap=auto|aead rfc7539esp(chacha20,poly1305) [^ ]* 128"
"Camellia|esp=camellia256-sha256 allow_weak=camellia|enc cbc(camellia)"
"3DES and SHA-1|esp=3des-sha1 allow_weak=3des,sha1|auth-trunc hmac(sha1) [^ ]* 96"
"DES and MD5|esp=des-md5 allow_weak=des,md5|enc cbc(des)"
"Blowfish|esp=blowfish128-sha1 allow_weak=blowfish,sha1|enc cbc(blowfish)"
)
[ -z "${XFRM_SKIP:-}" ] || ROWS=()
for row in "${ROWS[@]}"; do
	IFS='|' read -r name settings shows <<<"$row"
	# shellcheck disable=SC2086
	both $settings || { bad "$name: settings"; continue; }
	up "$name"
	across "$name: a ping crosses"
	expect "$name: the kernel has it so" has gw-a "$shows"
	adit gw-a down branch >/dev/null
	expect "$name: down leaves no state" until_ok 80 test "$(n_states gw-a)" = 0
done

# --- one tunnel, looked at closely
both esp=aes256gcm16 encap=auto allow_weak=
up "GCM"
across "GCM: a ping crosses"
expect "extended sequence numbers" has gw-a "flag [^ ]*.*esn"
expect "states carry our mark" has gw-a "output-mark 0x8000000"
expect "the window is kept" has gw-a "replay_window [1-9]"
ping_ok host-a 10.2.0.10 5 2
child() { adit gw-a status --json | jq -r ".peers[0].children[0].$1"; }
expect "packets are counted" test "$(child tx_packets)" -ge 5
expect "and bytes: those inside" test "$(child tx_bytes)" = "$(($(child tx_packets) * 84))"
adit gw-a status --json | jq -c '.peers[0].children[0]' | head -c 900; echo
# --- rekeyed under a ping, by both: lives of 16 s, ends that do not coincide
spi() { child spi_in; }
new_spi() { [ "$(spi)" != "$1" ] && [ -n "$(spi)" ]; }
# shellcheck disable=SC2317  # by ping_all
rekeys() {
	local i was
	for i in 1 2 3; do
		was=$(spi)
		until_ok 150 new_spi "$was" && ok "rekey $i" || bad "rekey $i" "$(pair_logs)"
	done
}
adit gw-a down branch >/dev/null
both esp_life=16s rekey_margin=8s
up "short lives"
across "short lives: a ping crosses"
ping_all "rekeyed three times" rekeys
expect "the old ones go" until_ok 100 test "$(n_states gw-a)" -le 4
adit gw-a down branch >/dev/null
both esp_life=1h rekey_margin=9m

# --- who else has states here keeps them; kill -9 of iked, then of aditd
foreign() {	# COMMAND
	in_ns gw-a ip xfrm state "$1" src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x5005 mode tunnel reqid 7 \
		aead 'rfc4106(gcm(aes))' 0x00112233445566778899aabbccddeeff00112233 128 &&
	in_ns gw-a ip xfrm policy "$1" src 192.0.2.0/25 dst 192.0.2.128/25 dir out tmpl src 192.0.2.1 \
		dst 192.0.2.2 proto esp reqid 7 mode tunnel
}
foreign_there() {
	in_ns gw-a ip xfrm state get src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x5005 &&
		in_ns gw-a ip xfrm policy get src 192.0.2.0/25 dst 192.0.2.128/25 dir out
}
expect "somebody else's states" foreign add
both start=start
up "again"
across "again: a ping crosses"
# shellcheck disable=SC2317  # by ping_all
kill_iked() {
	local old; old=$(child_of gw-a iked)
	kill -9 "$old"; sleep 3
	expect "a new iked has the tunnel up" until_ok 150 is_up gw-a branch
}
ping_all "kill -9 of iked" kill_iked
# shellcheck disable=SC2317  # by ping_all
kill_aditd() {
	kill -9 "$ADITD_PID_gw_a"; lab_gone "$ADITD_PID_gw_a" 50; sleep 1
	adit_start gw-a
	expect "a new aditd takes over what flows" grep -q 'flows on from before' "$(adit_dir gw-a)/log"
	expect "and has the tunnel up" until_ok 150 is_up gw-a branch
}
ping_all "kill -9 of aditd" kill_aditd
expect "one pair is left" until_ok 100 sh -c "[ \$(ip netns exec $(ns gw-a) ip xfrm state | grep -c 'reqid 1') = 2 ]"
expect "the foreign ones are untouched" foreign_there

# --- flushed by the admin: made anew
in_ns gw-a ip xfrm state flush
across "states were flushed: traffic comes back"
in_ns gw-a ip xfrm policy flush
across "policies were flushed: traffic comes back"
expect "the others come back too" foreign add

# --- on demand
adit gw-a down branch >/dev/null
both start=responder; adit gw-a peer set branch start=on_demand >/dev/null
adit_stop gw-a; adit_start gw-a	# what the admin took down no packet brings up
sleep 1
one_ping() { in_ns host-a ping -n -c 1 -W "$1" 10.2.0.10; }
expect "on demand: the very first packet is answered" one_ping 5
expect "on demand: up" until_ok 50 is_up gw-a branch
across "on demand: traffic"
adit gw-b down main >/dev/null; adit gw-b up main >/dev/null 2>&1 &
sleep 0.5
expect "on demand: the peer took it down, a packet brings it up" until_ok 50 one_ping 1

adit_stop gw-a
expect "a clean stop leaves the foreign ones" foreign_there
left=$(traces gw-a; states gw-a | grep output-mark; in_ns gw-a ip xfrm policy | grep -F 'reqid 18')
[ -z "$left" ] && ok "and nothing of ours" || bad "and nothing of ours" "$left"
lab_done
