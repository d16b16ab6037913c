# pair: adit on both gateways. Sourced by tests/lab/*.sh.
# shellcheck shell=bash
# shellcheck source=tests/lab/lab.bash
. tests/lab/lab.bash

printf 'a-long-enough-key-for-both' >"$LAB_DIR/psk"; chmod 600 "$LAB_DIR/psk"

# pair_peers [KEY=VALUE...]: "branch" on gw-a, "main" on gw-b; further settings for both sides.
pair_peers() {
	adit gw-a peer add branch local_ip=203.0.113.1 remote_gateway=198.51.100.2 \
		local_network=10.1.0.0/24 remote_network=10.2.0.0/24 --psk-file "$LAB_DIR/psk" "$@" >/dev/null || return 1
	adit gw-b peer add main local_ip=198.51.100.2 remote_gateway=203.0.113.1 \
		local_network=10.2.0.0/24 remote_network=10.1.0.0/24 --psk-file "$LAB_DIR/psk" "$@" >/dev/null
}
pair_logs() {
	echo "--- gw-a:"; adit_log gw-a "${1:-20}"; echo "--- gw-b:"; adit_log gw-b "${1:-20}"
}
# across NAME [FROM TO]: within three seconds a ping crosses.
across() {
	local i
	for ((i = 0; i < 30; i++)); do
		ping_ok "${2:-host-a}" "${3:-10.2.0.10}" 1 1 && { ok "$1"; return 0; }
		sleep 0.1
	done
	bad "$1" "$(pair_logs)"
	return 1
}
not_across() {
	if ping_ok "${2:-host-a}" "${3:-10.2.0.10}" 1 1; then bad "$1" "$(pair_logs)"; else ok "$1"; fi
}
child_of() {	# NS NAME: the pid of that process of the NS's aditd
	local v="ADITD_PID_${1//-/_}" p
	for p in $(pgrep -P "${!v}"); do
		[ "$(ps -o comm= -p "$p")" = "$2" ] && { echo "$p"; return 0; }
	done
	return 1
}
# Everything that adit may have made in a namespace, to compare with.
traces() {
	in_ns "$1" ip -o link | grep -oE '^[0-9]+: adit-[^:@]*'
	in_ns "$1" ip rule | grep -vE 'lookup (local|main|default)'
	in_ns "$1" ip -6 rule | grep -vE 'lookup (local|main)'
	in_ns "$1" ip route show table all | grep -E 'proto 173|adit'
	in_ns "$1" nft list ruleset | grep -nE 'adit'
	true
}
