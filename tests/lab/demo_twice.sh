#!/bin/bash
# demo_twice: the demo, without a terminal, twice in a row; nothing of it is left behind.
cd "$(dirname "$0")/../.." || exit 1
B=${1:-build} passed=0 failed=0
ours() { ip netns list | awk '{print $1}' | sort; }
before=$(ours)
for i in 1 2; do
	if out=$(tests/lab/demo "$B" </dev/null 2>&1); then
		echo "ok   run $i"; passed=$((passed + 1))
	else
		echo "$out"; echo "FAIL run $i"; failed=$((failed + 1))
	fi
done
# Other tests run beside this one: what counts is what this demo would have left.
pid=$(printf '%s\n' "$out" | sed -n 's/.*kept: //p')
left=$(comm -13 <(echo "$before") <(ours) | while read -r n; do
	p=${n#adit-}; p=${p%%-*}; [ -d "/proc/$p" ] || echo "$n"; done)
if [ -z "$left$pid" ]; then
	echo "ok   nothing is left"; passed=$((passed + 1))
else
	echo "left: $left"; echo "FAIL nothing is left"; failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
