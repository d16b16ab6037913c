#!/bin/bash
# xfrm_pair: adit on both ends with the kernel's own ESP.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
guest_self "uml qemu" -t 300 -M "ipv6 esp4 esp6 ah4 ipcomp xfrm_user xfrm_interface dummy veth" -- "$0" "$@"
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
for g in gw-a gw-b; do adit_conf $g; printf 'dataplane = kernel\n' >"$(adit_dir $g)/etc/adit.conf"; done
adit_start gw-a && adit_start gw-b || { bad "both start" "$(pair_logs)"; lab_done; exit; }
pair_peers esp=aes256gcm16 start=responder || bad "peers are added"
if out=$(adit gw-a --timeout 20 up branch 2>&1); then ok "up"; else bad "up" "$out
$(pair_logs)"; fi
across "a ping crosses"
dump() { for g in gw-a gw-b; do echo "--- $g"; in_ns $g ip -s xfrm state; in_ns $g ip xfrm policy; in_ns $g grep -v '	0$' /proc/net/xfrm_stat;  in_ns $g ip route; in_ns $g nft list ruleset; adit $g status; done; }
[ $failed = 0 ] || dump
lab_done
