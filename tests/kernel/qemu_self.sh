#!/bin/bash
# qemu_self: Debian's kernel under emulation does what the tests beside this one count on.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/qemu.bash
. tests/kernel/qemu.bash
[ -n "${ADIT_IN_QEMU:-}" ] || {
	# On the host: limits and results of the harness itself, then this script in a guest.
	why=$(qemu_why_not)
	if [ -z "$why" ]; then
		left() { ls -d /lib/modules/* /usr/lib/modules/* "${TMPDIR:-/tmp}"/adit-qemu.* "$LAB_B"/peers/linux.* 2>/dev/null; }
		before=$(left)
		start=${EPOCHREALTIME/./}
		out=$(SOAK_S="of 7" qemu_run -t 60 bash -c "echo here: \$PWD \$SOAK_S; exit 7"); rc=$?
		[ $rc = 126 ] && { echo "skip qemu: no guest boots here"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
		[ "$rc/$out" = "7/here: $PWD of 7" ] || { echo "FAIL output and result: $rc/$out"; exit 1; }
		echo "   a guest booted, ran and went within $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
		start=$SECONDS
		out=$(qemu_run -t 12 sleep 100); rc=$?
		[ $rc = 124 ] && [ $((SECONDS - start)) -le 30 ] || { echo "FAIL time limit: $rc $out"; exit 1; }
		out=$(qemu_run -t 60 bash -c 'echo c >/proc/sysrq-trigger; sleep 9'); rc=$?
		[ $rc = 125 ] && [[ $out == *"died without a result"*"panic - not syncing: sysrq"* ]] || { echo "FAIL a crash of the guest: $rc $out"; exit 1; }
		after=$(left)
		[ "$before" = "$after" ] || { echo "FAIL something is left behind: $after"; exit 1; }
	fi
}
qemu_self -t 120 -M "esp4 esp6 xfrm_user xfrm_interface tun veth" -- "$0" "$@"
. tests/lab/lab.bash
for m in esp4 esp6 ah4 ah6 ipcomp ipcomp6 esp4_offload esp6_offload xfrm_user xfrm_interface af_key tun \
	veth dummy sch_netem nf_tables nft_masq nft_ct nft_xfrm algif_aead algif_skcipher algif_hash \
	authenc gcm ccm seqiv echainiv chacha20poly1305 camellia_generic des_generic aesni_intel; do
	expect "module $m" /run/modprobe "$m"
done
expect_not "the host's files are safe" touch /usr/.adit
mkdir -p /tmp/adit-here && ok "but for /tmp, which is the guest's" || bad "no /tmp"
lab_ns a b
lab_link a eth0 b eth0
lab_addr a eth0 192.0.2.1/24; lab_addr b eth0 192.0.2.2/24
expect "two hosts in one guest" ping_ok a 192.0.2.2
xfrm() {	# NS LOCAL REMOTE SPI-OUT SPI-IN ADDRESS: ESP by way of an interface
	local n=$1 l=$2 r=$3 aead=(aead 'rfc4106(gcm(aes))' 0x00112233445566778899aabbccddeeff00112233 128)
	in_ns "$n" ip link add ipsec0 type xfrm dev eth0 if_id 7 &&
	in_ns "$n" ip addr add "$6" dev ipsec0 && in_ns "$n" ip link set ipsec0 up &&
	in_ns "$n" ip xfrm state add src "$l" dst "$r" proto esp spi "$4" mode tunnel if_id 7 "${aead[@]}" &&
	in_ns "$n" ip xfrm state add src "$r" dst "$l" proto esp spi "$5" mode tunnel if_id 7 "${aead[@]}" &&
	in_ns "$n" ip xfrm policy add dir out if_id 7 tmpl src "$l" dst "$r" proto esp mode tunnel &&
	in_ns "$n" ip xfrm policy add dir in if_id 7 tmpl src "$r" dst "$l" proto esp mode tunnel
}
expect "an xfrm interface on one host" xfrm a 192.0.2.1 192.0.2.2 0x1001 0x1002 10.9.0.1/24
expect "and on the other" xfrm b 192.0.2.2 192.0.2.1 0x1002 0x1001 10.9.0.2/24
expect "a ping goes through them" ping_ok a 10.9.0.2 2
# shellcheck disable=SC2016  # awk's $2
count='{n += $2} END {print n + 0}'
errors=$(in_ns b awk "$count" /proc/net/xfrm_stat)
[ "$errors" = 0 ] &&
	in_ns b ip -s xfrm state | grep -qE '\(bytes\), [1-9][0-9]*\(packets\)' && ok "and is counted there" ||
	bad "and is counted there" "$(in_ns b ip -s xfrm state; in_ns b cat /proc/net/xfrm_stat)"
lab_done
