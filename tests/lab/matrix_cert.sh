#!/bin/bash
# matrix_cert: IKEv2 with certificates against strongSwan, both roles; and what must be refused.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/matrix.bash
. tests/lab/matrix.bash
PEER="strongSwan 5.9.8, IKEv2 with certificates"
# shellcheck source=tests/lab/certs.bash
. tests/lab/certs.bash

certs_ca ca-rsa rsa3072; certs_ca ca-ec p256; certs_ca ca-mid p256 ca-ec; certs_ca ca-other p256
certs_end a-rsa rsa2048 ca-rsa DNS:a.example,email:gw@a.example
certs_end b-rsa rsa3072 ca-rsa DNS:b.example,IP:$B4
certs_end a-p256 p256 ca-ec DNS:a.example; certs_end b-p256 p256 ca-ec DNS:b.example
certs_end a-p384 p384 ca-ec DNS:a.example; certs_end b-p384 p384 ca-ec DNS:b.example
certs_end a-p521 p521 ca-ec DNS:a.example; certs_end b-p521 p521 ca-ec DNS:b.example
certs_end a-chain p256 ca-mid DNS:a.example; certs_end b-chain rsa2048 ca-mid DNS:b.example
certs_end b-stranger p256 ca-other DNS:b.example
certs_end b-revoked p256 ca-ec DNS:b.example
certs_crl ca-ec b-revoked
start_both
certs_ours ca-rsa ca-ec a-rsa a-p256 a-p384 a-p521 a-chain b-rsa
# The intermediate goes with our chain, and stays unknown to the other side but for that.
cat "$CERTS/ca-mid.crt" >>"$(adit_dir gw-a)/etc/pki/a-chain.crt"
certs_swan ca-rsa ca-ec b-rsa b-p256 b-p384 b-p521 b-chain b-stranger b-revoked

ours() {	# NAME CA: what every row of ours begins with
	echo "psk=none auth=cert cert=$1 ca=$2 local_id=a.example peer_id=b.example"
}
theirs() { echo "auth=${2:-pubkey} cert=$1.crt local_id=b.example remote_id=a.example"; }
# Both sides' IKE_AUTH went in fragments (RFC 7383: next payload 53), and was seen so.
path_watch() {
	path_none
	rm -f "$LAB_DIR/frag.pcap"
	in_ns inet timeout 60 tcpdump --immediate-mode -U -ni b0 -w "$LAB_DIR/frag.pcap" 'udp port 4500 and udp[8:4] = 0 and udp[28] = 53' 2>/dev/null &
	DUMP=$!
	until_ok 30 test -s "$LAB_DIR/frag.pcap"
}
two_of() { [ "$(tcpdump -nr "$LAB_DIR/frag.pcap" "src host $1" 2>/dev/null | wc -l)" -ge 2 ]; }
check_fragments() {
	local from
	for from in $A4 $B4; do
		until_ok 30 two_of "$from" || { bad "$1: fragments of $from"; return; }
	done
	kill "$DUMP"; wait "$DUMP" 2>/dev/null
	[ -z "$(tcpdump -nr "$LAB_DIR/frag.pcap" 'greater 1295' 2>/dev/null)" ] || { bad "$1: a fragment is too large"; return; }
	ok "$1: both sides sent fragments"
}

