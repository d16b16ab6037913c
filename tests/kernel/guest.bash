# guest: emulated kernels to run a test script in, when it needs one other than this machine's.
# Sourced by tests/kernel/*.sh. There are two, which uml.bash and qemu.bash start:
#
#   uml   User-Mode Linux, Debian's package: ESP, AH, IPComp, AF_ALG, ip_vti, netem; no xfrm
#         interface. Up in 2 s; some 110 µs a system call.
#   qemu  Debian's own kernel under QEMU's plain emulation: everything, xfrm interfaces as well.
#         Up in 3 s; a program costs 30 to 60 ms to start (in uml 20 to 40), computing is some 10
#         to 20 times slower than here, system calls are cheap.
#
# A guest's root is the host's file system, so a script runs in it where it lies in the clone,
# with the tools that are installed. What it must not touch there is covered: /run, /dev, /proc
# and /sys are the guest's own; TMPDIR points into /dev/shm; modules are loaded by way of a link in
# the guest's /run, so that the host needs no /lib/modules of that kernel. (In qemu the rest
# cannot be written to, but for /tmp: what is written there stays in the guest.)
# A guest has no network but its own: several hosts in it are network namespaces, as in
# tests/lab/lab.bash. It has one processor.
#
# A test of the guests begins so:
#
#	cd "$(dirname "$0")/../.." || exit 1
#	LAB_B=${1:-build}
#	. tests/kernel/guest.bash
#	guest_self "uml qemu" -t 100 -M "esp4 xfrm_interface tun veth" -- "$0" "$@"
#	. tests/lab/lab.bash
#
# and `make check` runs it once in each kernel that its guest_self line names. In the guest
# ADIT_GUEST is uml or qemu, and ADIT_IN_UML=1 or ADIT_IN_QEMU=1 is set.
# shellcheck shell=bash

# guest_run uml|qemu [-m MEGABYTES] [-t SECONDS] [-M "MODULE..."] COMMAND...: boot a guest, run
# the command in the current folder, and power off. The command's output and result are ours.
# Else: 124: the guest took longer than SECONDS (300); 125: it died without a result; 126: it
# never came as far as its first process. Nothing of the guest outlives the call: it is alone in
# a PID namespace that ends with it.
# A module that this kernel does not have is said ("uml: no module xfrm_interface"), no more.
# Variables named in GUEST_ENV have their value in the guest, too.
GUEST_ENV="LAB_ROWS SOAK_S ${GUEST_ENV:-}"
guest_run() {
	local kind=$1 mem=512 limit=300 mods='' o OPTIND=1 dir rc pid
	shift
	while getopts m:t:M: o; do
		case $o in m) mem=$OPTARG ;; t) limit=$OPTARG ;; M) mods=$OPTARG ;; *) return 2 ;; esac
	done
	shift $((OPTIND - 1))
	dir=$(mktemp -d "${TMPDIR:-/tmp}/adit-$kind.XXXXXX") || return 125
	guest_init "$kind" "$mods" "$@" >"$dir/init"
	chmod 755 "$dir/init"
	mkfifo "$dir/console"
	"${kind}_boot" "$dir" "$mem"
	env -i PATH="$PATH" HOME="$dir" TMPDIR=/dev/shm \
		unshare --pid --fork --kill-child --mount --net --ipc "${GUEST_BOOT[@]}" \
		</dev/null >"$dir/console" 2>"$dir/err" &
	pid=$!
	# shellcheck disable=SC2064  # the pid and folder of now
	trap "kill -9 $pid 2>/dev/null; rm -rf '$dir'; exit 130" INT TERM
	(
		# One sleep at a time, so that nothing is left waiting when the guest ends.
		for ((i = 0; i < limit * 5; i++)); do
			kill -0 "$pid" 2>/dev/null || exit
			sleep 0.2
		done
		: >"$dir/late"; kill -9 "$pid"
	) &
	# The console ends lines with CR LF; the guest's last line is its result.
	sed -u 's/\r$//' <"$dir/console" | while IFS= read -r line; do
		case $line in
		guest-booted) : >"$dir/booted" ;;
		'guest-result: '*) echo "${line#* }" >"$dir/rc" ;;
		# After it the kernel says that it goes down.
		*) [ -e "$dir/rc" ] || printf '%s\n' "$line" ;;
		esac
	done
	wait 2>/dev/null
	trap - INT TERM
	if [ -s "$dir/rc" ]; then
		rc=$(cat "$dir/rc")
		# A command that cannot be run says the same.
		[ "$rc" != 126 ] || rc=127
	elif [ ! -e "$dir/booted" ]; then
		rc=126
	elif [ -e "$dir/late" ]; then
		echo "$kind: the guest was ended after $limit s"; rc=124
	else
		echo "$kind: the guest died without a result:"; tail -n 5 "$dir/err"; rc=125
		[ ! -e "$dir/kernel" ] || grep -aE 'panic|BUG:|Oops|RIP: 0010|Out of memory' "$dir/kernel" | head
	fi
	rm -rf "$dir"
	return "$rc"
}

