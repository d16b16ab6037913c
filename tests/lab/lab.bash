# lab: two offices and an internet, in network namespaces. Sourced by tests, the demo and benches.
#
#     host-a ─── gw-a ═══════ inet ═══════ gw-b ─── host-b
#   10.1.0.10  10.1.0.1   203.0.113.254   10.2.0.1   10.2.0.10
#              203.0.113.1 198.51.100.254  198.51.100.2
#   fd01::10    fd01::1    2001:db8:a::fe   fd02::1   fd02::10
#              2001:db8:a::1  2001:db8:b::fe  2001:db8:b::2
#
# Namespaces are named adit-$$-NAME, so any number of labs run side by side. Everything a lab
# started is ended by its own pid, and everything it made is gone, when the script ends.
# shellcheck shell=bash

LAB=adit-$$
LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/adit-lab.XXXXXX")
chmod 755 "$LAB_DIR"
LAB_PIDS=()
LAB_NS=()
LAB_B=${LAB_B:-build}
passed=0 failed=0 skipped=0

lab_end() {
	local rc=$? p n
	trap - EXIT INT TERM
	for p in "${LAB_PIDS[@]}"; do kill "$p" 2>/dev/null; done
	for p in "${LAB_PIDS[@]}"; do lab_gone "$p" 40 || kill -9 "$p" 2>/dev/null; done
	for n in "${LAB_NS[@]}"; do
		# Whatever still runs in a namespace of ours is ours.
		for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
		ip netns del "$n" 2>/dev/null
	done
	[ -n "${LAB_KEEP:-}" ] && echo "kept: $LAB_DIR" || rm -rf "$LAB_DIR"
	exit $rc
}
trap lab_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Wait up to N tenths of a second until a process is gone.
lab_gone() {
	local i
	for ((i = 0; i < $2; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

# until_ok TENTHS COMMAND...: try every 0.1 s until it succeeds.
until_ok() {
	local n=$1 i; shift
	for ((i = 0; i < n; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() {
	failed=$((failed + 1)); echo "FAIL $1"
	[ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/     /'
}
skip() { skipped=$((skipped + 1)); echo "skip $1: $2"; }
# expect NAME COMMAND...: the command succeeds.
expect() {
	local name=$1 out; shift
	if out=$("$@" 2>&1); then ok "$name"; else bad "$name" "$out"; fi
}
# expect_not NAME COMMAND...: it fails.
expect_not() {
	local name=$1 out; shift
	if out=$("$@" 2>&1); then bad "$name" "$out"; else ok "$name"; fi
}
lab_done() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}

ns() { printf '%s-%s' "$LAB" "$1"; }
# in_ns NAME COMMAND...
in_ns() { local n; n=$(ns "$1"); shift; ip netns exec "$n" "$@"; }

# bg NAME COMMAND...: in the background, as its own process (BG), which a SIGINT ends.
bg() {
	local n; n=$(ns "$1"); shift
	ip netns exec "$n" env --default-signal=INT "$@" &
	BG=$!
	LAB_PIDS+=("$BG")
}

lab_ns() {
	local n
	for n; do
		ip netns add "$(ns "$n")" || exit 1
		LAB_NS+=("$(ns "$n")")
		in_ns "$n" ip link set lo up
	done
}

# link A IF-A B IF-B
lab_link() {
	ip link add "$2" netns "$(ns "$1")" type veth peer name "$4" netns "$(ns "$3")" || exit 1
	in_ns "$1" ip link set "$2" up
	in_ns "$3" ip link set "$4" up
}

# addr NS IF ADDRESS...
lab_addr() {
	local n=$1 i=$2 a; shift 2
	for a; do in_ns "$n" ip addr add "$a" dev "$i" nodad 2>/dev/null ||
		in_ns "$n" ip addr add "$a" dev "$i"; done
}

lab_forward() {
	local n
	for n; do in_ns "$n" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; done
}

# The two offices of the picture.
lab_offices() {
	lab_ns host-a gw-a inet gw-b host-b
	lab_link host-a eth0 gw-a lan0
	lab_link gw-a wan0 inet a0
	lab_link gw-b wan0 inet b0
	lab_link host-b eth0 gw-b lan0
	lab_addr host-a eth0 10.1.0.10/24 fd01::10/64
	lab_addr gw-a lan0 10.1.0.1/24 fd01::1/64
	lab_addr gw-a wan0 203.0.113.1/24 2001:db8:a::1/64
	lab_addr inet a0 203.0.113.254/24 2001:db8:a::fe/64
	lab_addr inet b0 198.51.100.254/24 2001:db8:b::fe/64
	lab_addr gw-b wan0 198.51.100.2/24 2001:db8:b::2/64
	lab_addr gw-b lan0 10.2.0.1/24 fd02::1/64
	lab_addr host-b eth0 10.2.0.10/24 fd02::10/64
	lab_forward inet gw-a gw-b
	in_ns host-a ip route add default via 10.1.0.1
	in_ns host-b ip route add default via 10.2.0.1
	in_ns gw-a ip route add default via 203.0.113.254
	in_ns gw-b ip route add default via 198.51.100.254
	in_ns host-a ip -6 route add default via fd01::1
	in_ns host-b ip -6 route add default via fd02::1
	in_ns gw-a ip -6 route add default via 2001:db8:a::fe
	in_ns gw-b ip -6 route add default via 2001:db8:b::fe
}

# ping_ok NS ADDRESS [COUNT [SECONDS]]; "-I SOURCE ADDRESS" pings from there.
# shellcheck disable=SC2086
ping_ok() { in_ns "$1" ping -n -c "${3:-1}" -W "${4:-1}" -i 0.2 $2 >/dev/null 2>&1; }

# ---- adit

adit_dir() { printf '%s/%s' "$LAB_DIR" "$1"; }
adit_conf() { mkdir -p "$(adit_dir "$1")/etc/peers" "$(adit_dir "$1")/etc/secrets"; chmod 700 "$(adit_dir "$1")/etc/secrets"; }
# adit NS VERB...
adit() {
	local n=$1; shift
	ip netns exec "$(ns "$n")" "$LAB_B/adit" --config-dir "$(adit_dir "$n")/etc" \
		--run-dir "$(adit_dir "$n")/run" "$@"
}
# Set by adit_start and charon_start, one for each router.
# shellcheck disable=SC2034
ADITD_PID_gw_a='' ADITD_PID_gw_b='' CHARON_PID_gw_b=''
# Start aditd in NS; its log goes to DIR/NS/log. Waits until it is ready. ADITD_PID tells who.
adit_start() {
	local n=$1 d; d=$(adit_dir "$n")
	adit_conf "$n"; mkdir -p "$d/run"
	ip netns exec "$(ns "$n")" "$LAB_B/aditd" --foreground --config-dir "$d/etc" \
		--run-dir "$d/run" >>"$d/log" 2>&1 &
	ADITD_PID=$!
	LAB_PIDS+=("$ADITD_PID")
	eval "ADITD_PID_${n//-/_}=$ADITD_PID"
	until_ok 50 adit "$n" status --json || until_ok 1 test -S "$d/run/control.sock"
}
adit_stop() {
	local v="ADITD_PID_${1//-/_}"
	kill "${!v}" 2>/dev/null
	lab_gone "${!v}" 60
}
adit_log() { tail -n "${2:-40}" "$(adit_dir "$1")/log"; }
# peer_state NS PEER: prints its state.
peer_state() { adit "$1" status --json 2>/dev/null | jq -r --arg p "$2" '.peers[]|select(.name==$p).state'; }
is_up() { [ "$(peer_state "$1" "$2")" = up ]; }
# child_is_up NS PEER
children_up() { [ "$(adit "$1" status --json | jq -r --arg p "$2" '[.peers[]|select(.name==$p).children[]|select(.state=="up")]|length')" = "${3:-1}" ]; }

# ---- strongSwan (charon with kernel-libipsec: ESP in userspace, always in UDP)

# charon_start NS [EXTRA strongswan.conf lines for charon{}]. swanctl.conf is DIR/NS/swanctl.conf.
charon_start() {
	local n=$1 extra=${2:-} d; d=$(adit_dir "$n")
	mkdir -p "$d/swanctl"
	cat >"$d/strongswan.conf" <<-END
	charon {
		load_modular = no
		load = random nonce openssl aes sha1 sha2 md5 mgf1 hmac kdf gcm chapoly curve25519 xcbc cmac ctr ccm pem pkcs1 pkcs8 x509 pubkey constraints revocation ${SWAN_ESP:-kernel-libipsec} kernel-netlink socket-default vici updown counters
		install_virtual_ip = no
		$extra
		plugins {
			vici { socket = unix://$d/vici }
			kernel-libipsec { allow_peer_ts = yes }
			socket-default { fwmark = 0x42 }
			kernel-netlink { fwmark = !0x42 }
		}
		filelog {
			log { path = $d/log
				append = no
				flush_line = yes
				default = 1
				ike = 2
				cfg = 1 }
		}
	}
	swanctl { load = pem pkcs1 pkcs8 x509 pubkey openssl }
	END
	STRONGSWAN_CONF=$d/strongswan.conf SWANCTL_DIR=$d/swanctl ip netns exec "$(ns "$n")" \
		unshare -m sh -c 'mount -t tmpfs tmpfs /run && exec /usr/lib/ipsec/charon' >"$d/out" 2>&1 &
	LAB_PIDS+=($!)
	eval "CHARON_PID_${n//-/_}=$!"
	until_ok 50 test -S "$d/vici"
}
charon_stop() {
	local v="CHARON_PID_${1//-/_}"
	kill "${!v}" 2>/dev/null
	lab_gone "${!v}" 50 || kill -9 "${!v}" 2>/dev/null
	rm -f "$(adit_dir "$1")/vici"
}
# swan NS COMMAND...: swanctl
swan() {
	local n=$1 d; d=$(adit_dir "$1"); shift
	STRONGSWAN_CONF=$d/strongswan.conf SWANCTL_DIR=$d/swanctl ip netns exec "$(ns "$n")" \
		swanctl "$@" --uri "unix://$d/vici"
}
# swan_conf NS: take swanctl.conf from standard input and load it.
swan_conf() {
	cat >"$(adit_dir "$1")/swanctl/swanctl.conf"
	swan "$1" --load-all >"$(adit_dir "$1")/load" 2>&1
}
