# net.bash: a router in namespaces, for the tests of core/net. Sourced.
#
#	LAN host ----- lan0  ROUTER  wan0 ----- internet
#	10.1.0.5    10.1.0.1  |  198.51.100.1   198.51.100.254
#	fd01::5     fd01::1   |                 203.0.113.9 (the peer's gateway), .66 (a stranger)
#	                  adit-branch           8.8.8.8, 10.2.0.5 (an impostor of the far host)
#	                      |
#	                   far host 10.2.0.5, .6, fd02::5, 8.8.8.8: what the tunnel would lead to
#
# adit-branch is a veth here: it stands for the tunnel's interface, and what comes out of its
# other end is what would have been encrypted.
set -eu
cd "$(dirname "$0")/../.."
B=${1:-build}
TOOL=$B/tests/netns/firewall_tool
TMP=$(mktemp -d)
N=ad$$
R=$N-r L=$N-l I=$N-i F=$N-f
passed=0 failed=0 skipped=0
pids=()

finish() {
	local rc=$?
	for p in ${pids[@]+"${pids[@]}"}; do kill "$p" 2>/dev/null || :; done
	wait 2>/dev/null || :
	for n in $R $L $I $F; do ip netns del "$n" 2>/dev/null || :; done
	rm -rf "$TMP"
	[ $rc = 0 ] || [ $failed != 0 ] || { echo "FAIL ended early (exit $rc)"; failed=1; }
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ] || exit 1
}
trap finish EXIT
trap 'exit 1' INT TERM

ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() { failed=$((failed + 1)); [ $# = 1 ] || printf '    %s\n' "${@:2}"; echo "FAIL $1"; }
skip() { skipped=$((skipped + 1)); echo "skip $1: $2"; }
# is NAME WANT GOT
is() { if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "wanted: $2" "got:    $3"; fi; }
# yes NAME COMMAND...   no NAME COMMAND...
yes() { local n=$1; shift; if "$@" >"$TMP/out" 2>&1; then ok "$n"; else bad "$n" "$(tail -5 "$TMP/out")"; fi; }
no() { local n=$1; shift; if "$@" >"$TMP/out" 2>&1; then bad "$n" "$(tail -5 "$TMP/out")"; else ok "$n"; fi; }
in_ns() { ip netns exec "$@"; }

need_root() {
	if [ "$(id -u)" != 0 ] || ! ip netns add $R 2>/dev/null; then
		skip "$(basename "$0")" "needs root and network namespaces"
		exit 0
	fi
	ip netns add $L; ip netns add $I; ip netns add $F
}

# A server on TCP 80 and UDP 500, 4500, 53 that answers with the client's address, and answers
# ESP with ESP; and a client that asks one.
cat >"$TMP/peer.py" <<'END'
import select, socket, sys
def serve():
    socks = []
    for fam, any_ in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        t = socket.socket(fam, socket.SOCK_STREAM)
        t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if fam == socket.AF_INET6:
            t.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        t.bind((any_, 80)); t.listen(16); socks.append(t)
        for port in (500, 4500, 53):
            u = socket.socket(fam, socket.SOCK_DGRAM)
            if fam == socket.AF_INET6:
                u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            u.bind((any_, port)); socks.append(u)
    esp = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50); socks.append(esp)
    print("ready", flush=True)
    while True:
        for s in select.select(socks, [], [])[0]:
            try:
                if s is esp:
                    _, a = s.recvfrom(2048); s.sendto(b"\0\0\1\1answer", (a[0], 0))
                elif s.type == socket.SOCK_STREAM:
                    c, a = s.accept(); c.sendall(a[0].encode()); c.close()
                else:
                    _, a = s.recvfrom(2048); s.sendto(a[0].encode(), a)
            except OSError:
                pass
def ask(kind, host, port, src):
    fam = socket.AF_INET6 if ":" in host else socket.AF_INET
    kinds = {"tcp": (socket.SOCK_STREAM, 0), "udp": (socket.SOCK_DGRAM, 0), "esp": (socket.SOCK_RAW, 50)}
    s = socket.socket(fam, *kinds[kind]); s.settimeout(1.2)
    if src:
        s.bind((src, 0))
    try:
        if kind == "esp":
            s.sendto(b"\0\0\1\1question", (host, 0))
            while s.recvfrom(2048)[1][0] != host:
                pass
            print("answer"); return
        s.connect((host, port))
        if kind == "udp":
            s.send(b"question")
        print(s.recv(100).decode())
    except OSError as e:
        print("nothing")
serve() if sys.argv[1] == "serve" else ask(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None)
END
# ask NS tcp|udp|esp HOST PORT [SOURCE]: the address the other end saw, or "nothing".
ask() { ip netns exec "$1" python3 "$TMP/peer.py" "${@:2}"; }
can_ping() { ip netns exec "$1" ping -c 1 -W 1 -q "${@:2}"; }

# start NAME NS COMMAND...: in the background; returns when it printed "ready".
start() {
	local name=$1 ns=$2; shift 2
	: >"$TMP/$name.log"	# before the fork: an old "ready" is not ours
	ip netns exec "$ns" "$@" >"$TMP/$name.log" 2>&1 &
	pids+=($!)
	eval "pid_$name=$!"
	for _ in $(seq 100); do
		grep -q '^ready' "$TMP/$name.log" && return
		kill -0 $! 2>/dev/null || break
		sleep 0.05
	done
	echo "    $name did not start: $(cat "$TMP/$name.log")"
	return 1
}
# starts NAME-OF-CHECK NAME NS COMMAND...: start, as a check.
starts() { local n=$1; shift; if start "$@"; then ok "$n"; else bad "$n"; fi; }
# stop NAME [SIGNAL]
stop() {
	local p; eval "p=\$pid_$1"
	kill "-${2:-TERM}" "$p" 2>/dev/null || :
	wait "$p" 2>/dev/null || :
}

wire() { # NS1 IF1 NS2 IF2
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}
addr() { # NS IF ADDR...
	local ns=$1 dev=$2 a; shift 2
	for a; do
		case $a in *:*) ip -n "$ns" addr add "$a" dev "$dev" nodad ;; *) ip -n "$ns" addr add "$a" dev "$dev" ;; esac
	done
}
sys() { in_ns "$1" sysctl -qw "${@:2}"; }

