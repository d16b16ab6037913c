#!/bin/bash
# probe: what `adit probe` finds out of strongSwan and of adit is what they are set to, gently,
# as root and as nobody; and --save makes a peer that comes up.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
start_both "block_threshold = 50"

P=$LAB_DIR/probe.json
probe() { adit gw-a probe "$B4" --json -q "$@" >"$P" 2>"$LAB_DIR/probe.err"; }
# found NAME FILTER WANTED
found() {
	local got; got=$(jq -c "$2" "$P" 2>&1)
	if [ "$got" = "$3" ]; then ok "$1"; else bad "$1: $got, not $3" "$(cat "$P" "$LAB_DIR/probe.err")"; fi
}

swan_peer ike=aes256-aes128-sha256-modp2048-ecp256,aes128gcm16-prfsha384-x25519
probe
found "ciphers" .ikev2.encryption '["aes128gcm16","aes256","aes128"]'
found "integrity" .ikev2.integrity '["sha256"]'
found "PRFs" .ikev2.prf '["sha256","sha384"]'
found "groups" .ikev2.groups '["x25519","ecp256","modp2048"]'
found "everything was asked for" .ikev2.complete true
found "one of them was agreed on" .ikev2.agreed '"aes128gcm16-sha384-x25519"'
found "it is seen on port 4500" .natt_answers true
found "no IKEv1" '.ikev1.transforms|length' 0
found "gently: at most 44 packets" '.sent<=44' true
# Half-open IKE SAs would be in the way of the next call: charon refuses the sixth.
n=$(swan gw-b --stats 2>/dev/null | grep -oE '[0-9]+ half-open' | cut -d' ' -f1)
[ "${n:-9}" -le 2 ] && ok "little is left half-open: $n" || bad "half-open: $n"

swan_peer conn="version=1" ike=aes128-sha1-modp1536,3des-sha1-modp1024
probe
found "IKEv1: transforms" '[.ikev1.transforms[].suite]' '["aes128-sha1-modp1536","3des-sha1-modp1024"]'
found "IKEv1: vendor IDs" '.vendors|index("DPD (RFC 3706)")!=null' true
found "IKEv2 takes nothing" .ikev2.groups '[]'
out=$(adit gw-a probe "$B4" 2>&1)
case $out in *"adit peer set PEER ike=aes128-sha1-modp1536 version=1 allow_weak+=sha1,modp1536"*) ok "in words: the settings that fit" ;;
*) bad "in words" "$out" ;; esac

out=$(in_ns gw-a "$LAB_B/adit" probe "$B4" --port 501 2>&1) && bad "nobody answered, and that is no success"
case $out in *"nothing listens on that port"*"does not answer"*) ok "a closed port" ;; *) bad "a closed port" "$out" ;; esac
out=$(in_ns gw-a setpriv --reuid 65534 --regid 65534 --clear-groups "$LAB_B/adit" probe "$B4" --port 501 2>&1)
case $out in *"nothing listens on that port"*) ok "as nobody" ;; *) bad "as nobody" "$out" ;; esac
expect_not "a name that is none" adit gw-a probe no-such-host.invalid

swan_peer ike=aes256-sha384-modp3072
adit_peer start=responder
out=$(adit gw-a probe "$B4" --save site 2>&1) || bad "--save" "$out"
adit gw-a up site >/dev/null 2>&1
expect "--save: the peer comes up with what was found" until_ok 100 is_up gw-a site

# adit, asked by another.
adit_peer ike=aes256-sha384-ecp384,aes256gcm16-sha512-x25519 start=responder
in_ns gw-b "$LAB_B/adit" probe "$A4" --json -q >"$P"
found "adit: ciphers" .ikev2.encryption '["aes256gcm16","aes256"]'
found "adit: groups" .ikev2.groups '["x25519","ecp384"]'
found "adit: nothing but IKEv2" .ikev1.aggressive null
lab_done
