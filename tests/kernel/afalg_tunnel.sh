#!/bin/bash
# afalg_tunnel: adit on both ends, ESP in userspace, its cryptography by the kernel's crypto API;
# first with a kernel that has none, where software does the work.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
guest_self "uml qemu" -t 280 -M "ipv6 tun veth" -- "$0" "$@"
loader=$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
declare -A workers=([gw-a]=1 [gw-b]=2)	# two have a key each over the same sockets
for g in gw-a gw-b; do
	adit_conf $g
	printf 'dataplane = userspace\nengine = afalg\nworkers = %s\n' "${workers[$g]}" >"$(adit_dir $g)/etc/adit.conf"
done
adit_start gw-a && adit_start gw-b || { bad "both start" "$(pair_logs)"; lab_done; exit; }
pair_peers start=responder || bad "peers are added"

both() { adit gw-a peer set branch "$@" >/dev/null && adit gw-b peer set main "$@" >/dev/null; }
up() {	# NAME
	local out
	adit gw-a down branch >/dev/null 2>&1
	if out=$(adit gw-a --timeout 20 up branch 2>&1); then ok "$1: up"; else bad "$1: up" "$out
$(pair_logs)"; fi
}
child() { adit "$1" status --json | jq -r ".peers[].children[] | select(.state == \"up\") | $2"; }
# done_by NS ENGINE: and a second later, for status is asked for now and then.
done_by() { until_ok 50 eval "[ \"\$(child $1 .engine)\" = $2 ]"; }
# pings NAME BYTES: not one of a burst is lost. With less than 16 bytes ping has no time in them
# and ends before the last answers.
pings() {
	local out
	out=$(in_ns host-a ping -n -q -l 20 -i 0.01 -c 60 -W 5 -s "$2" 10.2.0.10)
	if [[ $out == *" 0% packet loss"* ]]; then ok "$1"; else bad "$1" "$out
$(for g in gw-a gw-b; do adit $g counters; adit $g status --json | jq -c '.peers[].children[]'; done)"; fi
}
traffic() {	# NAME
	across "$1: a ping crosses" || return
	pings "$1: whole packets" 1200
	pings "$1: tiny ones" 16
}

if [ ! -e /sys/module/af_alg ]; then
	up "no AF_ALG"
	traffic "no AF_ALG"
	expect "no AF_ALG: software does it" done_by gw-a mbedtls
	expect "no AF_ALG: the log says why" grep -q "no AF_ALG for .*: the kernel has no AF_ALG (modprobe" "$(adit_dir gw-a)/log"
else
	skip "no AF_ALG" "this kernel has it built in"
fi
echo "$loader" >/proc/sys/kernel/modprobe

for esp in aes256gcm16 aes256-sha256 aes128ctr-sha256 chacha20poly1305; do
	both esp=$esp
	up $esp
	traffic $esp
	for g in gw-a gw-b; do
		expect "$esp: afalg does it on $g" done_by $g afalg
		expect "$esp: all of it on $g" eval "[ \"\$(child $g .fallbacks)\" = 0 ]"
	done
done
expect "status says so" eval "adit gw-a status branch | grep -i 'done by.*afalg'"
expect "nobody died" eval "! grep -E '(espd|iked|vaultd)[ :].*(ended|killed|signal)' '$(adit_dir gw-a)/log' '$(adit_dir gw-b)/log'"
lab_done
