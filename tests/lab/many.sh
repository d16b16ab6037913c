#!/bin/bash
# many: a hundred peers on one router: start, crash, stop; quickly, and with nothing left.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
adit_conf gw-a
etc=$(adit_dir gw-a)/etc
for i in $(seq 100); do
	printf 'local_network = 10.1.0.0/24\nremote_network = 10.50.%d.0/24\nremote_gateway = 198.51.100.%d\n' \
		"$i" $((100 + i)) >"$etc/peers/p$i.conf"
	cp "$LAB_DIR/psk" "$etc/secrets/p$i"
done
interfaces() { in_ns gw-a ip -o link | grep -cE '^[0-9]+: adit-'; }
all_there() { [ "$(interfaces)" = 100 ]; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
before=$(traces gw-a)

adit_start gw-a
until_ok 50 all_there && ok "a hundred interfaces" || bad "a hundred interfaces" "$(interfaces)"
kill -9 "$ADITD_PID_gw_a"
lab_gone "$ADITD_PID_gw_a" 20
adit_start gw-a
until_ok 50 all_there && ok "and again after a crash" || bad "and again after a crash" "$(interfaces)"
# They go in one step: one by one the kernel would take 1.6 s.
from=$(now_ms)
adit_stop gw-a && ok "stop" || bad "stop" "$(adit_log gw-a)"
took=$(($(now_ms) - from))
[ $took -lt 1000 ] && ok "in $took ms" || bad "in $took ms"
[ "$(traces gw-a)" = "$before" ] && ok "nothing is left" || bad "nothing is left" "$(traces gw-a)"
lab_done
