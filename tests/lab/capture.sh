#!/bin/bash
# capture: what `adit capture` writes opens in tshark, shows IKE_AUTH without any key, and with
# the keys beside it the encrypted messages decrypt; for root alone, keys only asked for twice.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
start_both

F=$LAB_DIR/cap.pcapng
# capture SECONDS OPTIONS...: of a peer that comes up meanwhile
capture() {
	local seconds=$1 pid; shift
	rm -f "$F" "$F".*
	adit gw-a capture site "$F" --seconds "$seconds" "$@" >"$LAB_DIR/cap.out" 2>&1 & pid=$!
	until_ok 30 test -s "$F"
	adit gw-a up site >/dev/null 2>&1
	until_ok 50 is_up gw-a site
	adit gw-a down site >/dev/null 2>&1
	wait "$pid"
}
shown() { tshark -r "$F" "$@" 2>/dev/null; }
# at_least N NAME FILTER
at_least() {
	local n; n=$(shown "${@:4}" -Y "$3" | wc -l)
	if [ "$n" -ge "$1" ]; then ok "$2: $n"; else bad "$2: $n, not $1" "$(cat "$LAB_DIR/cap.out"; shown | head -20)"; fi
}

swan_peer
adit_peer start=responder
capture 6
[ "$(stat -c %a "$F")" = 600 ] && ok "the file is for root alone" || bad "mode $(stat -c %a "$F")"
at_least 2 "IKE_SA_INIT, both ways" "isakmp.exchangetype==34"
at_least 2 "IKE_AUTH, both ways" "isakmp.exchangetype==35"
at_least 2 "identities can be read, without a key" "isakmp.id.data.ipv4_addr"
at_least 2 "selectors can be read" "isakmp.ts.start_ipv4==10.2.0.0"
at_least 1 "the Delete at the end" "isakmp.exchangetype==37"
out=$(shown -Y "_ws.malformed || _ws.expert.severity>=0x600000")
[ -z "$out" ] && ok "nothing is malformed" || bad "malformed" "$out"
[ -z "$(ls "$F".* 2>/dev/null)" ] && ok "no keys without being asked" || bad "keys were written"
n=$(shown -Y "isakmp.typepayload==46" | wc -l)
[ "$n" = 0 ] && ok "nothing encrypted in it" || bad "$n encrypted messages"

adit_peer start=responder
capture 6 --with-keys site --yes
[ "$(stat -c %a "$F.ikev2_decryption_table")" = 600 ] && ok "the keys are for root alone" || bad "mode of the keys"
at_least 2 "with keys: the encrypted messages, too" "frame.interface_name==\"ike-wire\" && isakmp.typepayload==46"
keys=(); while read -r k; do keys+=(-o "uat:ikev2_decryption_table:$k"); done <"$F.ikev2_decryption_table"
all=$(shown -Y 'frame.interface_name=="ike-wire" && isakmp.exchangetype>=35' | wc -l)
dec=$(shown "${keys[@]}" -Y 'frame.interface_name=="ike-wire" && isakmp.enc.decrypted' | wc -l)
[ "$all" -ge 4 ] && [ "$all" = "$dec" ] && ok "by the keys all $all decrypt" || bad "$dec of $all decrypt" "${keys[*]}"
expect "the log says that somebody captures" grep -q "captured, with the keys" "$(adit_dir gw-a)/log"

expect_not "keys: the name must be right" adit gw-a capture site "$F" --with-keys sites --yes
expect_not "keys: nobody to ask is no yes" sh -c "ip netns exec $(ns gw-a) $LAB_B/adit --config-dir $(adit_dir gw-a)/etc --run-dir $(adit_dir gw-a)/run capture site $F --with-keys site </dev/null"
expect_not "an unknown peer" adit gw-a capture nobody "$F" --seconds 1
ln -s /etc/passwd "$LAB_DIR/link"
expect_not "no link is followed" adit gw-a capture site "$LAB_DIR/link" --seconds 1
# Against another algorithm, and until a number of messages.
swan_peer ike=aes256-sha256-modp2048
adit_peer start=responder ike=aes256-sha256-modp2048
capture 20 --count 4 -q
at_least 4 "--count ends it" isakmp
expect "nobody captures: it is off again" until_ok 60 grep -q "nobody captures any more" "$(adit_dir gw-a)/log"
# IKEv1: Main and Quick mode from inside.
V1='ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048'
# shellcheck disable=SC2086  # lists of words
swan_peer conn=version=1 $V1
# shellcheck disable=SC2086
adit_peer start=responder version=1 $V1
capture 7 --with-keys site --yes
at_least 6 "IKEv1: Main mode" 'frame.interface_name=="ike-inside" && isakmp.exchangetype==2'
at_least 3 "IKEv1: Quick mode" 'frame.interface_name=="ike-inside" && isakmp.exchangetype==32'
out=$(shown -Y 'frame.interface_name=="ike-inside" && isakmp.exchangetype==32' -V)
case $out in *10.2.0.0*) ok "IKEv1: networks can be read" ;; *) bad "IKEv1: networks" "$out" ;; esac
out=$(shown -Y 'frame.interface_name=="ike-inside" && _ws.malformed')
[ -z "$out" ] && ok "IKEv1: nothing is malformed" || bad "IKEv1: malformed" "$out"
grep -q "of IKEv1 none are written" "$LAB_DIR/cap.out" && ok "IKEv1: it says that keys are not written" ||
	bad "IKEv1: keys" "$(cat "$LAB_DIR/cap.out")"
lab_done
