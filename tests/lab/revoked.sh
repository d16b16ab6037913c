#!/bin/bash
# revoked: a peer whose certificate is revoked while its tunnel stands loses it within a minute; one
# that is not keeps it, without losing a packet.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
# shellcheck source=tests/lab/certs.bash
. tests/lab/certs.bash
lab_offices
certs_ca ca p256; certs_end a-gw p256 ca DNS:a.example; certs_end b-gw p256 ca DNS:b.example
certs_end other p256 ca DNS:c.example
for n in gw-a gw-b; do
	d=$(adit_dir $n)/etc/pki; adit_conf $n; mkdir -p "$d"; chmod 700 "$d"
	cp "$CERTS/ca.crt" "$d/"; cp "$CERTS/${n#gw-}-gw.crt" "$d/gw.crt"; cp "$CERTS/${n#gw-}-gw.key" "$d/gw.key"
done
adit_start gw-a; adit_start gw-b
adit gw-b peer add main auth=cert cert=gw local_ip=198.51.100.2 remote_gateway=203.0.113.1 start=responder \
	local_network=10.2.0.0/24 remote_network=10.1.0.0/24 peer_id=a.example local_id=b.example >/dev/null
adit gw-a peer add branch auth=cert cert=gw local_ip=203.0.113.1 remote_gateway=198.51.100.2 \
	local_network=10.1.0.0/24 remote_network=10.2.0.0/24 peer_id=b.example local_id=a.example >/dev/null
across "up, by certificates"

crl() { certs_crl ca "$@"; cp "$CERTS/ca.crl" "$(adit_dir gw-b)/etc/pki/ca.crl"; adit gw-b reload >/dev/null; }
proven() { [ "$(grep -c 'main: established' "$(adit_dir gw-b)/log")" -ge "$1" ]; }
in_ns host-a ping -n -i 0.05 -c 120 10.2.0.10 >"$LAB_DIR/ping" 2>&1 & ping=$!
crl other
expect "somebody else is revoked: proven anew" until_ok 80 proven 2
wait $ping
if grep -q ' 0% packet loss' "$LAB_DIR/ping"; then ok "without losing a packet"; else
	bad "lost: $(grep loss "$LAB_DIR/ping")" "$(pair_logs)"; fi

down() { ! is_up gw-b main; }
crl other a-gw
expect "the peer is revoked: it is cut" until_ok 750 down
expect "the log says why" grep -q 'a-gw was revoked' "$(adit_dir gw-b)/log"
not_across "and nothing crosses"
lab_done
