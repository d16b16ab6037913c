# qemu: Debian's own kernel under QEMU's plain emulation (no KVM is asked for), one of the two
# kernels of guest.bash, which says what a guest is. Sourced by tests/kernel/*.sh.
#
#   qemu_run [-m MEGABYTES] [-t SECONDS] [-M "MODULE..."] COMMAND...    guest_run
#   qemu_self [OPTIONS OF qemu_run] -- "$0" "$@"                        guest_self
#   qemu_why_not                                                        guest_why_not
#
# The package linux-image-… is fetched with apt-get once and unpacked below the build folder;
# nothing of it is installed. So that a guest is up in 3 seconds, two of them emulated:
#   - the kernel is started as an ELF file (PVH), since to unpack its bzImage takes 4 seconds more;
#   - the initramfs holds busybox and the dozen modules that reach the host's files by 9p;
#   - no BIOS devices that are waited for, no self-tests of ciphers, no memory zeroed twice, and
#     network namespaces go without waiting for a quiet moment (rcu_expedited).
# shellcheck shell=bash

QEMU_SYSTEM=qemu-system-x86_64

qemu_run() { guest_run qemu "$@"; }
qemu_self() { guest_self qemu "$@"; }
qemu_why_not() { guest_why_not qemu; }

# What reaches the host's files, and a console that costs less than a serial line.
QEMU_MODULES="virtio_pci 9p 9pnet_virtio virtio_console"

qemu_folder() { realpath -m "${LAB_B:-build}/peers/linux"; }
qemu_lacks() {
	[ "$(uname -m)" = x86_64 ] || { echo "programs of $(uname -m) do not run on an x86-64 kernel"; return; }
	command -v $QEMU_SYSTEM >/dev/null || { echo "no $QEMU_SYSTEM (Debian's qemu-system-x86)"; return; }
	command -v xz >/dev/null || { echo "no xz (Debian's xz-utils)"; return; }
	qemu_get
}
qemu_dead() { echo "Debian's kernel does not boot under $QEMU_SYSTEM"; }
qemu_console() { echo /dev/hvc0; }
qemu_modules() { echo "$(qemu_folder)/lib/modules"; }
# The host's files are read-only; what a tool writes to /tmp, whatever TMPDIR says, is ours.
qemu_prepare() {
	cat <<-'END'
	mkdir -p /run/over/tmp /run/over/work; chmod 1777 /run/over/tmp
	/run/modprobe overlay && mount -t overlay overlay -o lowerdir=/tmp,upperdir=/run/over/tmp,workdir=/run/over/work /tmp
	END
}

