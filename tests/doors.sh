#!/bin/bash
# doors: which room may include which (ARCHITECTURE.md), and where each library's one door is.
cd "$(dirname "$0")/.." || exit 1
pass=0 fail=0
ok() { pass=$((pass + 1)); echo "ok   $1"; }
bad() { fail=$((fail + 1)); echo "$2"; echo "FAIL $1"; }
check() { if [ -z "$2" ]; then ok "$1"; else bad "$1" "$2"; fi; }

# includes ROOM PATTERN: lines in ROOM that include something matching.
includes() { grep -rnE "#[[:space:]]*include[[:space:]]*[\"<](\.\./)*$2" "$1" --include='*.[ch]'; }

for a in ike dataplane cli tui; do
	for b in ike dataplane cli tui; do
		[ $a = $b ] || check "$a does not include $b" "$(includes $a "$b/")"
	done
done
for b in ike dataplane cli tui tests; do
	check "core does not include $b" "$(includes core "$b/")"
done
check "core/base includes libc and itself alone" "$(includes core/base core/ | grep -v '"core/base/')"
for r in ike dataplane cli tui core; do
	check "$r does not include tests" "$(includes $r tests/)"
done

for r in v1 v2; do
	[ -d ike/$r ] && check "ike/engine knows nothing of ike/$r" "$(includes ike/engine ike/$r/)"
	check "ike/main asks ike/engine, not ike/$r" "$(includes ike/main ike/$r/)"
done
check "ike/v2 does not include ike/v1" "$(includes ike/v2 ike/v1/)"
[ -d ike/v1 ] && check "ike/v1 does not include ike/v2" "$(includes ike/v1 ike/v2/)"

# door LIBRARY PATTERN ROOM...: the library's headers are included in these folders alone.
door() {
	local lib=$1 pattern=$2 left; shift 2
	left=$(for r in core ike dataplane cli tui man; do [ -d $r ] && includes $r "$pattern"; done)
	for r; do left=$(printf '%s\n' "$left" | grep -v "^$r/"); done
	check "$lib is included in $* alone" "$left"
}
door mbedTLS 'mbedtls/' core/crypto
door libsodium 'sodium/' core/crypto
door libipsec-mb intel-ipsec-mb.h dataplane/engine
door libconfuse confuse.h core/settings
door libmnl 'libmnl/' core/net
door libnftnl 'libnftnl/' core/net
door json-c 'json' core/control
door libseccomp seccomp.h core/daemon
door ncurses '(ncursesw/|curses.h|ncurses.h)' tui

check "no struct is cast onto wire memory in ike/wire" \
	"$(grep -nE '\(const struct [a-z_]+ \*\)|\(struct [a-z_]+ \*\)' ike/wire/*.c)"
check "time comes from core/base alone" \
	"$(grep -rnE '\b(clock_gettime|gettimeofday|time)\(' core/crypto ike dataplane --include='*.c' | grep -v clock_)"
check "randomness comes from core/base alone" \
	"$(grep -rnE '\b(rand|random|getrandom|rand_r)\(' core ike dataplane cli tui --include='*.c' | grep -v '^core/base/')"
big=$(find core ike dataplane cli tui -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" && $1 > 800')
check "no file is longer than 800 lines" "$big"
# Each line of the project's own text speaks of the project alone, not of how it was made.
echo "$pass passed, $fail failed, 0 skipped"
[ $fail = 0 ]
