#!/bin/bash
# engines: what adit bench found is what the daemon does: a profile is used after a restart, status
# and hw say who does the cryptography of each tunnel, and counters says why packets were lost.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
[ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] || { echo "skip engines: it needs root and /dev/net/tun"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
E=$(adit_dir gw-a)/etc
engine() { adit gw-a status branch --json | jq -r '.peers[0].children[0].engine'; }
# is_by ENGINE: within three seconds.
is_by() { local i; for ((i = 0; i < 30; i++)); do [ "$(engine)" = "$1" ] && return 0; sleep 0.1; done; return 1; }
up() { adit gw-a --timeout 20 up branch >/dev/null 2>&1; }

lab_offices
for g in gw-a gw-b; do adit_conf $g; printf 'dataplane = userspace\n' >>"$(adit_dir $g)/etc/adit.conf"; done
adit_start gw-a && adit_start gw-b || { bad "both start" "$(pair_logs)"; lab_done; exit; }
pair_peers esp=aes256gcm16 start=responder || bad "peers are added"
expect "up" up
across "a ping crosses"

# --- without a measurement: the safe guess
guess=mbedtls
adit gw-a hw aes256gcm16 --json 2>/dev/null | jq -e '.unable | has("ipsec_mb") | not' >/dev/null && guess=ipsec_mb
expect "without a measurement it is the safe guess, $guess" is_by $guess
expect "status says so" grep -qE "Done by +$guess" <<<"$(adit gw-a status branch)"
expect "and hw what is in use" grep -qE "In use +$guess" <<<"$(adit gw-a hw aes256gcm16)"
expect "which dataplane runs" grep -q "Dataplane  .*userspace" <<<"$(adit gw-a hw aes256gcm16)"
expect "and why it is this engine" grep -q "a safe guess" <<<"$(adit gw-a hw aes256gcm16)"

# --- measured, kept, and used after a restart
expect "bench measures beside the daemon" adit gw-a bench --suite aes256gcm16 -q
expect "and keeps it" grep -q '^aes256gcm16 1400 ' "$E/engine.profile"
across "the tunnel goes on"
for s in 64 256 576 1400 8192; do echo "aes256gcm16 $s mbedtls 1 100"; done >"$E/engine.profile"
adit gw-a reload >/dev/null || bad "reload"
across "a reload interrupts nothing"
expect "and changes nothing of what runs" is_by $guess
adit gw-a restart >/dev/null && ok "restart" || bad "restart"
expect "up again" up
across "a ping crosses again"
expect "by what the profile says" is_by mbedtls
echo "aes256gcm16 1400 openssl 1 100" >"$E/engine.profile"
adit gw-a restart >/dev/null && up || bad "a profile that is wrong stops nothing"
expect "a profile that is wrong is told" grep -q 'engine.profile:1: "openssl" is no engine' <<<"$(adit gw-a log)"
expect "and the guess taken" is_by $guess
rm "$E/engine.profile"
# The setting goes before what was measured.
adit gw-a router set engine=mbedtls >/dev/null && adit gw-a restart >/dev/null && up
expect "the setting is followed" is_by mbedtls
expect "and said" grep -q "mbedtls, by the settings" <<<"$(adit gw-a hw aes256gcm16)"

# --- counters
adit gw-a counters --json >"$LAB_DIR/c" && ok "counters" || bad "counters"
expect "as JSON, each with its sentences" jq -e '.dataplane == "userspace" and (.counters | length > 5 and all(.[]; (.name | startswith("Xfrm")) and .value >= 0 and (.meaning | length > 10) and (.look | length > 10)))' "$LAB_DIR/c"
no_state() { adit gw-a counters --json | jq '.counters[] | select(.name == "XfrmInNoStates").value'; }
was=$(no_state)
# Five packets with an SPI that nobody has.
in_ns gw-b python3 - <<'PY' || bad "packets of no SA are sent"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("198.51.100.2", 0))
for n in range(5):
	s.sendto(b"\xde\xad\xbe\xef" + bytes(3) + bytes([n]) + bytes(56), ("203.0.113.1", 4500))
PY
sleep 0.3
expect "what belongs to no SA is counted" test "$(no_state)" = $((was + 5))
adit gw-a counters >"$LAB_DIR/c"
expect "and shown" grep -qE "XfrmInNoStates: +[0-9]" "$LAB_DIR/c"
expect "with what it means and what to look at" test "$(grep -A3 XfrmInNoStates "$LAB_DIR/c" | grep -c '^    ')" -ge 2
expect_not "what is 0 is not" grep -q ": 0$" "$LAB_DIR/c"
expect "but with --all" grep -q ": 0$" <<<"$(adit gw-a counters --all)"
expect "for scripts" grep -qE "^XfrmInNoStates	[0-9]+$" <<<"$(adit gw-a counters --plain)"
lab_done