qemu_boot() {	# FOLDER MEGABYTES
	local k; k=$(qemu_folder)
	# shellcheck disable=SC2054  # commas are QEMU's
	GUEST_BOOT=("$QEMU_SYSTEM" -accel tcg -cpu "max,la57=off" -smp 1 -m "$2" -M "q35,usb=off,i8042=off"
		-nodefaults -no-user-config -display none -no-reboot -kernel "$k/vmlinux" -initrd "$k/initrd"
		-append "quiet loglevel=3 console=ttyS0 panic=-1 mitigations=off audit=0 apparmor=0
			nowatchdog random.trust_cpu=on rcupdate.rcu_expedited=1 init_on_alloc=0
			cryptomgr.notests=1 tsc=reliable no_timer_check -- $1/init"
		-serial "file:$1/kernel" -chardev stdio,id=out,signal=off
		-device virtio-serial-pci -device virtconsole,chardev=out
		-fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
		-device virtio-9p-pci,fsdev=root,mount_tag=root)
	# One line of words for the kernel.
	local i
	for i in "${!GUEST_BOOT[@]}"; do GUEST_BOOT[i]=${GUEST_BOOT[i]//[$'\n\t']/ }; done
}

# qemu_get: the kernel, its modules and the initramfs, once; prints why when that cannot be.
qemu_get() {
	local d t; d=$(qemu_folder)
	[ ! -d "$d" ] || return 0
	mkdir -p "${d%/*}"
	t=$(mktemp -d "$d.XXXXXX") || return
	qemu_fetch "$t" && qemu_unpack "$t" && qemu_initrd "$t" && mv -T "$t/x" "$d" 2>/dev/null
	rm -rf "$t"
	[ -d "$d" ] || echo "the kernel's package could not be unpacked"
}
qemu_fetch() {	# FOLDER
	local pkg
	pkg=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
	(cd "$1" && apt-get download -qq "${pkg:-linux-image-amd64}" busybox-static >/dev/null 2>err) && return
	# The lists may be older than what the mirror still has.
	apt-get update -qq >/dev/null 2>&1
	pkg=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
	(cd "$1" && apt-get download -qq "${pkg:-linux-image-amd64}" busybox-static >/dev/null 2>err) && return
	echo "apt-get download ${pkg:-linux-image-amd64}: $(grep -v ^W: "$1/err" | head -1)"
	return 1
}
qemu_unpack() {	# FOLDER: into FOLDER/x, without the drivers of a desktop
	local x=$1/x z at v
	mkdir "$x"
	dpkg-deb --fsys-tarfile "$1"/linux-image-*.deb | tar -x -C "$x" --wildcards --exclude='*/drivers/gpu' \
		--exclude='*/drivers/media' --exclude='*/drivers/net/wireless' --exclude='*/drivers/net/ethernet' \
		--exclude='*/kernel/sound' --exclude='*/drivers/scsi' --exclude='*/drivers/infiniband' \
		--exclude='*/drivers/staging' --exclude='*/drivers/iio' --exclude='*/drivers/usb' \
		'./boot/vmlinuz-*' './*lib/modules/*' || return
	[ -d "$x/lib/modules" ] || { mkdir "$x/lib" && mv "$x/usr/lib/modules" "$x/lib/"; } || return
	v=$(ls "$x/lib/modules")
	depmod -b "$x" "$v" 2>/dev/null
	dpkg-deb -x "$1"/busybox-static*.deb "$1/bb" || return
	# The ELF file inside, which a signature of xz begins.
	z=("$x"/boot/vmlinuz-*)
	# shellcheck disable=SC2013  # numbers
	for at in $(LC_ALL=C grep -aobP '\xfd7zXZ\x00' "${z[0]}" | cut -d: -f1); do
		tail -c "+$((at + 1))" "${z[0]}" | xz -dc --single-stream >"$x/vmlinux" 2>/dev/null
		[ "$(head -c 4 "$x/vmlinux" | tail -c 3)" = ELF ] && return
	done
	# Packed by other means: as it comes, then.
	cp "${z[0]}" "$x/vmlinux"
}
qemu_initrd() {	# FOLDER
	local i=$1/initrd m
	mkdir -p "$i/m" "$i/root" "$i/proc" "$i/dev"
	cp "$1/bb/bin/busybox" "$i/" || cp "$1/bb/usr/bin/busybox" "$i/" || return
	for m in $QEMU_MODULES; do modprobe -d "$1/x" -S "$(ls "$1/x/lib/modules")" --show-depends "$m"; done |
		awk '$1 == "insmod" && !seen[$2]++ {print $2}' >"$1/list"
	while read -r m; do cp "$m" "$i/m/" && echo "/m/${m##*/}"; done <"$1/list" >"$i/order"
	cat >"$i/init" <<-'END'
	#!/busybox sh
	/busybox mount -t devtmpfs dev /dev
	/busybox mount -t proc proc /proc
	for m in $(/busybox cat /order); do /busybox insmod $m; done
	/busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000 root /root
	/busybox mount -o move /dev /root/dev
	/busybox mount -o move /proc /root/proc
	# The kernel hands over its own words first.
	for init; do :; done
	exec /busybox switch_root /root "$init"
	END
	chmod 755 "$i/init"
	(cd "$i" && find . | "$i/busybox" cpio -o -H newc 2>/dev/null) >"$1/x/initrd"
}

# shellcheck source=tests/kernel/guest.bash
declare -F guest_run >/dev/null || . tests/kernel/guest.bash
