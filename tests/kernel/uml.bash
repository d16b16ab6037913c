# uml: User-Mode Linux from Debian's package, for tests that need a kernel other than this
# machine's: one with ESP of its own. Sourced by tests/kernel/*.sh.
#
# The guest's root is the host's file system (hostfs), so a script runs in it where it lies in
# the clone, with the tools that are installed. What it must not touch there is covered: /run,
# /dev, /proc and /sys are the guest's own; TMPDIR points into /run; modules are loaded by way
# of a link in the guest's /run, so that the host needs no /lib/modules of that kernel.
# A guest has no network but its own: several hosts in it are network namespaces, as in
# tests/lab/lab.bash. It costs some 110 µs a system call, and has one processor.
# shellcheck shell=bash

UML_LINUX=${UML_LINUX:-/usr/bin/linux.uml}

# uml_why_not: why no guest can run here, in words; nothing when it is worth trying.
uml_why_not() {
	local v
	[ "$(id -u)" = 0 ] || { echo "needs root"; return; }
	[ -x "$UML_LINUX" ] || { echo "no $UML_LINUX (Debian's user-mode-linux)"; return; }
	v=$("$UML_LINUX" --version 2>/dev/null) || { echo "$UML_LINUX does not run here"; return; }
	[ -d "/usr/lib/uml/modules/$v" ] || { echo "no modules of $v in /usr/lib/uml"; return; }
	command -v modprobe >/dev/null || { echo "no modprobe (Debian's kmod)"; return; }
	unshare --pid --fork --mount --net --ipc true 2>/dev/null || echo "no namespaces"
}

# uml_run [-m MEGABYTES] [-t SECONDS] [-M "MODULE..."] COMMAND...: boot a guest, run the command
# in the current folder, and power off. The command's output and result are ours. Else:
# 124: the guest took longer than SECONDS (300); 125: it died without a result; 126: it never
# came as far as its first process. Nothing of the guest outlives the call: it is alone in a
# PID namespace that ends with it.
uml_run() {
	local mem=384 limit=300 mods='' o OPTIND=1 dir rc pid
	while getopts m:t:M: o; do
		case $o in m) mem=$OPTARG ;; t) limit=$OPTARG ;; M) mods=$OPTARG ;; *) return 2 ;; esac
	done
	shift $((OPTIND - 1))
	dir=$(mktemp -d "${TMPDIR:-/tmp}/adit-uml.XXXXXX") || return 125
	uml_init "$mods" "$@" >"$dir/init"
	chmod 755 "$dir/init"
	mkfifo "$dir/console"
	# The guest's memory is a file in /dev/shm that is unlinked at once.
	env -i PATH="$PATH" HOME="$dir" TMPDIR=/dev/shm \
		unshare --pid --fork --kill-child --mount --net --ipc "$UML_LINUX" mem="${mem}M" \
		uml_dir="$dir" umid=guest con=null con0=null,fd:1 quiet loglevel=3 panic=-1 \
		rootfstype=hostfs rw init="$dir/init" </dev/null >"$dir/console" 2>"$dir/err" &
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
		uml-booted) : >"$dir/booted" ;;
		'uml-result: '*) echo "${line#* }" >"$dir/rc" ;;
		# After it the kernel says that it goes down.
		*) [ -e "$dir/rc" ] || printf '%s\n' "$line" ;;
		esac
	done
	wait 2>/dev/null
	trap - INT TERM
	if [ -s "$dir/rc" ]; then
		rc=$(cat "$dir/rc")
	elif [ ! -e "$dir/booted" ]; then
		rc=126
	elif [ -e "$dir/late" ]; then
		echo "uml: the guest was ended after $limit s"; rc=124
	else
		echo "uml: the guest died without a result:"; tail -5 "$dir/err"; rc=125
	fi
	rm -rf "$dir"
	return "$rc"
}

# What the guest runs as its first process.
uml_init() {	# "MODULE..." COMMAND...
	local mods=$1; shift
	cat <<-END
	#!/bin/bash
	exec </dev/null >/dev/console 2>&1
	echo uml-booted
	export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run LANG=C.UTF-8
	mount -t proc proc /proc; mount -t sysfs sysfs /sys
	mount -t tmpfs -o mode=755 tmpfs /run
	mount -t devtmpfs dev /dev 2>/dev/null
	mkdir -p /dev/pts /dev/shm /dev/net; mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /dev/shm
	ln -sf /proc/self/fd /dev/fd; ln -sf /proc/self/fd/0 /dev/stdin; ln -sf /proc/self/fd/1 /dev/stdout
	mkdir -p /run/tmp /run/mod/lib/modules; chmod 1777 /run/tmp
	export TMPDIR=/run/tmp ADIT_IN_UML=1
	ln -s "/usr/lib/uml/modules/\$(uname -r)" "/run/mod/lib/modules/\$(uname -r)"
	printf '#!/bin/sh\nexec modprobe -d /run/mod "\$@"\n' >/run/modprobe; chmod 755 /run/modprobe
	echo /run/modprobe >/proc/sys/kernel/modprobe
	hostname uml; ip link set lo up
	for m in $mods; do /run/modprobe -q "\$m" || echo "uml: no module \$m"; done
	[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
	export LAB_ROWS=$(printf %q "${LAB_ROWS:-}")
	cd $(printf %q "$PWD") || echo "uml: no $(printf %q "$PWD")"
	END
	printf '%q ' "$@"; echo
	cat <<-'END'
	echo "uml-result: $?"
	sleep 0.1
	echo o >/proc/sysrq-trigger
	sleep 5
	END
}

# uml_self [OPTIONS OF uml_run] -- "$0" "$@": on the host, run this very script in a guest and end
# with its result; in the guest, go on. Where no guest can run, one counted skip.
uml_self() {
	local opts=() why rc
	[ -z "${ADIT_IN_UML:-}" ] || return 0
	while [ "$1" != -- ]; do opts+=("$1"); shift; done
	shift
	why=$(uml_why_not)
	if [ -z "$why" ]; then
		uml_run "${opts[@]}" "$@"; rc=$?
		[ $rc = 126 ] || exit $rc
		why="$UML_LINUX does not boot here (is ptrace allowed?)"
	fi
	echo "skip $(basename "$1"): $why"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