ROWS=(
"RSA, IDs by DN|psk=none auth=cert cert=a-rsa ca=ca-rsa 'peer_id=O=Lab,CN=b-rsa'|auth=pubkey cert=b-rsa.crt 'remote_id=O=Lab, CN=a-rsa'|both_ways rekey_theirs"
"RSA PSS, IDs by FQDN|$(ours a-rsa ca-rsa)|$(theirs b-rsa ike:rsa/pss-sha512) remote_auth=ike:rsa/pss-sha256|"
"RSA PKCS#1, SHA-384, IDs user@FQDN and IP|psk=none auth=cert cert=a-rsa ca=ca-rsa local_id=gw@a.example peer_id=$B4|auth=ike:rsa-sha384 remote_auth=pubkey cert=b-rsa.crt local_id=$B4 remote_id=gw@a.example|"
"ECDSA P-256|$(ours a-p256 ca-ec)|$(theirs b-p256)|both_ways"
"ECDSA P-384|$(ours a-p384 ca-ec)|$(theirs b-p384)|"
"ECDSA P-521|$(ours a-p521 ca-ec)|$(theirs b-p521)|"
"chain with an intermediate|$(ours a-chain ca-ec)|$(theirs b-p256)|"
"peer's certificate pinned|psk=none auth=cert cert=a-p256 peer_cert=b-rsa local_id=a.example peer_id=b.example|$(theirs b-rsa)|"
"ours a certificate, theirs a PSK|auth=cert peer_auth=psk cert=a-rsa local_id=a.example peer_id=b.example|auth=psk remote_auth=pubkey local_id=b.example remote_id=a.example|"
"ours a PSK, theirs a certificate|auth=psk peer_auth=cert ca=ca-rsa local_id=a.example peer_id=b.example|auth=pubkey remote_auth=psk cert=b-rsa.crt local_id=b.example remote_id=a.example|"
"certificates in fragments|$(ours a-rsa ca-rsa)|$(theirs b-rsa) 'conn=fragmentation = yes'|path=watch fragments"
"fragments forced, PSK|fragmentation=force fragment_size=576|'conn=fragmentation = force'|only=adit both_ways"
"CRL strict|$(ours a-p256 ca-ec) crl=strict|$(theirs b-p256)|"
"behind NAT, certificates|$(ours a-rsa ca-rsa)|$(theirs b-rsa) remote=198.51.100.254|path=nat_ours both_ways"
)
rows_run "${ROWS[@]}"

# ---- as before RFC 7427: RSA with SHA-1, ECDSA by the curve's own hash
charon_stop gw-b; charon_start gw-b "signature_authentication = no"
ROWS=(
"RSA without RFC 7427|$(ours a-rsa ca-rsa)|$(theirs b-rsa)|"
"ECDSA without RFC 7427|$(ours a-p384 ca-ec)|$(theirs b-p521)|"
)
rows_run "${ROWS[@]}"

# ---- what must not come up, in both roles; ours says why
refused() {	# NAME WORDS OURS THEIRS
	local name=$1 words=$2 out o t
	eval "o=($3)"; eval "t=($4)"
	peer_set "${t[@]}"; adit_peer "${o[@]}" start=responder || { bad "$name: settings"; return; }
	out=$(adit gw-a --timeout 10 up site 2>&1)
	if is_up gw-a site; then bad "$name: must not come up"; return; fi
	if [[ $out == *$words* ]]; then ok "$name: adit calls, is not up, and says so"; else bad "$name: adit calls" "$out
$(both_logs)"; fi
	: >"$(adit_dir gw-a)/log"
	adit gw-a down site >/dev/null
	adit_peer "${o[@]}" start=responder
	peer_up >/dev/null 2>&1
	if is_up gw-a site; then bad "$name: must not come up when called"; return; fi
	if grep -q -- "$words" "$(adit_dir gw-a)/log"; then ok "$name: is called, and says so"; else bad "$name: is called" "$(both_logs)"; fi
}
refused "a stranger's CA" "trusted" "$(ours a-p256 ca-ec)" "$(theirs b-stranger)"
refused "a revoked certificate" "revoked" "$(ours a-p256 ca-ec)" "$(theirs b-revoked)"
refused "a CA that is not this peer's" "trusted" "$(ours a-rsa ca-ec)" "$(theirs b-rsa)"
refused "strict, and no CRL" "CRL" "$(ours a-rsa ca-rsa) crl=strict" "$(theirs b-rsa)"
lab_done
