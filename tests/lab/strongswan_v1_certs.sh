#!/bin/bash
# strongswan_v1_certs: IKEv1 Main mode by RSA signatures with strongSwan, both roles: a CA, a chain
# with an intermediate in fragments, a pinned certificate, both rekeys, and what is refused.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/matrix.bash
. tests/lab/matrix.bash
# shellcheck source=tests/lab/certs.bash
. tests/lab/certs.bash
start_both

certs_ca ca rsa2048
certs_ca mid rsa2048 ca
certs_ca other rsa2048
certs_end a-rsa rsa2048 ca DNS:a.example; certs_end b-rsa rsa2048 ca DNS:b.example
certs_end a-long rsa4096 mid DNS:a.example; certs_end b-long rsa4096 mid DNS:b.example
# strongSwan takes any certificate that holds its ID: this one alone does.
certs_end b-pin rsa2048 ca DNS:pin.example
certs_end a-bad rsa2048 other DNS:a.example
cat "$CERTS/mid.crt" >>"$CERTS/a-long.crt"
certs_ours ca a-rsa a-long a-bad b-pin
certs_swan ca mid b-rsa b-long b-pin a-rsa
adit gw-a reload >/dev/null

C="version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048 auth=cert psk=none"
T="version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048 auth=pubkey cacert=ca.crt"
IDS_O="local_id=a.example peer_id=b.example" IDS_T="local_id=b.example remote_id=a.example"
ROWS=(
"Main, RSA, FQDN|$C cert=a-rsa $IDS_O|$T cert=b-rsa.crt $IDS_T|both_ways rekey_theirs delete_theirs"
"Main, RSA, DN|$C cert=a-rsa|$T cert=b-rsa.crt|both_ways"
"Main, RSA, pinned|$C cert=a-rsa peer_cert=b-pin local_id=a.example peer_id=pin.example|$T cert=b-pin.crt local_id=pin.example remote_id=a.example|"
"Main, RSA 4096, a chain, in fragments|$C cert=a-long $IDS_O fragment_size=600|$T cert=b-long.crt $IDS_T conn='fragmentation = yes'|"
"Main, RSA, we rekey phase 1|$C cert=a-rsa $IDS_O ike_life=16s rekey_margin=8s|$T cert=b-rsa.crt $IDS_T|only=adit rekey_ike_ours"
"Main, RSA, version = auto|version=auto ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048 auth=cert psk=none cert=a-rsa $IDS_O|$T cert=b-rsa.crt $IDS_T|only=peer"
)
rows_run "${ROWS[@]}"

says() {	# NAME WORDS
	local out
	out=$(adit gw-a --timeout 40 up site 2>&1)
	if [[ $out == *"$2"* ]]; then ok "$1"; else bad "$1" "$out
$(both_logs)"; fi
}
V1C=(version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048 auth=cert psk=none start=responder)
V1T=(version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048 auth=pubkey cacert=ca.crt)
peer_set "${V1T[@]}" cert=b-rsa.crt local_id=b.example remote_id=a.example
adit_peer "${V1C[@]}" cert=a-bad local_id=a.example peer_id=b.example
says "a certificate by a CA that they do not have" "refuses who we say we are"
peer_set "${V1T[@]}" cert=b-rsa.crt local_id=b.example remote_id=a.example
adit_peer "${V1C[@]}" cert=a-rsa local_id=a.example peer_id=c.example
says "another ID than expected" "c.example"
peer_set "${V1T[@]}" cert=b-rsa.crt local_id=b.example remote_id=a.example
adit_peer "${V1C[@]}" cert=a-rsa peer_cert=a-long local_id=a.example peer_id=b.example
says "not the pinned one" "certificate is refused"
lab_done
