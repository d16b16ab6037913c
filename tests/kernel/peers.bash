# peers: IPsec daemons that cannot be installed beside strongSwan: their Debian packages are
# fetched and unpacked below the build folder, and run from there. Sourced by tests/kernel/*.sh
# on the host; the guest has no network.
# shellcheck shell=bash

# unpack PACKAGE: into $LAB_B/peers/PACKAGE, once; prints why when that is not possible.
unpack() {
	local d=$LAB_B/peers/$1 t
	[ -d "$d" ] && return 0
	mkdir -p "$LAB_B/peers"
	t=$(mktemp -d "$LAB_B/peers/get.XXXXXX")
	if (cd "$t" && apt-get download -qq "$1" >/dev/null 2>"err" && dpkg-deb -x ./*.deb x); then
		# Folders named *.d are for services; make would take them for lists of headers.
		find "$t/x" -depth -type d -name '*.d' -exec rm -rf {} +
		mv -T "$t/x" "$d" 2>/dev/null
	else
		echo "apt-get download $1: $(grep -v ^W: "$t/err" | head -1)"
	fi
	rm -rf "$t"
	[ -d "$d" ]
}
