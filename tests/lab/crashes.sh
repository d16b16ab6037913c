#!/bin/bash
# crashes: kill -9 of each process, one after the other, under a running ping: it comes back.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
adit_start gw-a; adit_start gw-b
pair_peers
expect "up" adit gw-a up branch
across "traffic"

bg host-a ping -n -O -D -i 0.2 -W 1 10.2.0.10 >"$LAB_DIR/ping" 2>&1
replies() { grep -c 'bytes from' "$LAB_DIR/ping"; }
more() { [ "$(replies)" -gt "$1" ]; }
# flows SECONDS: five more replies within that time.
flows() { local n; n=$(replies); until_ok $(($1 * 10)) more $((n + 4)); }
is_new() { local p; p=$(child_of "$1" "$2") && [ "$p" != "$3" ]; }

for side in gw-a gw-b; do
	for p in iked espd vaultd; do
		old=$(child_of $side $p)
		kill -9 "$old"
		expect "$side: $p is started again" until_ok 50 is_new $side $p "$old"
		if flows 15; then ok "$side: traffic flows after kill -9 of $p"; else
			bad "$side: traffic flows after kill -9 of $p" "$(tail -3 "$LAB_DIR/ping"; pair_logs 30)"; fi
	done
	# A fresh AUTH shows that the new vaultd has the key.
	adit $side restart >/dev/null
	if flows 20; then ok "$side: and after adit restart"; else bad "$side: and after adit restart" "$(pair_logs 30)"; fi
done
old=$(child_of gw-a vaultd); kill -9 "$old"; until_ok 50 is_new gw-a vaultd "$old"
adit gw-a down branch >/dev/null
expect "the new vaultd authenticates" adit gw-a up branch

# The monitor itself: its children end with it, the next one cleans up and brings it back.
kids=$(pgrep -P "$ADITD_PID_gw_a")
kill -9 "$ADITD_PID_gw_a"
gone() { local k; for k in $kids; do kill -0 "$k" 2>/dev/null && return 1; done; return 0; }
expect "the children end with their monitor" until_ok 50 gone
adit_start gw-a
if flows 20; then ok "traffic flows after kill -9 of aditd and a new start"; else
	bad "traffic flows after kill -9 of aditd and a new start" "$(pair_logs 30)"; fi
# And it does not get worse each time.
for i in 1 2 3; do old=$(child_of gw-b iked); kill -9 "$old"; until_ok 60 is_new gw-b iked "$old"; done
if flows 30; then ok "three crashes of iked in a row"; else bad "three crashes of iked in a row" "$(pair_logs 30)"; fi
[ "$(adit gw-a status --json | jq '[.peers[].children[]]|length')" = 1 ] && ok "one child is left" || bad "one child is left"
adit_stop gw-a
left=$(traces gw-a)
[ -z "$left" ] && ok "nothing is left behind" || bad "nothing is left behind" "$left"
lab_done
