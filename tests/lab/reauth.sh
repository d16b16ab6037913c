#!/bin/bash
# reauth: two adits prove anew who they are, by certificates that do not fit in one packet, while a
# ping runs: none is lost, whichever side wants it; and adit test beside it.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
PKI=tests/exchange/pki

# gate NS CERT: CERT and its key, and the CA, into pki/.
gate() {
	local d; d=$(adit_dir "$1")/etc/pki
	adit_conf "$1"; mkdir -p "$d"; chmod 700 "$d"
	cp "$PKI/$2.pem" "$d/gw.crt"; cp "$PKI/$2.key.pem" "$d/gw.key"; cp "$PKI/root.pem" "$d/office-ca.crt"
	chmod 600 "$d/gw.key"
}
gate gw-a a4096; gate gw-b b4096
adit_start gw-a; adit_start gw-b

# peers SETTINGS-OF-A... -- SETTINGS-OF-B...
peers() {
	local a=(auth=cert cert=gw ca=office-ca local_id=a.example peer_id=b.example local_ip=203.0.113.1
		remote_gateway=198.51.100.2 local_network=10.1.0.0/24 remote_network=10.2.0.0/24)
	local b=(auth=cert cert=gw ca=office-ca local_id=b.example peer_id=a.example local_ip=198.51.100.2
		remote_gateway=203.0.113.1 local_network=10.2.0.0/24 remote_network=10.1.0.0/24 start=responder)
	while [ "$1" != -- ]; do a+=("$1"); shift; done; shift
	b+=("$@")
	adit gw-a peer delete branch --yes >/dev/null 2>&1; adit gw-b peer delete main --yes >/dev/null 2>&1
	adit gw-b peer add main "${b[@]}" >"$LAB_DIR/add" 2>&1 && adit gw-a peer add branch "${a[@]}" >>"$LAB_DIR/add" 2>&1 ||
		bad "the peers are made" "$(cat "$LAB_DIR/add")"
}
established() { grep -c 'branch: established' "$(adit_dir gw-a)/log"; }
again() { [ "$(established)" -gt "$1" ]; }

for who in gw-a gw-b; do
	if [ $who = gw-a ]; then peers reauth=10s --; else peers -- reauth=10s; fi
	across "$who wants it: up, by certificates of 5 kB" || continue
	before=$(established)
	in_ns host-a ping -n -i 0.05 -c 320 10.2.0.10 >"$LAB_DIR/ping" 2>&1 & ping=$!
	expect "$who wants it: proven anew" until_ok 200 again "$before"
	expect "$who wants it: adit test meanwhile" adit gw-a test branch
	wait $ping
	if grep -q ' 0% packet loss' "$LAB_DIR/ping"; then ok "$who wants it: no packet lost"; else
		bad "$who wants it: $(grep loss "$LAB_DIR/ping")" "$(pair_logs)"; fi
done
expect "nothing of it is left but one tunnel" until_ok 100 children_up gw-b main 1

# What the other side does not trust is found without touching its tunnel, and said.
mkdir -p "$(adit_dir gw-a)/etc/pki"
cp "$PKI/stranger.pem" "$(adit_dir gw-a)/etc/pki/gw.crt"; cp "$PKI/stranger.key.pem" "$(adit_dir gw-a)/etc/pki/gw.key"
peers start=responder --
out=$(adit gw-a test branch 2>&1) && bad "adit test with a certificate of another CA" "$out"
[[ $out == *"does not accept our certificate"* ]] && ok "adit test with a certificate of another CA says so" ||
	bad "adit test with a certificate of another CA says so" "$out"
lab_done
