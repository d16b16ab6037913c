#!/bin/bash
# strongswan_initiator: adit calls strongSwan, with every combination of tests/lab/swan.bash.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
start_both

for c in "${COMBOS[@]}"; do
	IFS='|' read -r name ours theirs to <<<"$c"
	# shellcheck disable=SC2086  # lists of words
	swan_peer $theirs
	# shellcheck disable=SC2086
	adit_peer $ours start=responder || { bad "$name"; continue; }
	if ! out=$(adit gw-a up site 2>&1); then
		bad "$name: up" "$out
$(both_logs)"
		continue
	fi
	across "$name" host-a "${to:-10.2.0.10}"
done

# What cannot work says why, in words, on our side.
says() {	# NAME WORDS
	local out
	out=$(adit gw-a --timeout 15 up site 2>&1)
	if [[ $out == *"$2"* ]]; then ok "$1"; else bad "$1" "$out"; fi
}
swan_peer; adit_peer psk=another-key-than-the-other-has start=responder
says "wrong PSK" "AUTHENTICATION_FAILED"
swan_peer ike=aes128-sha256-modp2048; adit_peer start=responder
says "no common IKE proposal" "NO_PROPOSAL_CHOSEN"
swan_peer esp=aes128-sha512; adit_peer start=responder
says "no common ESP proposal" "NO_PROPOSAL_CHOSEN"
swan_peer local_ts=10.77.0.0/24; adit_peer start=responder
says "no common network" "TS_UNACCEPTABLE"
swan_peer; adit_peer peer_id=someone.example start=responder
says "another ID than expected" "someone.example"
lab_done
