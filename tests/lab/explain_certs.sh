#!/bin/bash
# explain_certs: certificates that will not do, against strongSwan: which, why, and what to do.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/matrix.bash
. tests/lab/matrix.bash
# shellcheck source=tests/lab/certs.bash
. tests/lab/certs.bash
start_both

certs_ca ca p256; certs_ca other p256
certs_end a-ours p256 ca DNS:a.example
certs_end b-good p256 ca DNS:b.example
certs_end b-pin p256 ca DNS:b.example
certs_end b-other p256 other DNS:b.example
certs_end b-wrong p256 ca DNS:c.example
certs_ours ca a-ours b-pin
certs_swan ca other b-good b-other b-wrong
adit gw-a reload >/dev/null

said_all() {
	local out w; out=$(adit gw-a explain site 2>&1 | tr '\n' ' ' | tr -s ' ')
	for w; do case $out in *"$w"*) ;; *) return 1 ;; esac; done
}
# explained NAME "OURS" "THEIRS" WORDS...: strongSwan calls.
explained() {
	local name=$1 ours=$2 theirs=$3; shift 3
	# shellcheck disable=SC2086  # lists of words
	adit_peer auth=cert psk=none cert=a-ours start=responder $ours
	# shellcheck disable=SC2086
	peer_set auth=pubkey cacert=ca.crt $theirs
	swan gw-b --initiate --child net --timeout 4 >/dev/null 2>&1
	if until_ok 40 said_all "$@"; then ok "$name"; else bad "$name: wanted: $*" "$(adit gw-a explain site 2>&1)
$(adit_log gw-a 6)"; fi
}
ID="local_id=b.example"
explained "unknown issuer" "ca=ca peer_id=b.example" "cert=b-other.crt $ID" "unknown issuer" "adit pki import"
explained "another than the pinned" "peer_cert=b-pin peer_id=b.example" "cert=b-good.crt $ID" "the certificate that is pinned here" \
	"import it and pin that one"
explained "not its name" "ca=ca peer_id=c.example" "cert=b-good.crt $ID" "it is b.example; here it is expected to be c.example" \
	"peer_id=b.example"
adit_peer auth=cert psk=none cert=a-ours start=responder
swan_peer
swan gw-b --initiate --child net --timeout 4 >/dev/null 2>&1
if until_ok 40 said_all "authenticates itself by a pre-shared key; here a certificate is expected" "peer_auth=psk"; then
	ok "a key where a certificate is expected"
else bad "method" "$(adit gw-a explain site 2>&1)"; fi
adit_peer auth=cert psk=none cert=a-ours ca=ca peer_id=b.example start=responder
peer_set auth=pubkey cacert=ca.crt cert=b-good.crt $ID
swan gw-b --initiate --child net --timeout 5 >/dev/null 2>&1
expect "and the right one is taken" until_ok 50 is_up gw-a site
lab_done
