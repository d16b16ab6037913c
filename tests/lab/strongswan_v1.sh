#!/bin/bash
# strongswan_v1: IKEv1 with strongSwan, both roles: Main and Aggressive mode with a pre-shared
# key, old and new algorithms, PFS, NAT traversal, several networks, rekeys of both phases from
# both sides, Deletes, DPD, and what goes wrong.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
start_both "i_dont_care_about_security_and_use_aggressive_mode_psk = yes
max_ikev1_exchanges = 20"

V1=(version=1 ike=aes256-sha256-modp2048 esp=aes256-sha256-modp2048)

# NAME|adit's settings|strongSwan's|host that is called
V1_COMBOS=(
"main, modp2048, PFS||"
"main, ecp256, gcm|ike=aes128-sha256-ecp256 esp=aes128gcm16-ecp256|ike=aes128-sha256-ecp256 esp=aes128gcm16-ecp256"
"main, no PFS, sha512|ike=aes256-sha512-ecp384 esp=aes256-sha512|ike=aes256-sha512-ecp384 esp=aes256-sha512"
"main, ecp521, sha384|ike=aes192-sha384-ecp521 esp=aes192-sha384|ike=aes192-sha384-ecp521 esp=aes192-sha384"
"main, modp4096|ike=aes256-sha256-modp4096 esp=aes256-sha256-modp4096|ike=aes256-sha256-modp4096 esp=aes256-sha256-modp4096"
"main, names as identities|local_id=a.example peer_id=b.example|local_id=b.example remote_id=a.example"
"main, weak: 3des sha1 modp1024|ike=3des-sha1-modp1024 esp=3des-sha1 allow_weak=3des,sha1,modp1024|ike=3des-sha1-modp1024 esp=3des-sha1"
"main, weak: md5 modp1536|ike=aes128-md5-modp1536 esp=aes128-md5-modp1536 allow_weak=md5,modp1536|ike=aes128-md5-modp1536 esp=aes128-md5-modp1536"
"main, second of two proposals|ike=aes256-sha512-ecp384,aes128-sha256-modp2048 esp=aes256-sha512-modp2048,aes128-sha256-modp2048|ike=aes128-sha256-modp2048 esp=aes128-sha256-modp2048"
"aggressive|exchange=aggressive allow_weak=aggressive local_id=a.example peer_id=b.example|aggressive=yes local_id=b.example remote_id=a.example"
"main, ctr in ESP|esp=aes128ctr-sha256 ike=aes256-sha256-modp2048|esp=aes128ctr-sha256 ike=aes256-sha256-modp2048"
"main, no encryption in ESP|esp=null-sha512 allow_weak=null ike=aes256-sha256-modp2048|esp=null-sha512 ike=aes256-sha256-modp2048"
"aggressive, weak: 3des md5 modp1024|exchange=aggressive allow_weak=aggressive,3des,md5,modp1024 ike=3des-md5-modp1024 esp=3des-md5|aggressive=yes ike=3des-md5-modp1024 esp=3des-md5"
"fragments|ike=aes256-sha256-modp4096 fragmentation=force fragment_size=576|ike=aes256-sha256-modp4096 fragment=force"
"IPv6 in IPv4|local_network=fd01::/64 remote_network=fd02::/64|local_ts=fd02::/64 remote_ts=fd01::/64|fd02::10"
"IPv4 in IPv6|local_ip=$A6 remote_gateway=$B6|local=$B6 remote=$A6"
)

# strongSwan's side: aggressive= and fragment= go into the connection.
swan_v1() {
	local args=() conn='' kv
	for kv; do
		case $kv in
		aggressive=*) conn+="aggressive = ${kv#*=}
" ;;
		fragment=*) conn+="fragmentation = ${kv#*=}
" ;;
		conn=*) conn+="${kv#conn=}
" ;;
		*) args+=("$kv") ;;
		esac
	done
	swan_peer "${V1[@]}" "${args[@]}" conn="$conn"
}
adit_v1() { adit_peer "${V1[@]}" "$@"; }

for c in "${V1_COMBOS[@]}"; do
	IFS='|' read -r name ours theirs to <<<"$c"
	# shellcheck disable=SC2086  # lists of words
	swan_v1 $theirs
	# shellcheck disable=SC2086
	adit_v1 $ours start=responder || { bad "$name"; continue; }
	if ! out=$(adit gw-a up site 2>&1); then
		bad "calling: $name: up" "$out
$(both_logs)"
	else
		across "calling: $name" host-a "${to:-10.2.0.10}"
	fi
	adit gw-a down site >/dev/null 2>&1
	adit gw-a peer delete site --yes >/dev/null 2>&1
	# shellcheck disable=SC2086
	adit_v1 $ours start=responder
	sleep 0.3
	if ! out=$(swan gw-b --initiate --child net --timeout 10 2>&1); then
		bad "called: $name: up" "$out
$(both_logs)"
	else
		across "called: $name" host-a "${to:-10.2.0.10}"
	fi
done

# ---- several networks: one Quick mode each; strongSwan has a child for each pair