make_tunnel() {	# the stand-in for adit-branch
	wire $R adit-branch $F tun0
	addr $F tun0 10.2.0.5/24 10.2.0.6/24 fd02::5/64 8.8.8.8/32
	ip -n $F route replace default dev tun0
	ip -n $F -6 route replace default dev tun0
	# The far end asks for addresses by ARP as if the tunnel were a wire.
	sys $R net.ipv4.conf.adit-branch.proxy_arp=1 net.ipv6.conf.adit-branch.proxy_ndp=1 \
		net.ipv4.conf.adit-branch.rp_filter=2
	ip -n $R -6 neigh add proxy fd01::5 dev adit-branch
	ip -n $R -6 neigh add proxy fd01::1 dev adit-branch
}

make_router() {
	for n in $R $L $I $F; do
		ip -n "$n" link set lo up
		sys "$n" net.ipv6.conf.default.accept_dad=0
	done
	wire $L eth0 $R lan0
	wire $R wan0 $I eth0
	addr $L eth0 10.1.0.5/24 fd01::5/64
	addr $R lan0 10.1.0.1/24 fd01::1/64
	addr $R wan0 198.51.100.1/24
	addr $I eth0 198.51.100.254/24 203.0.113.9/32 203.0.113.66/32 8.8.8.8/32 10.2.0.5/32
	ip -n $L route add default via 10.1.0.1
	ip -n $L -6 route add default via fd01::1
	ip -n $R route add default via 198.51.100.254
	ip -n $I route add 10.1.0.0/24 via 198.51.100.1
	ip -n $I route add 10.2.0.6 via 198.51.100.1
	sys $R net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	make_tunnel
	start far $F python3 "$TMP/peer.py" serve
	start lan $L python3 "$TMP/peer.py" serve
	start net $I python3 "$TMP/peer.py" serve
	start router $R python3 "$TMP/peer.py" serve
}
