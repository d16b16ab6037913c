#!/bin/bash
# libreswan_more: IKEv1, and IKEv2 with certificates, against libreswan and its kernel's ESP.
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
# shellcheck source=tests/lab/certs.bash
. tests/lab/certs.bash
libre_install "$(realpath "$LAB_B")/peers/libreswan" || { echo "FAIL overlay"; exit 1; }
certs_ca ca-rsa rsa2048; certs_ca ca-ec p256
certs_end a-rsa rsa2048 ca-rsa DNS:a.example; certs_end b-rsa rsa2048 ca-rsa DNS:b.example
certs_end a-p256 p256 ca-ec DNS:a.example; certs_end b-p256 p256 ca-ec DNS:b.example
libre_cert ca-rsa ca-ec b-rsa b-p256
libre_start
certs_ours ca-rsa ca-ec a-rsa a-p256

IDS_O="local_id=a.example peer_id=b.example" IDS_T="leftid=@b.example rightid=@a.example"
V1_O="version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048"
V1_T="ikev2=no ike=aes256-sha2_256/dh14 esp=aes256-sha2_256/dh14"
C_O="psk=none auth=cert $IDS_O"
ROWS=(
"IKEv1 Main, PSK|$V1_O|$V1_T|both_ways hidden delete_theirs"
"IKEv1 Main, PSK, weak: 3DES, SHA-1, no PFS|version=1 ike=3des-sha1-modp1536 esp=3des-sha1 allow_weak=3des,sha1,modp1536|ikev2=no ike=3des-sha1/dh5 esp=3des-sha1 pfs=no|both_ways"
"IKEv1 Main, PSK, ESP GCM|version=1 ike=aes128-sha256-modp2048 esp=aes128gcm16-modp2048|ikev2=no ike=aes128-sha2_256/dh14 esp=aes_gcm128/dh14|both_ways"
"IKEv1 Main, we rekey the child|$V1_O esp_life=16s rekey_margin=8s|$V1_T|only=adit rekey_child_ours"
"IKEv1 Main, we rekey the IKE SA|$V1_O ike_life=16s rekey_margin=8s|$V1_T|only=adit rekey_ike_ours"
"IKEv1 Aggressive, PSK, FQDN|$V1_O $IDS_O exchange=aggressive allow_weak=aggressive|$V1_T $IDS_T aggressive=yes|both_ways"
"IKEv2 RSA|$C_O cert=a-rsa ca=ca-rsa|authby=rsasig leftcert=b-rsa $IDS_T|both_ways rekey_theirs"
"IKEv2 ECDSA|$C_O cert=a-p256 ca=ca-ec|authby=ecdsa leftcert=b-p256 $IDS_T|both_ways"
"IKEv2 RSA, fragments forced|$C_O cert=a-rsa ca=ca-rsa fragmentation=force fragment_size=576|authby=rsasig leftcert=b-rsa $IDS_T fragmentation=force|both_ways"
)
rows_run "${ROWS[@]}"
lab_done