swan_two() {
	swan gw-b --terminate --ike site --force --timeout 1 >/dev/null 2>&1
	swan_conf gw-b <<-END
	connections {
		site {
			version = 1
			local_addrs = $B4
			remote_addrs = $A4
			proposals = aes256-sha256-modp2048
			local { auth = psk }
			remote { auth = psk }
			children {
				one { local_ts = 10.2.0.0/24
					remote_ts = 10.1.0.0/24
					esp_proposals = aes256-sha256-modp2048 }
				two { local_ts = 10.22.0.0/24
					remote_ts = 10.1.0.0/24
					esp_proposals = aes256-sha256-modp2048 }
			}
		}
	}
	secrets { ike-site { secret = "$PSK" } }
	END
}
swan_two
adit_v1 remote_network=10.2.0.0/24,10.22.0.0/24 start=responder
expect "several networks: up" adit gw-a up site
across "several networks: the first" host-a 10.2.0.10
across "several networks: the second" host-a 10.22.0.10
swan_two
adit_v1 remote_network=10.2.0.0/24,10.22.0.0/24 start=responder
sleep 0.3
expect "several networks, called" swan gw-b --initiate --child one --timeout 10
expect "several networks, called twice" swan gw-b --initiate --child two --timeout 10
across "several networks, called: the first" host-a 10.2.0.10
across "several networks, called: the second" host-a 10.22.0.10

# ---- rekeys

ike_spi() { swan gw-b --list-sas --raw | grep -oE 'initiator-spi=[0-9a-f]+' | tail -1; }
esp_spi() { swan gw-b --list-sas --raw | grep -oE 'spi-in=[0-9a-f]+' | tail -1; }
changed() { [ -n "$($1)" ] && [ "$($1)" != "$2" ]; }
one_of_each() {
	[ "$(swan gw-b --list-sas | grep -c ESTABLISHED)" = 1 ] &&
		[ "$(swan gw-b --list-sas | grep -c INSTALLED)" = 1 ]
}
# no_loss NAME COMMAND...: pings all the while; none is lost.
no_loss() {
	local name=$1 out; shift
	in_ns host-a ping -n -i 0.1 -c 60 -W 2 10.2.0.10 >"$LAB_DIR/ping" 2>&1 &
	local pinger=$!
	LAB_PIDS+=("$pinger")
	sleep 1
	if ! out=$("$@" 2>&1); then bad "$name" "$out"; fi
	wait "$pinger"
	if grep -q ' 60 received' "$LAB_DIR/ping"; then ok "$name"; else bad "$name" "$(tail -3 "$LAB_DIR/ping")
$(both_logs)"; fi
}
swan_v1
adit_v1 start=responder
expect "before the rekeys: up" adit gw-a up site
across "before the rekeys" host-a
before=$(esp_spi)
no_loss "strongSwan rekeys the child: nothing is lost" swan gw-b --rekey --child net
expect "the child has new SPIs" changed esp_spi "$before"
before=$(ike_spi)
no_loss "strongSwan makes phase 1 anew: nothing is lost" swan gw-b --rekey --ike site --reauth
expect "phase 1 has new cookies" until_ok 150 changed ike_spi "$before"
across "after both" host-a

# Short lives here: this side begins, both phases.
swan_v1
adit_v1 start=start esp_life=16s rekey_margin=8s
across "with a short ESP life" host-a
before=$(esp_spi)
no_loss "this side rekeys the child: nothing is lost" until_ok 150 changed esp_spi "$before"
expect "the child has new SPIs (ours)" changed esp_spi "$before"
adit_v1 start=start ike_life=16s rekey_margin=8s
across "with a short IKE life" host-a
before=$(ike_spi)
no_loss "this side makes phase 1 anew: nothing is lost" until_ok 150 changed ike_spi "$before"
expect "phase 1 has new cookies (ours)" changed ike_spi "$before"
adit_v1 start=start
across "with long lives again" host-a
expect "one phase 1 and one child are left" until_ok 150 one_of_each

# ---- Deletes and DPD

swan_v1 conn="dpd_delay = 2s"
adit_v1 start=responder dpd_delay=5s
expect "dpd: up" adit gw-a up site
across "dpd: works" host-a
sleep 8
expect "dpd: quiet tunnels stay" is_up gw-a site
swan gw-b --terminate --ike site --timeout 5 >/dev/null 2>&1
expect "the peer's Delete is heard" until_ok 50 eval '! is_up gw-a site'
expect "up again" adit gw-a up site
adit gw-a down site >/dev/null 2>&1
expect "our Delete is heard" until_ok 30 eval '! swan gw-b --list-sas | grep -q ESTABLISHED'

# ---- what goes wrong, in words

says() {	# NAME WORDS
	local out
	out=$(adit gw-a --timeout 45 up site 2>&1)
	if [[ $out == *"$2"* ]]; then ok "$1"; else bad "$1" "$out"; fi
}
swan_v1; adit_v1 psk=another-key-than-the-other-has start=responder
says "wrong PSK, calling" "probably the pre-shared key differs"
swan_v1 ike=aes128-sha256-modp2048; adit_v1 start=responder
says "no common IKE proposal" "NO_PROPOSAL_CHOSEN"
swan_v1 esp=aes128-sha512; adit_v1 start=responder
says "no common ESP proposal" "NO_PROPOSAL_CHOSEN"
swan_v1 esp=aes256-sha256-modp4096; adit_v1 start=responder
says "another PFS group" "PFS"
swan_v1 local_ts=10.77.0.0/24; adit_v1 start=responder
says "no common network" "INVALID_ID_INFORMATION"
swan_v1; adit_v1 peer_id=someone.example start=responder
says "another ID than expected" "someone.example"
swan_v1 psk='"not-the-same-key"'; adit_v1 start=responder
swan gw-b --initiate --child net --timeout 2 >/dev/null 2>&1
until_ok 20 eval "adit gw-a status site | grep -q 'probably the pre-shared key differs'"
if adit_log gw-a 200 | grep -q "does not decrypt: probably the pre-shared key differs"; then
	ok "wrong PSK, called"
else
	bad "wrong PSK, called" "$(adit_log gw-a 30)"
fi
lab_done
