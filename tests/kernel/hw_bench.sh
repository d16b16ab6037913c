#!/bin/bash
# hw_bench: adit hw and adit bench in kernels that have ESP and AF_ALG: every way is measured, the
# kernel's own included, and what is kept is what espd will pick by.
# shellcheck disable=SC2016 # jq programs are in single quotes
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
guest_self "uml qemu" -t 280 -M "esp4 xfrm_user veth algif_aead algif_skcipher algif_hash authenc gcm seqiv echainiv chacha20poly1305" -- "$0" "$@"
# shellcheck source=tests/lab/lab.bash
. tests/lab/lab.bash
ADIT=$LAB_B/adit
export ADIT_CONFIG_DIR=$LAB_DIR/etc ADIT_RUN_DIR=$LAB_DIR/run LC_ALL=C.UTF-8
mkdir -p "$ADIT_CONFIG_DIR/peers" "$ADIT_RUN_DIR"
O=$LAB_DIR/out
# json NAME EXPRESSION: about the last output.
json() { if jq -e "$2" "$O" >/dev/null 2>&1; then ok "$1"; else bad "$1" "$2: $(head -c 3000 "$O")"; fi; }
run() { local name=$1; shift; if "$ADIT" "$@" >"$O" 2>"$O.err" </dev/null; then ok "$name"; else bad "$name" "$(tail -5 "$O.err")"; fi; }
has() { if grep -qF -- "$1" "$O"; then ok "  says: $1"; else bad "  says: $1" "$(head -60 "$O")"; fi; }
speeds='(.mbit | length == 5 and all(. > 0))'

run "one suite is measured" bench --suite aes256-sha256 --no-save --json
json "by mbedtls" '.suites[0].ways[] | select(.engine == "mbedtls") | '"$speeds"
json "by AF_ALG, whose driver is known" '.suites[0].ways[] | select(.engine == "afalg") | '"$speeds"' and (.driver | startswith("authenc(hmac(sha256"))'
json "by the kernel's ESP, too" '.suites[0].ways[] | select(.engine == "kernel") | '"$speeds"' and (.driver | test("authenc.hmac.sha256")) and .batch == [0,0,0,0,0]'
json "in software, all of them" 'all(.suites[0].ways[]; .hardware | not) and .crypto_devices == []'
json "larger packets are faster" '.suites[0].ways[] | select(.engine == "mbedtls") | .mbit[4] > .mbit[0]'

run "AES-GCM" hw aes256gcm16 --json
json "by the kernel's driver" '.suites[0].ways[] | select(.engine == "kernel") | '"$speeds"' and (.driver | startswith("rfc4106(gcm"))'
run "ChaCha20-Poly1305" hw chacha20poly1305 --json
json "by the kernel's driver" '.suites[0].ways[] | select(.engine == "kernel") | '"$speeds"' and (.driver | test("chacha20"))'

start=$SECONDS
run "all of it, and kept" bench --json
[ $((SECONDS - start)) -le 90 ] && ok "within its time" || bad "within its time" "$((SECONDS - start)) s"
speeds='(.mbit[3] > 0)'
json "every good suite" '[.suites[] | select(.weak | not)] | length >= 22 and all(.[]; any(.ways[]; .engine == "mbedtls" and '"$speeds"'))'
json "the kernel's ESP for those with CBC" '[.suites[] | select(.suite | test("^aes(128|192|256)-sha(256|384|512)$")) | .ways[] | select(.engine == "kernel")] | length == 9 and all(.[]; '"$speeds"')'
json "no way is missing as a whole" '(.unable | has("afalg", "kernel") | not)'
P=$ADIT_CONFIG_DIR/engine.profile
expect "the profile is kept" grep -q '^aes256gcm16 1400 ' "$P"
expect_not "the kernel is no engine of it" grep -q ' kernel ' "$P"
expect_not "no interface is left behind" ip link show bench0
[ "$(ip xfrm state count 2>/dev/null | tr -dc '0-9')" = 0 ] && ok "and no SA" || bad "and no SA" "$(ip xfrm state)"
run "adit hw shows it" hw
has "ESP: yes"; has "AF_ALG: yes"; has "measured"; has "what adit bench found to be fastest"; has " kernel "
lab_done
