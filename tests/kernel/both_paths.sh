#!/bin/bash
# both_paths: the kernel's ESP on gw-a against adit's own in userspace on gw-b: what one seals the
# other opens, for each cipher, in UDP and as IP protocol 50, inside and outside of both families.
cd "$(dirname "$0")/../.." || exit 1
LAB_B=${1:-build}
# shellcheck source=tests/kernel/guest.bash
. tests/kernel/guest.bash
guest_self "uml qemu" -t 300 -M "ipv6 esp4 esp6 xfrm_user xfrm_interface dummy tun veth" -- "$0" "$@"
# shellcheck source=tests/lab/pair.bash
. tests/lab/pair.bash
lab_offices
for g in a:kernel b:userspace; do
	adit_conf "gw-${g%:*}"; printf 'dataplane = %s\n' "${g#*:}" >"$(adit_dir "gw-${g%:*}")/etc/adit.conf"
done
adit_start gw-a && adit_start gw-b || { bad "both start" "$(pair_logs)"; lab_done; exit; }
dataplane() { adit "$1" status --json | jq -r .dataplane.name; }
[ "$(dataplane gw-a)/$(dataplane gw-b)" = kernel/userspace ] && ok "the kernel here, userspace there" ||
	bad "dataplanes" "$(pair_logs)"
pair_peers start=responder || bad "peers are added"
both() { adit gw-a peer set branch "$@" >/dev/null && adit gw-b peer set main "$@" >/dev/null; }
child() { adit "$1" status --json | jq -r ".peers[0].children[0]$2"; }
# shellcheck disable=SC2016  # awk's $2
errors() { in_ns gw-a awk '{n += $2} END {print n + 0}' /proc/net/xfrm_stat; }
drops() { child gw-b '.drops|add'; }

# Packets of several sizes: with all of the padding there is, and in fragments. The first large one
# of IPv6 may be what tells the host its path's MTU.
sizes() {	# NS ADDRESS
	local s
	for s in 0 1 15 1200 3000; do in_ns "$1" ping -n -c 4 -i 0.1 -W 2 -s $s -M dont "$2" >/dev/null 2>&1 || { echo "$s bytes"; return 1; }; done
}
# NAME | settings of both | of a | of b | to, back
IN6="local_network=fd01::/64 remote_network=fd02::/64|local_network=fd02::/64 remote_network=fd01::/64|fd02::10 fd01::10"
ROWS=(
"AES-256-GCM in UDP, ESN|esp=aes256gcm16 encap=force||"
"AES-128-GCM as a protocol|esp=aes128gcm16 encap=never||"
"IKEv1, so without ESN|version=1 ike=aes256-sha256-modp2048 esp=aes256gcm16-modp2048 encap=force||"
"CBC, SHA-256 in UDP|version=2 esp=aes256-sha256 encap=force||"
"CBC, SHA-512 as a protocol|esp=aes128-sha512 encap=never||"
"ChaCha20-Poly1305 in UDP|esp=chacha20poly1305 encap=force||"
"AES-CTR, SHA-384 in UDP|esp=aes256ctr-sha384 encap=force||"
"weak: 3DES, SHA-1|esp=3des-sha1 allow_weak=3des,sha1 encap=force||"
"IPv6 in IPv4|esp=aes256gcm16 allow_weak= encap=force|$IN6"
"IPv6 in IPv6, as a protocol|encap=never|local_ip=2001:db8:a::1 remote_gateway=2001:db8:b::2|local_ip=2001:db8:b::2 remote_gateway=2001:db8:a::1|fd02::10 fd01::10"
"IPv4 in IPv6, CBC|esp=aes256-sha256 encap=force|local_network=10.1.0.0/24 remote_network=10.2.0.0/24|local_network=10.2.0.0/24 remote_network=10.1.0.0/24|"
)
# Slow in emulation, and most of it is no other code than in uml. Later rows build on earlier ones.
[ "$ADIT_GUEST" = uml ] || LAB_ROWS=${LAB_ROWS:-GCM in UDP|GCM as a protocol}
for row in "${ROWS[@]}"; do
	IFS='|' read -r name settings a b to <<<"$row"
	[[ $name =~ ${LAB_ROWS:-.} ]] || continue
	read -r to back <<<"${to:-10.2.0.10 10.1.0.10}"
	before=$(errors)
	# shellcheck disable=SC2086
	both $settings && { [ -z "$a" ] || adit gw-a peer set branch $a >/dev/null; } &&
		{ [ -z "$b" ] || adit gw-b peer set main $b >/dev/null; } || { bad "$name: settings"; continue; }
	out=$(adit gw-a --timeout 20 up branch 2>&1) || { bad "$name: up" "$out
$(pair_logs)"; continue; }
	across "$name: there" host-a "$to" || continue
	across "$name: and back" host-b "$back"
	expect "$name: all sizes" sizes host-a "$to"
	expect "$name: all sizes back" sizes host-b "$back"
	[ "$(errors)/$(drops)" = "$before/0" ] && ok "$name: neither dropped a packet" ||
		bad "$name: drops: kernel $before → $(errors), userspace $(drops)" "$(in_ns gw-a grep -v '	0$' /proc/net/xfrm_stat; child gw-b .drops)"
	adit gw-a down branch >/dev/null
done

# Both count the same packets and bytes: those inside.
adit gw-a --timeout 20 up branch >/dev/null
ping_ok host-a 10.2.0.10 5 2
numbers() { child "$1" ".$2_packets"; child "$1" ".$2_bytes"; }
same() { [ "$(numbers gw-a tx)" = "$(numbers gw-b rx)" ] && [ "$(child gw-a .tx_packets)" -ge 5 ]; }
until_ok 30 same && ok "both count the same" || bad "both count the same" "$(numbers gw-a tx; numbers gw-b rx; adit gw-a status branch)"
# Keys change by either side, and nothing is lost.
bg host-a ping -n -q -i 0.1 -W 2 10.2.0.10 >"$LAB_DIR/ping" 2>&1
both esp_life=10s rekey_margin=5s
spi=$(child gw-a .spi_in)
is_new() { [ "$(child gw-a .spi_in)" != "$spi" ]; }
for i in 1 2; do
	expect "new keys, $i" until_ok 200 is_new
	spi=$(child gw-a .spi_in)
done
kill -INT $BG; wait $BG 2>/dev/null
grep -q ' 0% packet loss' "$LAB_DIR/ping" && ok "no ping was lost" || bad "pings were lost" "$(tail -2 "$LAB_DIR/ping")
$(pair_logs)"
lab_done
