#!/bin/bash
# strongswan_certs: with strongSwan, both roles: long chains through paths that lose large packets,
# odd IDs, pinned certificates, post-quantum keys, reauthentication, and what is refused, with the
# reason on our side. What each kind of key needs is in matrix_cert.sh. Certificates are made here.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/matrix.bash
. tests/lab/matrix.bash
# shellcheck source=tests/lab/certs.bash
. tests/lab/certs.bash
start_both $'rsa_pss = yes\nmake_before_break = yes'

certs_ca ca rsa2048
certs_ca mid-1 rsa4096 ca; certs_ca mid-2 rsa4096 mid-1
for t in p256 p384; do
	certs_end "a-$t" "$t" ca "DNS:a.example,email:gw@a.example"
	certs_end "b-$t" "$t" ca "DNS:b.example,IP:$B4"
done
certs_end a-long rsa4096 mid-2 DNS:a.example; certs_end b-long rsa4096 mid-2 DNS:b.example
cat "$CERTS/mid-2.crt" "$CERTS/mid-1.crt" >>"$CERTS/a-long.crt"
certs_ours ca a-p256 a-p384 a-long b-p256
certs_swan ca b-p256 b-p384 b-long mid-1 mid-2 a-p384
adit gw-a reload >/dev/null

C="auth=cert psk=none"
T="auth=pubkey cacert=ca.crt"
IDS_O="local_id=a.example peer_id=b.example" IDS_T="local_id=b.example remote_id=a.example"
PPK_T="conn=\$'ppk_id = k1\\nppk_required = yes' secrets=\$'ppk-1 {\\nid = k1\\nsecret = \"a post-quantum key that both have\"\\n}'"
PPK_O='ppk_id=k1 ppk="a post-quantum key that both have" ppk_required=yes'
MTU_T='conn="fragmentation = yes"'
# Packets that need to be cut are lost, as behind many a firewall.
path_narrow() {
	in_ns inet nft 'table ip narrow { chain f { type filter hook forward priority 0;
		ip length > 1300 udp dport { 500, 4500 } drop; ip frag-off & 0x3fff != 0 drop; }; }'
}
# This one our way alone: strongSwan's own pieces stay at 1280 bytes.
path_narrowest() {
	in_ns inet nft 'table ip narrow { chain f { type filter hook forward priority 0;
		iifname a0 ip length > 600 udp dport { 500, 4500 } drop; iifname a0 ip frag-off & 0x3fff != 0 drop; }; }'
}

ROWS=(
"no IDs at all|$C cert=a-p256|$T cert=b-p256.crt|"
"mail and address as IDs|$C cert=a-p256 local_id=gw@a.example peer_id=$B4|$T cert=b-p256.crt local_id=$B4 remote_id=gw@a.example|"
"pinned on both sides|$C cert=a-p384 peer_cert=b-p256 $IDS_O|auth=pubkey cert=b-p256.crt $IDS_T lines_r='certs = a-p384.crt'|"
"chains, RSA 4096|$C cert=a-long ca=ca $IDS_O|$T cert=b-long.crt $IDS_T|both_ways"
"chains, packets above 1300 lost|$C cert=a-long ca=ca $IDS_O|$T cert=b-long.crt $IDS_T $MTU_T|path=narrow"
"chains, small pieces at once|$C cert=a-long ca=ca fragmentation=force $IDS_O|$T cert=b-p256.crt $IDS_T|path=narrowest"
"chains, small pieces after loss|$C cert=a-long ca=ca $IDS_O|$T cert=b-p256.crt $IDS_T|path=narrowest"
"PPK and certificates|$C cert=a-p256 $IDS_O $PPK_O|$T cert=b-p256.crt $IDS_T $PPK_T|rekey_theirs"
"PPK and PSK|$PPK_O|$PPK_T|"
"no child at first|$C cert=a-p256 $IDS_O|$T cert=b-p256.crt $IDS_T conn='childless = force'|only=peer both_ways rekey_theirs"
"certificates, rekeys|$C cert=a-p256 $IDS_O|$T cert=b-p256.crt $IDS_T|rekey_theirs"
)
rows_run "${ROWS[@]}"

# ---- refusals: our side says why, whoever calls

says() {	# NAME WORDS: when we call
	local out
	out=$(adit gw-a --timeout 15 up site 2>&1)
	if [[ $out == *"$2"* ]]; then ok "$1"; else bad "$1" "$out
$(both_logs)"; fi
}
logged() {	# NAME WORDS: when they call
	: >"$(adit_dir gw-a)/log"
	swan gw-b --initiate --child net --timeout 5 >/dev/null 2>&1
	if until_ok 20 grep -q -- "$2" "$(adit_dir gw-a)/log"; then ok "$1"; else
		bad "$1: not in the log: $2" "$(both_logs)"; fi
}
refused() {	# NAME WORDS OURS... -- THEIRS...
	local name=$1 words=$2 ours=(); shift 2
	while [ "$1" != -- ]; do ours+=("$1"); shift; done; shift
	peer_set "$@"; adit_peer auth=cert psk=none start=responder "${ours[@]}"
	says "$name, adit calls" "$words"
	logged "$name, strongSwan calls" "$words"
}
refused "not the pinned one" "peer_cert" cert=a-p256 peer_cert=b-p256 -- auth=pubkey cert=b-p384.crt
refused "an ID that its certificate does not hold" "c.example" cert=a-p256 peer_id=c.example -- auth=pubkey cert=b-p256.crt local_id=b.example

# ---- they refuse ours
# shellcheck disable=SC2086
peer_set $T cert=b-p256.crt remote_id=z.example; adit_peer auth=cert psk=none start=responder cert=a-p256
says "the other side wants another ID" "AUTHENTICATION_FAILED"

# ---- credentials alone
# shellcheck disable=SC2086
peer_set $T cert=b-p256.crt; adit_peer auth=cert psk=none start=responder cert=a-p256
out=$(adit gw-a test site 2>&1)
if [[ $out == *"both sides accept each other"*"CN=b-p256 by certificate"* ]]; then
	ok "adit test, against strongSwan, without a child"
else
	bad "adit test" "$out"
fi
none_there() { [ -z "$(swan gw-b --list-sas)" ]; }
expect "nothing is left of the test" until_ok 50 none_there

# ---- reauthentication: both sides' ways. strongSwan's userspace ESP drops what comes in the moment
# it takes its old SA away, so what is lost is told in tests/lab/reauth.sh, between two adits.
# shellcheck disable=SC2086
peer_set $T cert=b-p256.crt conn=$'reauth_time = 15s\nrand_time = 0s\nover_time = 30s'
adit_peer auth=cert psk=none start=responder cert=a-p256
peer_up >/dev/null 2>&1
across "up, before strongSwan proves anew who it is"
before=$(ike_spi)
expect "strongSwan's reauthentication" until_ok 300 changed ike_spi "$before"
across "after that"
expect "one of each is left" until_ok 80 one_of_each
# shellcheck disable=SC2086
peer_set $T cert=b-p256.crt; adit_peer auth=cert psk=none start=responder cert=a-p256 reauth=10s
adit gw-a up site >/dev/null 2>&1
across "up, before we prove anew who we are"
before=$(ike_spi)
expect "our reauthentication" until_ok 300 changed ike_spi "$before"
across "after that, too"
expect "one of each is left, too" until_ok 80 one_of_each
lab_done
