#!/bin/bash
# openiked: IKEv2 against OpenIKED and its kernel's ESP (by PF_KEY), both roles.
#
# What Debian's OpenIKED 7.2 can do on Linux: AES-CBC with SHA-1, SHA2-384 or SHA2-512 for ESP;
# it drops proposals with GCM silently, and its kernel interface knows no SHA2-256.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/uml.bash
. tests/kernel/uml.bash
# shellcheck source=tests/kernel/peers.bash
. tests/kernel/peers.bash
if [ -z "${ADIT_IN_UML:-}" ] && ! why=$(unpack openiked); then
	echo "skip openiked: $why"; echo "0 passed, 0 failed, 1 skipped"; exit 0
fi
uml_self -t 300 -M "ipv6 esp4 af_key xfrm_user tun veth overlay" -- "$0" "$@"
# shellcheck source=tests/kernel/libre.bash
. tests/kernel/libre.bash
PEER="OpenIKED 7.2"
OI_LOG=/run/iked.log OI_PID=''
d=$(realpath "$LAB_B")/peers/openiked
over /usr "$d" && over /etc "$d" || { echo "FAIL overlay"; exit 1; }
mkdir -p /run/empty /etc/iked/{private,pubkeys,ca,certs,crls}
echo '_iked:x:987:987::/run/empty:/bin/false' >>/etc/passwd; echo '_iked:x:987:' >>/etc/group
openssl ecparam -genkey -name prime256v1 -noout -out /etc/iked/private/local.key
chmod 600 /etc/iked/private/local.key
openssl ec -in /etc/iked/private/local.key -pubout -out /etc/iked/local.pub 2>/dev/null

# The parent, and its children, which do not always go with it.
oi_stop() {
	local p kids
	[ -z "$OI_PID" ] || {
		kids=$(pgrep -P "$OI_PID")
		kill "$OI_PID" 2>/dev/null
		lab_gone "$OI_PID" 20 || kill -9 "$OI_PID" 2>/dev/null
		wait "$OI_PID" 2>/dev/null
		for p in $kids; do kill -9 "$p" 2>/dev/null; done
	}
	OI_PID=''
	in_ns gw-b ip xfrm state flush; in_ns gw-b ip xfrm policy flush
}
oi_start() {	# MODE
	oi_stop
	sed "s/@mode@/$1/" /run/iked.conf >/etc/iked.conf; chmod 600 /etc/iked.conf
	ip netns exec "$(ns gw-b)" /usr/sbin/iked -d -v -f /etc/iked.conf >$OI_LOG 2>&1 &
	OI_PID=$!
	LAB_PIDS+=("$OI_PID")
	until_ok 60 in_ns gw-b sh -c 'ss -uln | grep -q :4500'
}
# ike= and child= are iked.conf's words for both phases.
peer_set() {
	local ike='enc aes-256-gcm prf hmac-sha2-384 group ecp384' child='enc aes-256 auth hmac-sha2-512' kv
	local from=10.2.0.0/24 to=10.1.0.0/24
	for kv; do local "${kv%%=*}"; printf -v "${kv%%=*}" %s "${kv#*=}"; done
	cat >/run/iked.conf <<-EOF
	ikev2 "site" @mode@ esp from $from to $to local $B4 peer $A4 ikesa $ike childsa $child srcid b.example dstid a.example psk "$PSK"
	EOF
	oi_start passive
	# For some ten seconds it frees, by a reload of its own, what is half open.
	sleep 11
}
peer_up() { oi_start active && until_ok 200 is_up gw-a site; }
both_logs() {
	echo "--- adit:"; adit_log gw-a 25
	echo "--- OpenIKED:"; tail -30 $OI_LOG | tr -d '\0'
	in_ns gw-b ip -s xfrm state | grep -vE 'enc|auth-trunc' | head -30
	in_ns gw-b grep -v '	0$' /proc/net/xfrm_stat
}
check_delete_ours() {
	adit gw-a down site >/dev/null
	expect "$1: our Delete takes it down there" until_ok 50 in_ns gw-b sh -c '! ip xfrm state | grep -q "proto esp"'
}
lab_offices
adit_conf gw-a
printf 'dataplane = userspace\n' >"$(adit_dir gw-a)/etc/adit.conf"
adit_start gw-a || { bad "aditd starts" "$(adit_log gw-a)"; lab_done; exit; }

O="local_id=a.example peer_id=b.example esp=aes256-sha512"
ROWS=(
"IKEv2 PSK, GCM and ECP 384, ESP CBC and SHA-512|$O||both_ways delete_ours"
)
rows_run "${ROWS[@]}"
lab_done
