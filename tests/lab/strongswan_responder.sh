#!/bin/bash
# strongswan_responder: strongSwan calls adit, with every combination of tests/lab/swan.bash.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
start_both

for c in "${COMBOS[@]}"; do
	IFS='|' read -r name ours theirs to <<<"$c"
	case $name in "another group"*) ours=${ours//ecp256-modp2048/modp2048}
		theirs=${theirs//modp2048/ecp256-modp2048} ;;
	esac
	# shellcheck disable=SC2086  # lists of words
	adit_peer $ours start=responder || { bad "$name"; continue; }
	# shellcheck disable=SC2086
	swan_peer $theirs
	if ! out=$(timeout 20 ip netns exec "$(ns gw-b)" env STRONGSWAN_CONF="$(adit_dir gw-b)/strongswan.conf" \
		swanctl --initiate --child net --uri "unix://$(adit_dir gw-b)/vici" 2>&1); then
		bad "$name: initiate" "$out
$(both_logs)"
		continue
	fi
	case $to in fd*) to=fd01::10 ;; ?*) to=10.11.0.10 ;; esac
	across "$name" host-b "${to:-10.1.0.10}"
done

# Our log says what is wrong, both sides of it.
logged() {	# NAME WORDS...
	local name=$1 w missing=; shift
	: >"$(adit_dir gw-a)/log"
	swan gw-b --initiate --child net --timeout 5 >/dev/null 2>&1
	for w; do until_ok 20 grep -q -- "$w" "$(adit_dir gw-a)/log" || missing+=" $w"; done
	if [ -z "$missing" ]; then ok "$name"; else bad "$name: not in the log:$missing" "$(adit_log gw-a 12)"; fi
}
adit_peer start=responder; swan_peer psk='"another-key-than-the-other-has"'
logged "wrong PSK" "site" "PSK"
adit_peer start=responder; swan_peer ike=aes128-sha256-modp2048
logged "no common IKE proposal" "AES-256-GCM" "AES-128-CBC" "MODP 2048"
adit_peer start=responder; swan_peer esp=aes128-sha512
logged "no common ESP proposal" "AES-256-GCM" "AES-128-CBC" "SHA2-512"
adit_peer start=responder; swan_peer local_ts=10.77.0.0/24
logged "no common network" "10.77.0.0/24" "10.2.0.0/24"
adit_peer start=responder peer_id=someone.example; swan_peer
logged "another ID than expected" "someone.example" "198.51.100.2"
lab_done
