#!/bin/bash
# matrix_v1: IKEv1 against strongSwan, both roles.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/matrix.bash
. tests/lab/matrix.bash
PEER="strongSwan 5.9.8, IKEv1"
# shellcheck source=tests/lab/certs.bash
. tests/lab/certs.bash
certs_ca ca-rsa rsa3072; certs_ca ca-mid rsa2048 ca-rsa
certs_end a-rsa rsa2048 ca-rsa DNS:a.example; certs_end b-rsa rsa2048 ca-rsa DNS:b.example
certs_end a-chain rsa2048 ca-mid DNS:a.example
start_both "i_dont_care_about_security_and_use_aggressive_mode_psk = yes"
certs_ours ca-rsa a-rsa a-chain; cat "$CERTS/ca-mid.crt" >>"$(adit_dir gw-a)/etc/pki/a-chain.crt"
certs_swan ca-rsa b-rsa

IDS_O="local_id=a.example peer_id=b.example"
IDS_T="local_id=b.example remote_id=a.example"
IKE6_O="local_ip=$A6 remote_gateway=$B6" IKE6_T="local=$B6 remote=$A6"
O="version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048"
T="version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048"
AGG_O="exchange=aggressive allow_weak=aggressive" AGG_T="'conn=aggressive = yes'"
RSA_O="$O $IDS_O psk=none auth=cert ca=ca-rsa" RSA_T="$T $IDS_T auth=pubkey cert=b-rsa.crt"
KID="two {
local_ts = 10.22.0.0/24
remote_ts = 10.11.0.0/24
esp_proposals = aes256-sha256-modp2048
}"
NO_PFS_O="version=1 ike=aes256-sha256-modp2048 esp=aes128-sha1 allow_weak=sha1"
ROWS=(
"Main, PSK|$O|$T|both_ways hidden rekey_theirs delete_theirs"
"Main, PSK, ESP GCM, ECP 256|version=1 ike=aes128-sha256-ecp256 esp=aes128gcm16-ecp256|version=1 ike=aes128-sha256-ecp256 esp=aes128gcm16-ecp256|"
"Main, PSK, SHA-512, MODP 4096|version=1 ike=aes256-sha512-modp4096 esp=aes256-sha512-modp3072|version=1 ike=aes256-sha512-modp4096 esp=aes256-sha512-modp3072|"
"Main, PSK, no PFS|$NO_PFS_O|version=1 ike=aes256-sha256-modp2048 esp=aes128-sha1|both_ways"
"Main, PSK, weak: 3DES, SHA-1, MODP 1024|version=1 ike=3des-sha1-modp1024 esp=3des-sha1-modp1024 allow_weak=3des,sha1,modp1024|version=1 ike=3des-sha1-modp1024 esp=3des-sha1-modp1024|"
"Main, PSK, weak: MD5, MODP 1536|version=1 ike=aes128-md5-modp1536 esp=aes128-md5 allow_weak=md5,modp1536|version=1 ike=aes128-md5-modp1536 esp=aes128-md5|"
"Main, PSK, FQDN|$O $IDS_O|$T $IDS_T|"
"Aggressive, PSK, FQDN|$O $IDS_O $AGG_O|$T $IDS_T $AGG_T|both_ways rekey_theirs"
"Aggressive, PSK, user@FQDN|$O local_id=gw@a.example peer_id=gw@b.example $AGG_O|$T local_id=gw@b.example remote_id=gw@a.example $AGG_T|"
"Main, behind our NAT|$O $IDS_O|$T $IDS_T remote=198.51.100.254|path=nat_ours both_ways"
"Main, behind their NAT|$O $IDS_O remote_gateway=203.0.113.254|$T $IDS_T|path=nat_theirs both_ways"
"Aggressive, NAT on both sides|$O $IDS_O $AGG_O remote_gateway=203.0.113.254|$T $IDS_T $AGG_T remote=198.51.100.254|path=nat_both both_ways"
"Main, we rekey the child|$O esp_life=16s rekey_margin=8s|$T|only=adit rekey_child_ours"
"Main, we rekey the IKE SA|$O ike_life=16s rekey_margin=8s|$T|only=adit rekey_ike_ours"
"Main, IPv4 in IPv6|$O $IKE6_O|$T $IKE6_T|"
"Main, IPv6 in IPv4|$O local_network=fd01::/64 remote_network=fd02::/64|$T local_ts=fd02::/64 remote_ts=fd01::/64|to=fd02::10 back=fd01::10"
"Main, IPv6 in IPv6|$O $IKE6_O local_network=fd01::/64 remote_network=fd02::/64|$T $IKE6_T local_ts=fd02::/64 remote_ts=fd01::/64|to=fd02::10 back=fd01::10"
"Main, RSA|$RSA_O cert=a-rsa|$RSA_T|both_ways rekey_theirs"
"Main, RSA, IDs by DN|$O psk=none auth=cert ca=ca-rsa cert=a-rsa 'peer_id=O=Lab,CN=b-rsa'|$T auth=pubkey cert=b-rsa.crt 'remote_id=O=Lab, CN=a-rsa'|"
"Main, RSA, chain with an intermediate|$RSA_O cert=a-chain|$RSA_T|"
"Main, RSA, in Cisco's fragments|$RSA_O cert=a-rsa fragmentation=force fragment_size=600|$RSA_T 'conn=fragmentation = force'|both_ways"
"Main, two Quick modes|$O child.two.local_network=10.11.0.0/24 child.two.remote_network=10.22.0.0/24|$T 'kids=$KID'|only=adit both_ways second_child"
"version = auto, they speak IKEv1|version=auto ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048|$T|only=peer"
"version = auto, they speak IKEv2|version=auto ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048|ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048|"
)
rows_run "${ROWS[@]}"
lab_done
