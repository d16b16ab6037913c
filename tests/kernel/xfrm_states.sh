#!/bin/bash
# xfrm_states: what the kernel dataplane does to states, by hand (tests/netns/xfrm_tool.c): moves
# without using a number twice, limits of both halves together, traps, and a NIC that takes ESP.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
guest_self "uml qemu" -t 200 -M "ipv6 esp4 esp6 esp4_offload xfrm_user xfrm_interface dummy veth netdevsim" -- "$0" "$@"
# shellcheck source=tests/lab/lab.bash
. tests/lab/lab.bash
lab_ns a b
lab_link a eth0 b eth0
lab_addr a eth0 192.0.2.1/24 192.0.2.11/24; lab_addr b eth0 192.0.2.2/24 192.0.2.12/24
lab_addr a lo 10.1.0.1/32
tool() { in_ns a "$LAB_B/tests/netns/xfrm_tool" >"$LAB_DIR/out" 2>&1; }
says() { grep -qxE -- "$1" "$LAB_DIR/out" && ok "$2" || bad "$2" "$(cat "$LAB_DIR/out")"; }
never() { grep -qE -- "$1" "$LAB_DIR/out" && bad "$2" "$(cat "$LAB_DIR/out")" || ok "$2"; }
OSEQ="ip xfrm state get src \$0 dst \$1 proto esp spi 0x2001 | grep -oE oseq.0x[0-9a-f]+"
PING="ip route replace 10.2.0.0/24 dev adit-tool src 10.1.0.1; ping -n -q -W 0.05 -i 0.01 10.2.0.1 >/dev/null -c"

# --- moves
tool <<END
start no
iface 192.0.2.2
add 1 192.0.2.1 192.0.2.2
sh $PING 5
sh bash -c '$OSEQ' 192.0.2.1 192.0.2.2
update 1 192.0.2.11 192.0.2.12
sh bash -c '$OSEQ' 192.0.2.11 192.0.2.12
sh $PING 3
sh bash -c '$OSEQ' 192.0.2.11 192.0.2.12
query 1
sh ip xfrm policy list dir out | grep -q 'tmpl src 192.0.2.11 dst 192.0.2.12'
sh ip xfrm state | grep -q 'src 192.0.2.1 '
END
says "added 1: ok" "a pair is in"
[ "$(grep -c "^oseq 0x5$" "$LAB_DIR/out")" = 2 ] && ok "moved: it goes on with the number it had" ||
	bad "moved: it goes on with the number it had" "$(cat "$LAB_DIR/out")"
says "oseq 0x8" "and sends with the next ones"
says "stats 1: tx=8 .*" "counters go on"
never "^event" "nothing was lost"
[ "$(tail -2 "$LAB_DIR/out" | tr '\n' ' ')" = "sh: 0 sh: 1 " ] && ok "policies lead to the new end, the old states are gone" ||
	bad "policies lead to the new end, the old states are gone" "$(cat "$LAB_DIR/out")"
expect "stopped: no state is left" test -z "$(in_ns a ip xfrm state)"
expect "and no policy" test -z "$(in_ns a ip xfrm policy)"

# --- limits of both together, used by one alone
tool <<END
start no
iface 192.0.2.2
add 1 192.0.2.1 192.0.2.2 soft=100 hard=200
sh $PING 60
query 1
wait 50
sh $PING 60
wait 100
query 1
sh $PING 150
wait 1500
query 1
END
says "stats 1: tx=60 .*" "sixty of a hundred, in one direction"
says "event 1: soft" "the soft limit is told"
says "stats 1: tx=120 .*" "past it traffic goes on"
says "event 1: hard" "the hard limit ends it"
grep -n . "$LAB_DIR/out" | grep -B99 "event 1: soft" | grep -q "tx=60" && ok "not before it was reached" ||
	bad "not before it was reached" "$(cat "$LAB_DIR/out")"

# --- not used before its time
tool <<END
start no
iface 192.0.2.2
add 1 192.0.2.1 192.0.2.2
add 2 192.0.2.1 192.0.2.2 hold
sh $PING 4
query 2
activate 2
sh $PING 4
query 2
del 1 0
sh $PING 2
query 2
END
says "stats 2: tx=0 .*" "held: not sent with"
says "stats 2: tx=4 .*" "activated: used at once"
says "stats 2: tx=6 .*" "and alone"

# --- a packet waits
tool <<END
start no
iface 192.0.2.2 trap
sh $PING 1
wait 50
add 3 192.0.2.1 192.0.2.2
wait 50
sh $PING 2
query 3
END
says "wanted adit-tool" "a packet asks for the tunnel"
says "stats 3: tx=[23] .*" "and then there is one"

# --- flushed by somebody
tool <<END
start no
iface 192.0.2.2
add 4 192.0.2.1 192.0.2.2
sh ip xfrm state flush
wait 200
add 5 192.0.2.1 192.0.2.2
add 6 192.0.2.1 192.0.2.2
sh ip xfrm state delete src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x2005
wait 200
END
says "lost" "states flushed: told"
says "event 5: hard" "one deleted: told"

# --- a NIC that takes ESP; without it by itself
nic() {
	local d
	echo "7 1" >/sys/bus/netdevsim/new_device || return
	sleep 0.5
	d=$(ls /sys/bus/netdevsim/devices/netdevsim7/net) || return
	ip link set "$d" netns "$(ns a)" && in_ns a ip link set "$d" name nic0 && in_ns a ip link set nic0 up &&
		lab_addr a nic0 198.18.0.1/24
}
for how in auto crypto; do
	tool <<-END
	start $how
	iface 192.0.2.2
	add 1 192.0.2.1 192.0.2.2
	query 1
	END
	says "stats 1: tx=0 rx=0 offload=0 .*" "offload $how, no such NIC: done without"
done
if [ -e /sys/bus/netdevsim/new_device ] && nic; then
	for how in auto crypto packet no; do
		tool <<-END
		start $how
		iface 198.18.0.2
		add 1 198.18.0.1 198.18.0.2
		query 1
		add 2 198.18.0.1 198.18.0.2 udp
		query 2
		sh ip xfrm state | grep -A1 offload
		END
		[ $how = no ] && want=0 || want=1
		# This one takes ciphering alone.
		says "stats 1: tx=0 rx=0 offload=$want .*" "offload $how, netdevsim: $([ "$want" = 1 ] && echo taken || echo left alone)"
		says "stats 2: tx=0 rx=0 offload=0 .*" "offload $how: ESP in UDP it does not take"
	done
else
	skip "a NIC that takes ESP" "this kernel has no netdevsim"
fi
lab_done
