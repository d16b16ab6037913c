#!/bin/bash
# afalg_engine: the afalg engine over real kernels' crypto API: every algorithm, with and without
# extended numbers, at once and later (cryptd), against engine_mbedtls and published vectors.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
mods="algif_aead algif_skcipher algif_hash authenc authencesn gcm ctr cbc chacha20poly1305 hmac md5"
mods+=" sha512_generic camellia_generic des_generic blowfish_generic cryptd"
guest_self "uml qemu" -t 280 -M "$mods" -- "$0" "$@"
# shellcheck source=tests/lab/lab.bash
. tests/lab/lab.bash

# counted NAME COMMAND...: a program that counts: its checks are ours.
counted() {
	local name=$1 out line; shift
	out=$("$@" 2>&1)
	line=$(tail -1 <<<"$out")
	printf '%s\n' "$out" | sed 's/^/   /'
	[[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped ]] ||
		{ bad "$name" "it ended without a count"; return; }
	passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
}

ADIT_NEED_AFALG=1 counted "random packets" "$LAB_B/tests/unit/afalg_kernel"
counted "vectors" "$LAB_B/tests/vectors/engines"
by_afalg() { "$LAB_B/tests/vectors/engines" | grep -qE 'packets:.* [1-9][0-9]* by afalg'; }
expect "vectors went through afalg" by_afalg
lab_done
