#!/bin/bash
# hw: adit hw, adit bench and adit counters, with settings in a folder of its own and no daemon:
# what is measured, kept, shown and completed, and what is wrong told in words.
# shellcheck disable=SC2016 # jq programs are in single quotes
cd "$(dirname "$0")/../.." || exit 1
ADIT=$(cd "$1" && pwd)/adit
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export ADIT_CONFIG_DIR=$T/etc ADIT_RUN_DIR=$T/run LC_ALL=C.UTF-8 TERM=xterm
unset NO_COLOR CLICOLOR_FORCE PAGER LESS COLUMNS
passed=0 failed=0 skipped=0
mkdir -p "$T/etc/peers" "$T/run"

ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() { failed=$((failed + 1)); echo "FAIL $1"; head -50 "$T/out" "$T/err" | sed 's/^/     | /'; }
run() {
	local name=$1 want=$2 got; shift 2
	"$ADIT" "$@" >"$T/out" 2>"$T/err" </dev/null
	got=$?
	if [ $got = "$want" ]; then ok "$name"; else echo "     exit $got, not $want: adit $*"; bad "$name"; fi
}
out_has() { if grep -qF -- "$1" "$T/out"; then ok "  says: $1"; else bad "  stdout says: $1"; fi; }
err_has() { if grep -qF -- "$1" "$T/err"; then ok "  complains: $1"; else bad "  stderr says: $1"; fi; }
out_hasnt() { if grep -qF -- "$1" "$T/out" "$T/err"; then bad "  does not say: $1"; else ok "  does not say: $1"; fi; }
json() { if [ -s "$T/out" ] && jq -e "$1" "$T/out" >/dev/null 2>"$T/jq"; then ok "  json: $1"; else cat "$T/jq"; bad "  json: $1"; fi; }
is() { local name=$1; shift; if "$@" >/dev/null 2>&1; then ok "$name"; else bad "$name"; fi; }
P=$T/etc/engine.profile M=$T/etc/engine.bench

# --- a short look, nothing kept
run "hw without a measurement" 0 hw
out_has "Processor"; out_has "nothing was measured yet, so a safe guess"; out_has "a short look just now"
out_has "none: adit is not running; the settings say auto"
out_has "aes256gcm16"; out_has "aes256-sha256"; out_has "mbedtls"; out_hasnt "3des-"
is "  and keeps nothing" test ! -e "$M" -a ! -e "$P"
run "one suite" 0 hw aes128-sha256
out_has "aes128-sha256"; out_hasnt "aes256gcm16"
run "as JSON" 0 hw aes256gcm16 --json
json '.v == 1 and .short and .sizes == [64,256,576,1400,8192]'
json '.processor.cores >= 1 and (.kernel.release | length) > 0 and (.kernel | has("esp4", "esp6", "xfrm_interface", "af_alg"))'
json '.dataplane == {"name":"","why":"","engine":"auto","measured":false}'
json '.suites | length == 1 and .[0].suite == "aes256gcm16" and (.[0].weak | not)'
json '[.suites[0].ways[] | select(.engine == "mbedtls")] | length == 1 and .[0].hardware == false and ([.[0].mbit[] | select(. > 0)] | length) == 5'
json '.unable | type == "object"'
run "for scripts" 0 hw aes256gcm16 --plain
is "  nine columns a way" awk -F'\t' 'NF != 9 || $1 != "aes256gcm16" || $5 < 1 { exit 1 } END { if (!NR) exit 1 }' "$T/out"

# --- mistakes
run "a suite that is none" 2 hw aes256-sha25; err_has "sha256?"
run "a cipher without its hash" 2 hw aes256; err_has "aes256"
run "more than one suite" 2 hw aes256gcm16,aes128gcm16; err_has "one cipher with one hash"
run "PFS is no part of it" 2 hw aes256gcm16-ecp384; err_has "one cipher with one hash"
run "two words" 2 hw aes256gcm16 aes128gcm16; err_has "aes128gcm16"
run "a verb that is almost one" 2 bnech; err_has 'did you mean `adit bench`?'
run "an option of bench alone" 2 hw --quick; err_has "no option --quick"
run "a suite that is none to bench" 2 bench --suite blubb; err_has "--suite: "; err_has "blubb"
run "bench takes no word" 2 bench aes256gcm16; err_has "aes256gcm16"

