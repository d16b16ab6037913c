#!/bin/bash
# uml_self: the emulated kernel does what the tests beside this one count on.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/kernel/uml.bash
. tests/kernel/uml.bash
# shellcheck source=tests/lab/lab.bash
[ -n "${ADIT_IN_UML:-}" ] || {
	# On the host: limits and results of the harness itself, then this script in a guest.
	why=$(uml_why_not)
	if [ -z "$why" ]; then
		before=$(ls -d /lib/modules/* /usr/lib/modules/* "${TMPDIR:-/tmp}"/adit-uml.* 2>/dev/null)
		out=$(uml_run -t 20 bash -c "echo here: \$PWD; exit 7"); rc=$?
		[ $rc = 126 ] && { echo "skip uml: no guest boots here"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
		[ "$rc/$out" = "7/here: $PWD" ] || { echo "FAIL output and result: $rc/$out"; exit 1; }
		start=$SECONDS
		out=$(uml_run -t 8 sleep 100); rc=$?
		[ $rc = 124 ] && [ $((SECONDS - start)) -le 20 ] || { echo "FAIL time limit: $rc $out"; exit 1; }
		after=$(ls -d /lib/modules/* /usr/lib/modules/* "${TMPDIR:-/tmp}"/adit-uml.* 2>/dev/null)
		[ "$before" = "$after" ] || { echo "FAIL something is left behind: $after"; exit 1; }
	fi
}
uml_self -t 120 -M "esp4 esp6 xfrm_user tun veth" -- "$0" "$@"
. tests/lab/lab.bash
for m in esp4 esp6 ah4 ipcomp xfrm_user af_key tun veth nf_tables nft_masq nft_ct algif_aead \
	algif_skcipher algif_hash authenc gcm chacha20poly1305; do
	expect "module $m" /run/modprobe "$m"
done
lab_ns a b
lab_link a eth0 b eth0
lab_addr a eth0 192.0.2.1/24; lab_addr b eth0 192.0.2.2/24
expect "two hosts in one guest" ping_ok a 192.0.2.2
xfrm() {	# NS OUT-SRC OUT-DST: ESP in transport mode, both ways
	local s=$2 d=$3 aead=(aead 'rfc4106(gcm(aes))' 0x00112233445566778899aabbccddeeff00112233 128)
	in_ns "$1" ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1001 mode transport "${aead[@]}" &&
	in_ns "$1" ip xfrm state add src 192.0.2.2 dst 192.0.2.1 proto esp spi 0x1002 mode transport "${aead[@]}" &&
	in_ns "$1" ip xfrm policy add src "$s" dst "$d" dir out tmpl proto esp mode transport &&
	in_ns "$1" ip xfrm policy add src "$d" dst "$s" dir in tmpl proto esp mode transport
}
expect "SAs on one host" xfrm a 192.0.2.1 192.0.2.2
expect "and on the other" xfrm b 192.0.2.2 192.0.2.1
expect "a ping goes through the kernel's ESP" ping_ok a 192.0.2.2 2
# shellcheck disable=SC2016  # awk's $2
count='/InNoPols|InStateProtoError/ {n += $2} END {print n + 0}'
errors=$(in_ns b awk "$count" /proc/net/xfrm_stat)
[ "$errors" = 0 ] &&
	in_ns b ip -s xfrm state | grep -qE '\(bytes\), [1-9][0-9]*\(packets\)' && ok "and is counted there" ||
	bad "and is counted there" "$(in_ns b ip -s xfrm state; in_ns b cat /proc/net/xfrm_stat)"
lab_done
