#!/bin/bash
# mixed: TCP, UDP and ICMP over a bad path while keys change all the time, adit's userspace ESP
# on both ends. SOAK_S: for how many seconds (40).
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/mixed.bash
. tests/kernel/mixed.bash
mixed_run userspace "${SOAK_S:-40}" 1000000
lab_done
