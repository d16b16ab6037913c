#!/bin/bash
# explain: things set up wrong, one at a time, against strongSwan: `adit explain` names the side,
# the setting and the edit, as the one who calls and as the one who is called; and the edit,
# typed as it stands there, brings the tunnel up.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
start_both

said() { adit gw-a explain "$@" 2>&1 | tr '\n' ' ' | tr -s ' '; }
# said_all WORDS...: each is in it.
said_all() {
	local out w; out=$(said site)
	for w; do case $out in *"$w"*) ;; *) return 1 ;; esac; done
}
explained() {	# NAME WORDS...
	local name=$1; shift
	if until_ok "${WAIT:-60}" said_all "$@"; then ok "$name"; else bad "$name: wanted: $*" "$(adit gw-a explain site 2>&1)
$(adit_log gw-a 6)"; fi
}
calls() { swan gw-b --initiate --child net --timeout 4 >/dev/null 2>&1; }
# we_call "ADIT'S" "STRONGSWAN'S"; they_call likewise.
# shellcheck disable=SC2086  # lists of words
we_call() { swan_peer $2; adit_peer $1; }
# shellcheck disable=SC2086
they_call() { adit_peer $1 start=responder; swan_peer $2; calls; }
# fixed NAME: the first command of explain, typed, and called again by the same side.
fixed() {
	local cmd
	cmd=$(adit gw-a explain site --json | jq -r '[.lines[]|select(.kind=="command")][0].text')
	cmd=${cmd#adit } cmd=${cmd#--config-dir * } cmd=${cmd#--run-dir * }
	eval "adit gw-a $cmd" >"$LAB_DIR/fix" 2>&1 || { bad "$1: $cmd" "$(cat "$LAB_DIR/fix")"; return; }
	calls
	if until_ok 100 is_up gw-a site; then ok "$1: the edit brings it up"; else bad "$1: $cmd" "$(both_logs)"; fi
}

# ---- algorithms of IKE
they_call "" "ike=aes256-sha256-modp2048"
explained "called: IKE proposal" "The peer offers AES-256-CBC with HMAC-SHA2-256 and MODP 2048" \
	"ike+=aes256-sha256-modp2048" "IKE group ECP 384 MODP 2048"
fixed "called: IKE proposal"
we_call "" "ike=aes256-sha256-modp2048"
explained "calling: IKE proposal" "takes none of what ike= offers" "adit probe 198.51.100.2"
# strongSwan's INVALID_KE names a group that we lack.
we_call "ike=aes256-sha256-ecp384" "ike=aes256-sha256-modp2048,aes256-sha384-ecp384"
explained "calling: only the hash differs" "takes none of what ike="
# ---- of ESP
they_call "" "esp=aes128-sha512"
explained "called: ESP proposal" "The peer offers AES-128-CBC with HMAC-SHA2-512" "esp+=aes128-sha512"
fixed "called: ESP proposal"
we_call "" "esp=aes128-sha512"
explained "calling: ESP proposal" "takes none of what esp= offers"
# ---- networks
they_call "" "local_ts=10.2.0.0/16 remote_ts=10.77.0.0/24"
explained "called: another network" "The peer has 10.77.0.0/24 behind this router, which is another network" \
	"local_network is 10.1.0.0/24"
they_call "" "local_ts=10.22.0.0/24"
explained "called: their network" "The peer has 10.22.0.0/24 behind itself" "remote_network=10.22.0.0/24"
fixed "called: their network"
they_call "" "local_ts=10.1.0.0/24 remote_ts=10.2.0.0/24"
explained "called: sides swapped" "The two sides are swapped" "local_network=10.2.0.0/24 remote_network=10.1.0.0/24"
we_call "" "local_ts=10.77.0.0/24"
explained "calling: networks" "its local network must be 10.2.0.0/24 and its remote network 10.1.0.0/24"
# ---- keys
they_call "" 'psk="another-key-than-the-other-has"'
explained "called: wrong key" "The pre-shared keys differ. Its identity 198.51.100.2 is right" "--ask-psk"
they_call "" "psk=\"$PSK\\x20\""
they_call "psk=$PSK-" "psk=\"$PSK-\""	# up again: what was kept is gone
until_ok 50 is_up gw-a site
out=$(said site); case $out in *"nothing to explain"*) ok "up: nothing is kept" ;; *) bad "up: $out" ;; esac
they_call "psk=ONE-KEY-for-all" 'psk="one-key-FOR-ALL"'
explained "called: Caps Lock" "upper and lower case, as with Caps Lock on"
expect "the log says it, too" grep -q "Caps Lock" "$(adit_dir gw-a)/log"
they_call "psk=0x616263646566676869" 'psk="0x616263646566676869x"'
explained "called: quite another key" "The pre-shared keys differ."
we_call "" 'psk="another-key-than-the-other-has"'
explained "calling: refused" "does not say why" "1. The pre-shared keys differ." "here local_id is 203.0.113.1"
# ---- identities
they_call "" "local_id=berlin.example"
explained "called: another ID" "The peer says it is berlin.example; here it is expected to be 198.51.100.2" \
	"peer_id=berlin.example"
