#!/bin/bash
# pki: two offices that know each other by certificates, from the first `adit pki ca` to the day
# one is revoked; keys and certificates reach the daemon's processes at start, at reload, and
# again when one of them was killed.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash

lab_offices
adit_conf gw-a; adit_conf gw-b
W=$LAB_DIR/work; mkdir -p "$W"
says() { if grep -qF -- "$2" "$W/out"; then ok "$1"; else bad "$1" "$(cat "$W/out")"; fi; }
do_ok() {	# NAME NS WORD...
	local name=$1; shift
	if adit "$@" >"$W/out" 2>&1; then ok "$name"; else bad "$name" "$(cat "$W/out")"; fi
}
do_fails() {
	local name=$1; shift
	if adit "$@" >"$W/out" 2>&1; then bad "$name" "$(cat "$W/out")"; else ok "$name"; fi
}
etc() { printf '%s/etc/pki' "$(adit_dir "$1")"; }

# --- the CA is at a; b's key never leaves b
do_ok "a CA" gw-a pki ca acme subject="O=Acme, CN=Acme CA"
do_ok "a's certificate" gw-a pki issue gw ca=acme san=a.example type=rsa2048
do_ok "b's request" gw-b pki csr gw subject="O=Acme, CN=b" san=b.example
adit gw-b pki export gw "$W/b.csr" >/dev/null
do_ok "a signs it" gw-a pki sign "$W/b.csr" b ca=acme days=20
adit gw-a pki export b "$W/b.crt" >/dev/null
adit gw-a pki export acme "$W/acme.crt" >/dev/null
do_ok "b takes it back" gw-b pki import "$W/b.crt"
says "it finds its place" "The certificate gw is stored with the key"
do_ok "and the CA" gw-b pki import "$W/acme.crt" acme

peer() { printf '%s\n' auth=cert peer_auth=cert cert=gw ca=acme dpd_delay=5 "$@"; }
mapfile -t A < <(peer local_id=a.example peer_id=b.example start=responder)
mapfile -t B < <(peer local_id=b.example peer_id=a.example)
do_ok "a's peer" gw-a peer add branch local_ip=203.0.113.1 remote_gateway=198.51.100.2 \
	local_network=10.1.0.0/24 remote_network=10.2.0.0/24 "${A[@]}"
do_ok "b's peer" gw-b peer add main local_ip=198.51.100.2 remote_gateway=203.0.113.1 \
	local_network=10.2.0.0/24 remote_network=10.1.0.0/24 "${B[@]}"
adit_start gw-a; adit_start gw-b
if until_ok 20 is_up gw-b main; then ok "the tunnel is up"; else bad "the tunnel is up" "$(pair_logs)"; fi
across "a ping"
adit gw-a status --json >"$W/out"
adit gw-b status >"$W/out" 2>&1
says "status warns of the certificate" "the certificate gw expires in 20 days"

# --- a process is killed: it gets what it had
again() {	# NAME
	adit gw-b down main >/dev/null 2>&1
	if adit gw-b --timeout 20 up main >"$W/out" 2>&1; then ok "$1"; else bad "$1" "$(cat "$W/out"; pair_logs)"; fi
}
kill "$(child_of gw-a vaultd)"; sleep 1
again "vaultd of a was killed: the key is there again"
kill "$(child_of gw-a iked)"; sleep 1
until_ok 10 adit gw-a status >/dev/null 2>&1
again "iked of a was killed: the certificates are there again"

# --- another certificate, another key, while it runs
adit gw-a pki issue gw2 ca=acme san=a.example type=ecdsa384 >/dev/null 2>&1
do_ok "a new certificate" gw-a peer set branch cert=gw2
again "with the new one"
cp "$(etc gw-a)/gw2.crt" "$W/gw2.crt"; cp -p "$(etc gw-a)/gw2.key" "$W/gw2.key"
rm "$(etc gw-a)/gw2.key"
adit gw-a reload >"$W/out" 2>&1
says "a reload sees that a key is gone" "1 certificate or key changed"
adit gw-b down main >/dev/null 2>&1
do_fails "without its key a cannot answer" gw-b --timeout 10 up main
cp -p "$W/gw2.key" "$(etc gw-a)/gw2.key"; chmod 644 "$(etc gw-a)/gw2.key"
adit gw-a reload >"$W/out" 2>&1
if until_ok 20 grep -q "gw2.key: others may read it" "$(adit_dir gw-a)/log"; then ok "a key that others may read is not used"; else
	bad "a key that others may read is not used" "$(pair_logs)"; fi
chmod 600 "$(etc gw-a)/gw2.key"; adit gw-a reload >/dev/null
again "after chmod it is"

# --- revoked
do_ok "strict" gw-a peer set branch crl=strict
adit gw-b down main >/dev/null 2>&1
do_fails "without a CRL strict means no" gw-b --timeout 10 up main
do_ok "a CRL" gw-a pki crl acme "$W/acme.crl"
again "with a CRL"
do_ok "b is revoked" gw-a pki revoke b reason=keyCompromise --yes
adit gw-b down main >/dev/null 2>&1
do_fails "b is refused" gw-b --timeout 10 up main
if until_ok 20 grep -q "CN=b was revoked on .*key compromised" "$(adit_dir gw-a)/log"; then ok "a says why"; else bad "a says why" "$(pair_logs)"; fi
do_ok "lenient follows a list that is there" gw-a peer set branch crl=lenient
do_fails "still refused" gw-b --timeout 10 up main
do_ok "off" gw-a peer set branch crl=off
again "without revocation it is as before"

# --- pinned instead of a CA
do_ok "pinned at a" gw-a peer set branch ca= peer_cert=b
again "a pinned certificate"
adit gw-b pki issue other ca=acme >/dev/null 2>&1
adit gw-b pki ca selfmade subject=b >/dev/null 2>&1
do_ok "another one at b" gw-b peer set main cert=selfmade local_id=
adit gw-b down main >/dev/null 2>&1
do_fails "is refused" gw-b --timeout 10 up main

# --- no CA at all: each signs itself, and the other pins it
adit gw-b pki issue alone ca=alone san=b.example >/dev/null 2>&1
adit gw-b pki export alone "$W/alone.crt" >/dev/null
do_ok "a takes b's own certificate" gw-a pki import "$W/alone.crt" b-alone
do_ok "a pins it" gw-a peer set branch peer_cert=b-alone
do_ok "b shows it" gw-b peer set main cert=alone local_id=b.example
again "pinned, without a CA"
lab_done