# --- measured, and kept
run "one suite is measured" 0 bench --suite aes256-sha256
out_has "aes256-sha256"; out_has "Saved."; err_has "measuring for about 2 s"
is "  the profile is there" grep -q '^aes256-sha256 1400 [a-z_]* [0-9]* [0-9]*$' "$P"
is "  for everybody to read" test "$(stat -c %a "$P")" = 644
is "  five sizes of it, and comments" test "$(grep -vc '^#' "$P")" = 5
run "hw shows it" 0 hw aes256-sha256; out_has "measured just now"; out_has "what adit bench found to be fastest"
run "and as JSON" 0 hw aes256-sha256 --json; json '(.short | not) and .when > 1600000000 and .dataplane.measured'
was=$(grep ^aes256-sha256 "$P")
run "another one is added" 0 bench --suite 3des-sha1 -q
is "  nothing is said" test ! -s "$T/err"
is "  the first one stays" test "$(grep ^aes256-sha256 "$P")" = "$was"
is "  a weak one that is the same everywhere is a line" test "$(grep -c ^3des-sha1 "$P")" -ge 1
run "a look at what was not measured" 0 hw chacha20poly1305; out_has "chacha20poly1305"; out_has "a short look"
run "bench as JSON, kept nowhere" 0 bench --suite aes128gcm16 --no-save --json
json '.v == 1 and (.saved | not) and .suites[0].suite == "aes128gcm16"'
is "  nowhere" test "$(grep -c aes128gcm16 "$P" "$M" | grep -vc ':0$')" = 0
start=$SECONDS
run "all of it, in a hurry" 0 bench --quick
is "  within twice its time" test $((SECONDS - start)) -le 20
out_has "CIPHER"; out_has "camellia256"; out_hasnt "camellia256-sha256"
is "  every good suite is in the profile" test "$(grep -cE '^(aes(128|192|256)gcm16|chacha20poly1305|aes(128|192|256)(ctr)?-sha(256|384|512)) 64 ' "$P")" -ge 22
is "  and what is no engine of espd is not" test "$(grep -cE ' (kernel|null) ' "$P")" = 0
is "  within its bounds" test "$(grep -vc '^#' "$P")" -le 256
run "all of it is shown" 0 hw --all; out_has "camellia256-sha256"; out_has "null-sha1"
run "the good alone" 0 hw; out_hasnt "camellia256-sha256"; out_has "aes192gcm16"
for w in 80 60 44; do
	COLUMNS=$w "$ADIT" hw --color=never >"$T/out" 2>/dev/null
	is "  a table without a terminal is whole ($w)" grep -q 'aes256-sha256 .* sw ' "$T/out"
done

# --- files that somebody broke
echo 'aes256gcm16 1400 openssl 32 1' >"$P"
run "a profile that is wrong" 0 hw aes256gcm16; err_has "engine.profile:1: \"openssl\" is no engine"; err_has "adit bench"
echo '{' >>"$M"
run "a measurement that is wrong" 0 hw aes256gcm16; err_has "engine.bench:"; out_has "a short look"
run "bench writes both anew" 0 bench --suite aes256gcm16
run "and they are good" 0 hw aes256gcm16; out_has "measured just now"; out_hasnt "engine."
run "check has nothing against them" 0 check; out_hasnt "engine."
rm -rf "${T:?}/etc"
run "no folder to keep it in" 1 bench --suite aes256gcm16; err_has "--no-save"; err_has "$T/etc"
run "but shown it is" 0 bench --suite aes256gcm16 --no-save; out_has "aes256gcm16"
mkdir -p "$T/etc/peers"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	# As a user that may look, and not write.
	chmod 755 "$T" "$T/etc" "$T/run"
	B=$T/bin; mkdir -p "$B/libexec"; cp "$ADIT" "$B"; cp "$(dirname "$ADIT")/libexec/engine-bench" "$B/libexec"
	ADIT_ROOT=$ADIT ADIT=$B/adit
	user() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	user "$ADIT" bench --suite aes256gcm16 >"$T/out" 2>"$T/err"; rc=$?
	is "a user may not keep it" test $rc = 6; err_has "try it with sudo"
	user "$ADIT" hw aes256gcm16 --json >"$T/out" 2>"$T/err"; rc=$?
	is "but look" test $rc = 0; json '.unable.kernel | test("root")'
	ADIT=$ADIT_ROOT
else
	skipped=$((skipped + 1)); echo "skip a user that is not root"
fi

# --- the settings' own choice
printf 'engine = afalg\nwan = lo\n' >"$T/etc/adit.conf"
run "an engine by the settings" 0 hw aes256gcm16; out_has "afalg, by the settings"; out_has "lo: "
run "and as JSON" 0 hw aes256gcm16 --json; json '.dataplane.engine == "afalg" and .wan.interface == "lo" and .wan.esp_offload != "on"'
rm "$T/etc/adit.conf"

# --- counters need the daemon
run "counters without a daemon" 3 counters; err_has "not running"; err_has "start it"
run "counters take no word" 2 counters x

# --- completion
complete() { "$ADIT" __complete "$@" | cut -f1 | sed '/^$/d'; }
is "verbs complete" test "$(complete be)" = bench
is "suites complete" test "$(complete hw aes256-sha2)" = aes256-sha256
is "suites of an option" test "$(complete bench --suite chac)" = chacha20poly1305
is "options complete" test "$(complete bench --n | sort | tr '\n' ' ')" = "--no-apply --no-pager --no-save "

# --- the program behind it
E=$(dirname "$ADIT")/libexec/engine-bench
"$E" >"$T/out" 2>"$T/err"; rc=$?; is "engine-bench says how it is used" test $rc = 2; err_has "usage"
"$E" 12x >"$T/out" 2>"$T/err"; rc=$?; is "a number that is none" test $rc = 2
"$E" 99999999 >"$T/out" 2>"$T/err"; rc=$?; is "too long" test $rc = 2
"$E" 100 nonsense >"$T/out" 2>"$T/err"; rc=$?; is "a suite that is none" test $rc = 2
is "is told as JSON" jq -e '.error | length > 0' "$T/out"
"$E" 0 >"$T/out" 2>"$T/err"; rc=$?; is "nothing to measure" test $rc = 0
is "each line is an object" jq -es 'all(.[]; has("unable") or has("device"))' "$T/out"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