fixed "called: another ID"
they_call "local_id=a.example" "remote_id=b.example"
explained "called: asks for another" "asks for b.example; this router is a.example" "local_id=b.example"
fixed "called: asks for another"
# ---- nobody there
in_ns inet ip route add blackhole 192.0.2.0/24
we_call "remote_gateway=192.0.2.77" ""
explained "calling: nobody" "Nothing came back from 192.0.2.77, port 500"
we_call "remote_gateway=198.51.100.77" ""
explained "calling: no such host" "198.51.100.77 cannot be reached"
we_call "remote_gateway=203.0.113.254" ""
explained "calling: a host without IPsec" "is there, but nothing listens on its UDP port 500"
we_call "remote_gateway=192.0.2.77" ""
# strongSwan calls meanwhile, and is a stranger.
calls
explained "calling: nobody, but a stranger calls" "Meanwhile 198.51.100.2 calls here" "remote_gateway=198.51.100.2"
out=$(said); case $out in *"198.51.100.2 calls 203.0.113.1 with IKEv2"*"The nearest is site"*) ok "strangers: the nearest peer is named" ;;
*) bad "strangers: $out" ;; esac
# ---- another version
we_call "" "conn=version=1"
explained "calling: the peer has IKEv1 alone" "IKEv1"

# ---- IKEv1
V1='version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048'
S1='ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048 conn=version=1'
they_call "" "$S1"
explained "called: IKEv1, which is not allowed" "version here does not allow that" "version=auto"
they_call "$V1" "${S1/ike=aes256/ike=aes128}"
explained "IKEv1, called: proposal" "The peer offers AES-128-CBC with HMAC-SHA2-256 and MODP 2048" \
	"ike+=aes128-sha256-modp2048"
fixed "IKEv1, called: proposal"
they_call "$V1" "$S1 psk=\"another-key-than-the-other-has\""
explained "IKEv1, called: wrong key" "Most probably the pre-shared keys differ"
we_call "$V1" "$S1 psk=\"another-key-than-the-other-has\""
WAIT=400 explained "IKEv1, calling: wrong key" "Most probably the pre-shared keys differ"
they_call "$V1" "$S1 local_ts=10.22.0.0/24"
explained "IKEv1, called: their network" "The peer has 10.22.0.0/24 behind itself" "remote_network=10.22.0.0/24"
fixed "IKEv1, called: their network"
we_call "$V1" "$S1 local_ts=10.77.0.0/24"
explained "IKEv1, calling: networks" "its local network must be 10.2.0.0/24"

# ---- JSON, and without the daemon
expect "JSON has both sides" sh -c "ip netns exec $(ns gw-a) $LAB_B/adit --config-dir $(adit_dir gw-a)/etc --run-dir $(adit_dir gw-a)/run explain site --json | jq -e '.peers[0].failed.ike_ours|length>2'"
adit_stop gw-a
out=$(said site); case $out in *"adit is not running"*) ok "without the daemon it says so" ;; *) bad "daemon down: $out" ;; esac
expect_not "an unknown peer" adit gw-a explain nobody
lab_done
