#!/bin/bash
# libreswan: IKEv2 against libreswan and its kernel's ESP, both roles, rekeys, deletes, restarts.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/uml.bash
. tests/kernel/uml.bash
# shellcheck source=tests/kernel/peers.bash
. tests/kernel/peers.bash
if [ -z "${ADIT_IN_UML:-}" ] && ! why=$(unpack libreswan); then
	echo "skip libreswan: $why"; echo "0 passed, 0 failed, 1 skipped"; exit 0
fi
uml_self -t 540 -M "ipv6 esp4 esp6 xfrm_user tun veth overlay" -- "$0" "$@"
# shellcheck source=tests/kernel/libre.bash
. tests/kernel/libre.bash
libre_install "$(realpath "$LAB_B")/peers/libreswan" || { echo "FAIL overlay"; exit 1; }
libre_start

IDS_O="local_id=a.example peer_id=b.example" IDS_T="leftid=@b.example rightid=@a.example"
ROWS=(
"IKEv2 PSK, GCM, ECP 384|||both_ways hidden rekey_theirs delete_theirs"
"IKEv2 PSK, our Delete|||delete_ours"
"IKEv2 PSK, CBC, MODP 2048, FQDN|ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048 $IDS_O|ike=aes256-sha2_256/dh14 esp=aes256-sha2_256/dh14 $IDS_T|both_ways"
"IKEv2 PSK, GCM 128, X25519, user@FQDN|ike=aes128gcm16-sha256-x25519 esp=aes128gcm16-x25519 local_id=gw@a.example peer_id=gw@b.example|ike=aes_gcm128-sha2_256/dh31 esp=aes_gcm128/dh31 leftid=gw@b.example rightid=gw@a.example|both_ways"
"IKEv2 PSK, SHA-512, ECP 521|ike=aes256-sha512-ecp521 esp=aes256-sha512-ecp521|ike=aes256-sha2_512/dh21 esp=aes256-sha2_512/dh21|both_ways"
"IKEv2 PSK, ChaCha20 for ESP|ike=aes256-sha256-ecp256 esp=chacha20poly1305-ecp256|ike=aes256-sha2_256/dh19 esp=chacha20_poly1305/dh19|both_ways"
"IKEv2 PSK, weak: 3DES, SHA-1, MODP 1536|ike=3des-sha1-modp1536 esp=3des-sha1 allow_weak=3des,sha1,modp1536|ike=3des-sha1/dh5 esp=3des-sha1 pfs=no|both_ways"
"IKEv2 PSK, another group than first|ike=aes256-sha256-ecp256-modp2048 esp=aes256gcm16-ecp256-modp2048|ike=aes256-sha2_256/dh14 esp=aes_gcm256/dh14|only=adit"
"IKEv2 PSK, we rekey the child|esp_life=16s rekey_margin=8s||only=adit rekey_child_ours"
"IKEv2 PSK, we rekey the IKE SA|ike_life=16s rekey_margin=8s||only=peer rekey_ike_ours"
"IKEv2 PSK, IPv6 in IPv4|local_network=fd01::/64 remote_network=fd02::/64|leftsubnet=fd02::/64 rightsubnet=fd01::/64|to=fd02::10 back=fd01::10"
"IKEv2 PSK, IPv4 in IPv6|local_ip=$A6 remote_gateway=$B6|left=$B6 right=$A6|both_ways"
"IKEv2 PSK, restarts of both|dpd_action=restart||only=adit peer_restarts we_restart"
)
rows_run "${ROWS[@]}"
lab_done
