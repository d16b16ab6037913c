#!/bin/bash
# replay: every fuzz target over its committed corpus. replay.sh DIR-OF-TARGETS
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
for c in tests/fuzz/corpus/*/; do
	name=$(basename "$c")
	if "$1/$name" "$c"* >/tmp/replay.$$ 2>&1; then
		echo "ok   $name: $(find "$c" -type f | wc -l) inputs"; passed=$((passed + 1))
	else
		cat /tmp/replay.$$; echo "FAIL $name"; failed=$((failed + 1))
	fi
done
rm -f /tmp/replay.$$
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
