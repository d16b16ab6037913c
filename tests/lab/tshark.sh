#!/bin/bash
# tshark: a whole life, rekeys of both kinds from both sides included, against strongSwan, as
# another's decoder reads it: every message decrypts, none is malformed or complained about.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
# At this level, and in this log alone, charon writes its keys down.
KEYS=$LAB_DIR/keys
start_both "filelog {
	keys { path = $KEYS
		append = no
		flush_line = yes
		default = -1
		ike = 4 }
}"

ike_spi() { swan gw-b --list-sas --raw | grep -oE 'initiator-spi=[0-9a-f]+' | head -1; }
esp_spi() { swan gw-b --list-sas --raw | grep -oE 'spi-in=[0-9a-f]+' | tail -1; }
changed() { [ -n "$($1)" ] && [ "$($1)" != "$2" ]; }

# a life IKE ESP: what both are to agree on
life() {
	local before
	swan_peer ike="$1" esp="$2"
	adit_peer ike="$3" esp="$2"
	across "$1: up"
	before=$(esp_spi); swan gw-b --rekey --child net >/dev/null
	expect "$1: strongSwan rekeyed the child" until_ok 50 changed esp_spi "$before"
	before=$(ike_spi); swan gw-b --rekey --ike site >/dev/null
	expect "$1: strongSwan rekeyed the IKE SA" until_ok 50 changed ike_spi "$before"
	adit_peer ike="$3" esp="$2" dpd_delay=2 esp_life=16s ike_life=20s rekey_margin=8s
	across "$1: up, short lives"
	before=$(esp_spi)
	expect "$1: adit rekeyed the child" until_ok 200 changed esp_spi "$before"
	before=$(ike_spi)
	expect "$1: adit rekeyed the IKE SA" until_ok 250 changed ike_spi "$before"
	adit gw-a down site >/dev/null; sleep 0.5
}

# record NAME IKE-OF-SWAN ESP IKE-OF-ADIT CIPHER INTEGRITY: a life and its capture; then all
# that tshark has to say about it.
record() {
	local name=$1 pcap=$LAB_DIR/$1.pcap dump keys=() all decrypted out
	: >"$KEYS"
	bg inet tcpdump --immediate-mode -U -ni b0 -w "$pcap" 'udp port 500 or udp port 4500' 2>/dev/null; dump=$BG
	until_ok 30 test -s "$pcap"
	life "$2" "$3" "$4"
	kill "$dump"; wait "$dump" 2>/dev/null
	while read -r k; do keys+=(-o "uat:ikev2_decryption_table:$k"); done < \
		<(/usr/bin/python3 tests/lab/ikekeys.py "$KEYS" "$pcap" "$5" "$6")
	all=$(tshark -r "$pcap" -Y 'isakmp.exchangetype>=35' 2>/dev/null | wc -l)
	decrypted=$(tshark -r "$pcap" "${keys[@]}" -Y isakmp.enc.decrypted 2>/dev/null | wc -l)
	[ "$all" -ge 16 ] && [ "$all" = "$decrypted" ] && ok "$name: all $all messages decrypt" ||
		bad "$name: $decrypted of $all messages decrypt" "${keys[*]}"
	for x in 35 36 37; do
		[ "$(tshark -r "$pcap" -Y "isakmp.exchangetype==$x && ip.src==$A4" 2>/dev/null | wc -l)" -ge 2 ] ||
			bad "$name: exchange $x was not seen"
	done
	# 0x400000: a note; chat below it is no complaint.
	out=$(tshark -r "$pcap" "${keys[@]}" -Y "ip.src==$A4 && isakmp && (_ws.malformed || _ws.expert.severity>=0x400000)" \
		-T fields -e frame.number -e isakmp.exchangetype -e _ws.expert.message 2>&1 | grep -v '^Running as')
	[ -z "$out" ] && ok "$name: nothing to complain about" || bad "$name: tshark complains" "$out"
	out=$(tshark -r "$pcap" "${keys[@]}" -Y "ip.src==$A4 && isakmp" -V 2>/dev/null |
		grep -iE 'malformed|expert info|\[truncated|unknown|bogus|invalid|incorrect|not present' | sort | uniq -c)
	[ -z "$out" ] && ok "$name: -V reads clean" || bad "$name: -V has words" "$out"
}

record gcm aes256gcm16-prfsha384-ecp384 aes256gcm16-ecp384 aes256gcm16-sha384-ecp384 \
	"AES-GCM-256 with 16 octet ICV [RFC5282]" "NONE [RFC4306]"
record cbc aes256-sha256-modp2048 aes128-sha256-modp2048 aes256-sha256-modp2048 \
	"AES-CBC-256 [RFC3602]" "HMAC_SHA2_256_128 [RFC4868]"
lab_done
