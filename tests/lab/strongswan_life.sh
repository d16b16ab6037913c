#!/bin/bash
# strongswan_life: rekey of both kinds from both sides, dead peer, restarts, against strongSwan.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/swan.bash
. tests/lab/swan.bash
start_both

ike_spi() { swan gw-b --list-sas --raw | grep -oE 'initiator-spi=[0-9a-f]+' | head -1; }
esp_spi() { swan gw-b --list-sas --raw | grep -oE 'spi-in=[0-9a-f]+' | tail -1; }
changed() { [ -n "$($1)" ] && [ "$($1)" != "$2" ]; }
one_of_each() {
	[ "$(swan gw-b --list-sas | grep -c ESTABLISHED)" = 1 ] &&
		[ "$(swan gw-b --list-sas | grep -c INSTALLED)" = 1 ]
}
# steady NAME COMMAND...: a ping every 0.1 s loses nothing while the command runs.
steady() {
	local name=$1 out; shift
	bg host-a ping -n -i 0.1 -W 1 10.2.0.10 >"$LAB_DIR/ping" 2>&1
	sleep 0.5; "$@" >/dev/null; sleep 1
	kill -INT $BG; wait $BG 2>/dev/null
	out=$(grep 'packets transmitted' "$LAB_DIR/ping")
	if [[ $out == *" 0% packet loss"* ]]; then ok "$name: no ping lost"; else bad "$name: pings lost" "$out
$(both_logs)"; fi
}

swan_peer; adit_peer
across "up by itself (start = start)"

before=$(esp_spi)
steady "strongSwan rekeys the child" swan gw-b --rekey --child net
expect "the child has new SPIs" changed esp_spi "$before"
before=$(ike_spi)
steady "strongSwan rekeys the IKE SA" swan gw-b --rekey --ike site
expect "the IKE SA has new SPIs" changed ike_spi "$before"
before=$(esp_spi)
swan gw-b --rekey --child net >/dev/null
expect "and the child still rekeys after it" until_ok 30 changed esp_spi "$before"
expect "one IKE SA and one child are left" until_ok 80 one_of_each

# From our side, by lifetimes.
adit_peer esp_life=16s rekey_margin=8s
across "with a short ESP life"
before=$(esp_spi)
steady "adit rekeys the child" until_ok 300 changed esp_spi "$before"
expect "the child has new SPIs (ours)" changed esp_spi "$before"
adit_peer ike_life=16s rekey_margin=8s
across "with a short IKE life"
before=$(ike_spi)
steady "adit rekeys the IKE SA" until_ok 300 changed ike_spi "$before"
expect "the IKE SA has new SPIs (ours)" changed ike_spi "$before"
expect "one IKE SA and one child are left (ours)" until_ok 80 one_of_each

# Restarts of either side.
adit_peer
across "before the restarts"
adit gw-a restart >/dev/null
across "adit restarted its processes"
adit_stop gw-a; adit_start gw-a
across "aditd was stopped and started"
expect "strongSwan has one IKE SA" until_ok 50 one_of_each
charon_stop gw-b; charon_start gw-b; swan gw-b --load-all >/dev/null 2>&1
until_ok 200 is_up gw-a site
across "strongSwan was stopped and started"

# A peer that dies without a word is noticed, and called again when it is back.
adit_peer dpd_delay=2 dpd_action=restart
across "before the peer dies"
kill -9 "$(pgrep -P "$CHARON_PID_gw_b" charon || echo "$CHARON_PID_gw_b")" 2>/dev/null
sleep 0.5
not_up() { ! is_up gw-a site; }
# 2 s of silence, then the retransmissions of one request.
expect "a dead peer is noticed" until_ok 900 not_up
charon_stop gw-b; charon_start gw-b; swan gw-b --load-all >/dev/null 2>&1
expect "and called again" until_ok 700 is_up gw-a site
across "traffic flows again"
swan gw-b --terminate --ike site --timeout 3 >/dev/null 2>&1
expect "a Delete of the peer is followed by a new tunnel" until_ok 200 is_up gw-a site
lab_done