# What the guest runs as its first process.
guest_init() {	# KIND "MODULE..." COMMAND...
	local kind=$1 mods=$2 v; shift 2
	cat <<-END
	#!/bin/bash
	mountpoint -q /proc || mount -t proc proc /proc
	mountpoint -q /dev || mount -t devtmpfs dev /dev 2>/dev/null
	exec </dev/null >$("${kind}_console") 2>&1
	echo guest-booted
	export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run LANG=C.UTF-8
	mount -t sysfs sysfs /sys
	mount -t tmpfs -o mode=755 tmpfs /run
	mkdir -p /dev/pts /dev/shm /dev/net; mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /dev/shm
	ln -sf /proc/self/fd /dev/fd; ln -sf /proc/self/fd/0 /dev/stdin; ln -sf /proc/self/fd/1 /dev/stdout
	mkdir -p /dev/shm/tmp /run/mod/lib/modules; chmod 1777 /dev/shm/tmp
	export TMPDIR=/dev/shm/tmp ADIT_GUEST=$kind ADIT_IN_${kind^^}=1
	ln -s $(printf %q "$("${kind}_modules")")/"\$(uname -r)" "/run/mod/lib/modules/\$(uname -r)"
	printf '#!/bin/sh\nexec modprobe -d /run/mod "\$@"\n' >/run/modprobe; chmod 755 /run/modprobe
	echo /run/modprobe >/proc/sys/kernel/modprobe
	hostname $kind; ip link set lo up
	for m in $mods; do /run/modprobe -q "\$m" || echo "$kind: no module \$m"; done
	[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
	END
	"${kind}_prepare"
	for v in $GUEST_ENV; do [ -z "${!v:-}" ] || printf 'export %s=%q\n' "$v" "${!v}"; done
	printf 'cd %q || echo "%s: no such folder"\n' "$PWD" "$kind"
	printf '%q ' "$@"; echo
	cat <<-'END'
	echo "guest-result: $?"
	sleep 0.1
	echo o >/proc/sysrq-trigger
	sleep 5
	END
}

# guest_why_not uml|qemu: why no such guest can run here, in words; nothing when it is worth
# trying. May fetch a package the first time.
guest_why_not() {
	[ "$(id -u)" = 0 ] || { echo "needs root"; return; }
	command -v modprobe >/dev/null || { echo "no modprobe (Debian's kmod)"; return; }
	unshare --pid --fork --mount --net --ipc true 2>/dev/null || { echo "no namespaces"; return; }
	"$1_lacks"
}

# guest_self "KIND..." [OPTIONS OF guest_run] -- "$0" "$@": on the host, run this very script in
# a guest of each kind, one after the other, and end with its result; in the guest, go on. GUEST
# in the environment takes one of the kinds alone. Where no guest can run, one counted skip.
guest_self() {
	local kinds=$1 kind opts=() out rc worst=0 p=0 f=0 s=0; shift
	[ -z "${ADIT_GUEST:-}" ] || return 0
	while [ "$1" != -- ]; do opts+=("$1"); shift; done
	shift
	[[ " $kinds " != *" ${GUEST:-none} "* ]] || kinds=$GUEST
	[[ $kinds == *' '* ]] || { guest_once "$kinds" "$@"; exit; }
	out=$(mktemp "${TMPDIR:-/tmp}/adit-guest.XXXXXX") || exit 1
	for kind in $kinds; do
		echo "== in $kind"
		guest_once "$kind" "$@" | tee "$out"
		rc=${PIPESTATUS[0]}
		[ "$rc" = 0 ] || worst=$rc
		[[ $(grep -E '^[0-9]+ passed' "$out" | tail -1) =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]] &&
			p=$((p + BASH_REMATCH[1])) f=$((f + BASH_REMATCH[2])) s=$((s + ${BASH_REMATCH[4]:-0}))
	done
	rm -f "$out"
	echo "== in all"
	echo "$p passed, $f failed, $s skipped"
	exit "$worst"
}

# One kind, with guest_self's opts.
guest_once() {
	local kind=$1 why rc; shift
	why=$(guest_why_not "$kind")
	if [ -z "$why" ]; then
		guest_run "$kind" "${opts[@]}" "$@"; rc=$?
		[ $rc = 126 ] || return $rc
		why=$("${kind}_dead")
	fi
	echo "skip $(basename "$1") in $kind: $why"
	echo "0 passed, 0 failed, 1 skipped"
}

# shellcheck source=tests/kernel/uml.bash
[ -n "${UML_LINUX:-}" ] || . tests/kernel/uml.bash
# shellcheck source=tests/kernel/qemu.bash
[ -n "${QEMU_SYSTEM:-}" ] || . tests/kernel/qemu.bash
