#!/bin/bash
# handshakes: a hub and BENCH_PEERS peers that all call it at once: handshakes a second with both
# ends on this machine, group by group, and the processor that each costs the hub. charon has its
# own ESP in userspace beside it, adit none (aditd_fake): only what IKE costs is compared. Then
# adit's engine alone with BENCH_MANY peers: what does not grow with their number.
#
#   gw-a 198.18.0.0/15 ═══ 203.0.113.1 gw-b
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/bench/bench.bash
. tests/bench/bench.bash
PEERS=${BENCH_PEERS:-1000}
MANY=${BENCH_MANY:-10000}
read -r -a GROUPS_ <<<"${BENCH_GROUPS:-x25519 ecp256 ecp384 modp2048 modp3072}"

# The programs of the build, with the other aditd.
REAL_B=$LAB_B
FAKE_B=$BENCH_TOP/fake
mkdir -p "$FAKE_B"
ln -s "$REAL_B/libexec" "$FAKE_B/libexec"
ln -s "$REAL_B/adit" "$FAKE_B/adit"
cp "$REAL_B/tests/bench/aditd_fake" "$FAKE_B/aditd"	# it looks for libexec beside itself

# Milliseconds of processor that the daemon in a namespace has had.
spent() {
	local p
	# shellcheck disable=SC2046  # words
	for p in $(bench_pids "$1" "$2"); do cat "/proc/$p/stat"; done 2>/dev/null |
		awk '{ sub(/.*\) /, ""); t += $12 + $13 } END { print t * 10 }'
}

kb() {
	# shellcheck disable=SC2046  # words
	python3 tests/bench/pages.py $(bench_pids "$1" "$2") | awk '{ print $1 }'
}

lab() {
	local i
	side "$1"
	lab_ns gw-a gw-b
	lab_link gw-a wan0 gw-b wan0
	lab_addr gw-a wan0 203.0.113.2/24
	lab_addr gw-b wan0 203.0.113.1/24
	in_ns gw-a ip route add local 198.18.0.0/15 dev lo
	in_ns gw-b ip route add 198.18.0.0/15 via 203.0.113.2
	# charon's ESP wants an address of its own in each network.
	lab_addr gw-b lo 172.16.0.1/32
	for ((i = 1; i <= PEERS; i++)); do
		echo "addr add 10.$((i >> 8)).$((i & 255)).1/32 dev lo"
	done | ip -n "$(ns gw-a)" -batch - || die "addresses"
}

# all_up SIDE GROUP N: ms until N are up, ms of processor of the hub, its kB before and after
# they came up, and without any settings
all_up() {
	local a b took cpu empty before
	lab "$1"
	a=$(adit_dir gw-a) b=$(adit_dir gw-b)
	case $1 in
	adit)	LAB_B=$FAKE_B
		adit_conf gw-a; adit_conf gw-b
		adit_start gw-a && adit_start gw-b || die "aditd does not start"
		empty=$(kb "$1" gw-b)
		python3 tests/bench/spokes.py adit "$3" "$2" "$a/etc" "$b/etc"
		adit gw-b reload >/dev/null || die "reload"
		sleep 1
		cpu=$(spent "$1" gw-b) before=$(kb "$1" gw-b)
		took=$(ip netns exec "$(ns gw-a)" "$STOPWATCH" lines "$a/log" " up, AES-256-GCM, " "$3" \
			"$LAB_B/adit" --config-dir "$a/etc" --run-dir "$a/run" reload) ||
			die "$3 tunnels do not come up"
		LAB_B=$REAL_B ;;
	*)	bench_charon gw-a trimmed; bench_charon gw-b trimmed
		empty=$(kb "$1" gw-b)
		python3 tests/bench/spokes.py charon "$3" "$2" "$a/swanctl" "$b/swanctl"
		swan gw-b --load-all >/dev/null || die "swanctl.conf"
		sleep 1
		cpu=$(spent "$1" gw-b) before=$(kb "$1" gw-b)
		took=$(STRONGSWAN_CONF=$a/strongswan.conf SWANCTL_DIR=$a/swanctl \
			ip netns exec "$(ns gw-a)" "$STOPWATCH" lines "$a/log" "} established with SPIs" "$3" \
			swanctl --load-all --uri "unix://$a/vici") || die "$3 tunnels do not come up" ;;
	esac
	cpu=$(($(spent "$1" gw-b) - cpu))
	echo "$took $cpu $before $(kb "$1" gw-b) $empty"
	bench_many_end "$1"
}

row() { awk -v r="$1" -v n="$PEERS" '{ print (r == "s") ? $1 / 1000 : (r == "cpu") ? $2 / n : (r == "up") ? ($4 - $3) / n : ($4 - $5) / n }' <<<"$2"; }
for g in "${GROUPS_[@]}"; do
	us=$(all_up adit "$g" "$PEERS") || exit 1
	them=$(all_up charon "$g" "$PEERS") || exit 1
	name=$(printf '%-8s' "$g")
	figure "$name $PEERS handshakes" s "$(row s "$us")" "$(row s "$them")" "<1" 1
	figure "$name a handshake, who answers" "ms cpu" "$(row cpu "$us")" "$(row cpu "$them")" "<1" 1
	[ "$g" = "${GROUPS_[0]}" ] || continue
	figure "one tunnel of $PEERS, who answers" kB "$(row up "$us")" "$(row up "$them")" "<12abs" 1
	figure "  with its settings, in all processes" kB "$(row kb "$us")" "$(row kb "$them")" "<1" 1
done

for n in 1000 "$MANY"; do
	# peers group rate cpu-begins cpu-answers kB status-ms quiet-us
	read -r _ _ rate _ cpu kb status quiet < <("$REAL_B/tests/bench/engines" "$n" "${GROUPS_[0]}" 2>/dev/null) ||
		die "engines"
	figure "engine, $n peers: handshakes both ends, one core" /s "$rate" - - 1
	figure "engine, $n peers: a handshake, who answers" "us cpu" "$cpu" - - 1
	figure "engine, $n peers: a tunnel with its settings" kB "$kb" - "<12abs" 1
	figure "engine, $n peers: status of all" ms "$status" - "<100abs" 1
	figure "engine, $n peers: a quiet minute of a tunnel" "us cpu" "$quiet" - - 1
done
