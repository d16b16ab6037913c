#!/bin/bash
# man: every page is clean mdoc, and says something of every verb and setting.
cd "$(dirname "$0")/.." || exit 1
B=$1 passed=0 failed=0
for page in "$B"/man/*.[578]; do
	name=$(basename "$page")
	if out=$(mandoc -Tlint -Wwarning "$page" 2>&1) && [ -z "$out" ] && grep -q '^\.Sh EXAMPLES' "$page"; then
		echo "ok   $name is clean and has examples"; passed=$((passed + 1))
	else
		echo "$out"; echo "FAIL $name"; failed=$((failed + 1))
	fi
done
for verb in $("$B/adit" help --list-verbs 2>/dev/null); do
	if mandoc -Tutf8 "$B/man/adit.8" | col -b | grep -qw -- "$verb"; then
		passed=$((passed + 1))
	else
		echo "FAIL adit(8) does not name $verb"; failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
