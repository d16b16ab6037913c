#!/bin/bash
# lab: scripts of tests/lab as they are, in kernels that have ESP: there adit takes the kernel's
# by itself (dataplane = auto), and strongSwan gets it too instead of its own.
#
#   tests/kernel/lab.sh BUILD [NAME...]       NAME of tests/lab/NAME.sh
#
# Of the table against strongSwan some rows, LAB_ROWS: User-Mode Linux has no NAT in nf_tables.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
names=("${@:2}")
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
guest_self "uml qemu" -m 768 -t 560 -M "ipv6 esp4 esp6 ah4 ah6 ipcomp xfrm_user xfrm_interface dummy tun veth" -- "$0" "$@"
export SWAN_ESP=' '
if [ "$ADIT_GUEST" = uml ]; then
	[ ${#names[@]} != 0 ] || names=(matrix_v2)
	export LAB_ROWS=${LAB_ROWS:-nothing in clear|IPv6 in IPv6}
else
	[ ${#names[@]} != 0 ] || names=(paths matrix_v2)
	export LAB_ROWS=${LAB_ROWS:-behind our NAT|NAT on both|two children|we move}
fi
p=0 f=0 s=0
for n in "${names[@]}"; do
	from=$SECONDS
	out=$(mktemp "$TMPDIR/lab.XXXXXX")
	"tests/lab/$n.sh" "$LAB_B" 2>&1 | tee "$out" | grep -v '^ok ' | sed -E "s/^(FAIL|skip) /\1 $n: /; s/^([0-9]+ passed)/$n: \1/"
	[[ $(grep -E '^[0-9]+ passed' "$out" | tail -1) =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]] || BASH_REMATCH=(0 0 1 0 0)
	p=$((p + BASH_REMATCH[1])) f=$((f + BASH_REMATCH[2])) s=$((s + ${BASH_REMATCH[4]:-0}))
	echo "$n: $((SECONDS - from)) s"
done
echo "$p passed, $f failed, $s skipped"
[ $f = 0 ]
