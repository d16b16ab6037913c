# uml: User-Mode Linux from Debian's package, one of the two kernels of guest.bash, which says
# what a guest is. Sourced by tests/kernel/*.sh.
#
#   uml_run [-m MEGABYTES] [-t SECONDS] [-M "MODULE..."] COMMAND...    guest_run
#   uml_self [OPTIONS OF uml_run] -- "$0" "$@"                         guest_self
#   uml_why_not                                                        guest_why_not
#
# It costs some 110 µs a system call.
# shellcheck shell=bash

UML_LINUX=/usr/bin/linux.uml

uml_run() { guest_run uml "$@"; }
uml_self() { guest_self uml "$@"; }
uml_why_not() { guest_why_not uml; }

uml_lacks() {
	local v
	[ -x "$UML_LINUX" ] || { echo "no $UML_LINUX (Debian's user-mode-linux)"; return; }
	v=$("$UML_LINUX" --version 2>/dev/null) || { echo "$UML_LINUX does not run here"; return; }
	[ -d "/usr/lib/uml/modules/$v" ] || echo "no modules of $v in /usr/lib/uml"
}
uml_dead() { echo "$UML_LINUX does not boot here (is ptrace allowed?)"; }
uml_console() { echo /dev/console; }
uml_modules() { echo /usr/lib/uml/modules; }
uml_prepare() { :; }

# The guest's memory is a file in /dev/shm that is unlinked at once.
uml_boot() {	# FOLDER MEGABYTES
	# shellcheck disable=SC2054
	GUEST_BOOT=("$UML_LINUX" mem="$2M" uml_dir="$1" umid=guest con=null con0=null,fd:1 quiet
		loglevel=3 panic=-1 rootfstype=hostfs rw init="$1/init")
}

# shellcheck source=tests/kernel/guest.bash
declare -F guest_run >/dev/null || . tests/kernel/guest.bash
