#!/bin/bash
# mixed_kernel: as mixed.sh, with the kernel's ESP on both ends. SOAK_S: for how many seconds (40).
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
guest_self "uml qemu" -t $((${SOAK_S:-40} + 240)) -M "ipv6 esp4 esp6 xfrm_user xfrm_interface tun veth sch_netem" -- "$0" "$@"
# shellcheck source=tests/kernel/mixed.bash
. tests/kernel/mixed.bash
mixed_run "${MIXED_DATAPLANE:-kernel}" "${SOAK_S:-40}" 100000
lab_done
