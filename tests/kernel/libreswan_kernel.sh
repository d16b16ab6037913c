#!/bin/bash
# libreswan_kernel: adit and libreswan with the kernel's ESP on both ends.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
# shellcheck source=tests/kernel/peers.bash
. tests/kernel/peers.bash
if [ -z "${ADIT_GUEST:-}" ] && ! why=$(unpack libreswan); then
	echo "skip libreswan: $why"; echo "0 passed, 0 failed, 1 skipped"; exit 0
fi
guest_self uml -t 300 -M "ipv6 esp4 esp6 xfrm_user xfrm_interface dummy tun veth overlay" -- "$0" "$@"
# shellcheck source=tests/kernel/libre.bash
. tests/kernel/libre.bash
PEER="libreswan 4.10, kernel ESP"
libre_install "$(realpath "$LAB_B")/peers/libreswan" || { echo "FAIL overlay"; exit 1; }
LIBRE_DATAPLANE=kernel libre_start

# libreswan takes what comes in only as it has set it itself: in UDP, or as IP protocol 50.
UDP_O="encap=force" PLAIN_O="encap=never" PLAIN_T="encapsulation=no"
ROWS=(
"AES-256-GCM in UDP|$UDP_O||both_ways hidden rekey_theirs delete_theirs"
"AES-256-GCM as a protocol|$PLAIN_O|$PLAIN_T|both_ways delete_ours"
"CBC, SHA-256|$UDP_O ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048|ike=aes256-sha2_256/dh14 esp=aes256-sha2_256/dh14|only=adit both_ways"
"ChaCha20|$UDP_O ike=aes256-sha256-ecp256 esp=chacha20poly1305-ecp256|ike=aes256-sha2_256/dh19 esp=chacha20_poly1305/dh19|only=adit both_ways"
"IKEv1, CBC, SHA-256|$UDP_O version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048|ikev2=no ike=aes256-sha2_256/dh14 esp=aes256-sha2_256/dh14|both_ways"
"IPv4 in IPv6|local_ip=$A6 remote_gateway=$B6|left=$B6 right=$A6|only=adit both_ways"
"we rekey the child|$UDP_O esp_life=16s rekey_margin=8s||only=adit rekey_child_ours"
)
rows_run "${ROWS[@]}"
lab_done
