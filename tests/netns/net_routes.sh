#!/bin/bash
# net_routes: 0.0.0.0/0 and ::/0 as remote network. What belongs in the tunnel goes there; the
# router's own traffic, the peer's gateway, other LANs and a session to the router do not, and
# a TCP session like the admin's SSH lives through the tunnel's coming and going.
# shellcheck source=tests/netns/net.bash disable=SC2086
. "$(dirname "$0")/net.bash"
need_root
make_router
# A second LAN, which is not the local network of the peer.
wire $L eth1 $R dmz0
addr $R dmz0 10.9.0.1/24
addr $L eth1 10.9.0.5/24
ip -n $L rule add from 10.9.0.5 lookup 9
ip -n $L route add default via 10.9.0.1 table 9
ip -n $I route add 10.9.0.0/24 via 198.51.100.1
# The impostor is no part of this.
ip -n $I addr del 10.2.0.5/32 dev eth0

PEER="peer=branch gw=203.0.113.9 local=10.1.0.0/24 remote=0.0.0.0/0"
hold() { start hold $R "$TOOL" hold state="$TMP/state" "$@"; }
where() { in_ns $R "$TOOL" lookup "$@" 2>&1; }
routing() { ip -n $R -4 rule; ip -n $R -6 rule; ip -n $R -4 route show table all; ip -n $R -6 route show table all | grep -v fe80; }

# A session: a line a tick in both directions, until it ends or is cut.
cat >"$TMP/session.py" <<'END'
import socket, sys, time
def say(n):
    print(n, flush=True)
if sys.argv[1] == "serve":
    l = socket.socket(socket.AF_INET, socket.SOCK_STREAM); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    l.bind(("0.0.0.0", 22)); l.listen(8); print("ready", flush=True)
    import threading
    def echo(c):
        try:
            while True:
                d = c.recv(100)
                if not d: return
                c.sendall(d)
        except OSError:
            pass
    while True:
        threading.Thread(target=echo, args=(l.accept()[0],), daemon=True).start()
else:
    s = socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=2, source_address=(sys.argv[4], 0)); s.settimeout(2)
    print("ready", flush=True); n = 0
    while True:
        s.sendall(b"tick"); assert s.recv(100); n += 1; say(n); time.sleep(0.05)
END
start sshd $R python3 "$TMP/session.py" serve
start lansshd $L python3 "$TMP/session.py" serve
ticks() { tail -1 "$TMP/$1.log"; }
alive() { # NAME SESSION: it goes on counting
	local a b; a=$(ticks "$2"); sleep 0.4; b=$(ticks "$2")
	if [ "$b" -gt "$a" ] 2>/dev/null; then ok "$1"; else bad "$1" "stands at $a, then $b"; fi
}

routing >"$TMP/before"
# The admin: from the internet to the WAN address, from the LAN, and by a forwarded port.
in_ns $R nft -f - <<'END'
table ip ports {
	chain pre { type nat hook prerouting priority -100; iifname "wan0" tcp dport 2222 dnat to 10.1.0.5:22; }
	chain post { type nat hook postrouting priority 100; oifname "wan0" masquerade; }
}
END
start wansession $I python3 "$TMP/session.py" ask 198.51.100.1 22 8.8.8.8
start lansession $L python3 "$TMP/session.py" ask 10.1.0.1 22 10.1.0.5
start lanwansession $L python3 "$TMP/session.py" ask 198.51.100.1 22 10.1.0.5
is "WAN and LANs are found" "wan wan0,lan lan0,lan dmz0" \
	"$(in_ns $R "$TOOL" view | grep -v ^own | paste -sd,)"

hold $PEER
is "LAN host reaches an internet host by the tunnel" 10.1.0.5 "$(ask $L tcp 8.8.8.8 80 10.1.0.5)"
alive "the session to the WAN address lives" wansession
alive "the session to the LAN address lives" lansession
alive "the session from the LAN to the WAN address lives" lanwansession
starts "a forwarded port answers" forwarded $I python3 "$TMP/session.py" ask 198.51.100.1 2222 8.8.8.8
alive "and goes on" forwarded
starts "a new session to the WAN address works" newsession $I python3 "$TMP/session.py" ask 198.51.100.1 22 8.8.8.8
is "the router's own traffic goes by the WAN" "wan0 198.51.100.1" "$(where 8.8.8.8)"
is "so does what comes from the WAN address" "wan0 198.51.100.1" "$(where 8.8.8.8 198.51.100.1)"
is "the gateway is reached by the WAN, from whatever address" "wan0 10.1.0.1" "$(where 203.0.113.9 10.1.0.1)"
is "the router from its LAN address: by the tunnel" "adit-branch 10.1.0.1" "$(where 8.8.8.8 10.1.0.1)"
is "the other LAN is a neighbour" "dmz0 10.1.0.1" "$(where 10.9.0.5 10.1.0.1)"
is "LAN to the other LAN" 10.1.0.5 "$(ask $L tcp 10.9.0.1 80 10.1.0.5)"
is "the other LAN's internet goes by the WAN, as before" 198.51.100.1 "$(ask $L tcp 8.8.8.8 80 10.9.0.5)"
is "link-local is thrown back" "wan0 10.1.0.1" "$(where 169.254.1.1 10.1.0.1)"
is "the router itself reaches the internet by the WAN" 198.51.100.1 "$(ask $R tcp 8.8.8.8 80)"
is "IKE from the peer arrives" 203.0.113.9 "$(ask $I udp 198.51.100.1 500 203.0.113.9)"

# Strict reverse path filters, and a reload of the WAN's default route.
sys $R net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.wan0.rp_filter=1
alive "strict reverse path filter: the WAN session lives" wansession
alive "strict reverse path filter: the forwarded port lives" forwarded
starts "strict reverse path filter: a forwarded port answers" forwarded2 $I python3 "$TMP/session.py" ask 198.51.100.1 2222 8.8.8.8
is "strict reverse path filter: LAN host by the tunnel" 10.1.0.5 "$(ask $L tcp 8.8.8.8 80 10.1.0.5)"
sys $R net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.wan0.rp_filter=0
ip -n $R route flush proto 173
sleep 0.8
is "routes that somebody flushed come back" 10.1.0.5 "$(ask $L tcp 8.8.8.8 80 10.1.0.5)"
ip -n $R rule del pref 174
sleep 0.8
is "rules too" 10.1.0.5 "$(ask $L tcp 8.8.8.8 80 10.1.0.5)"

stop hold
alive "the session to the WAN address lives when it stops" wansession
alive "the session to the LAN address too" lansession
alive "the forwarded port too" forwarded
is "then the LAN's internet goes by the WAN" 198.51.100.1 "$(ask $L tcp 8.8.8.8 80 10.1.0.5)"
routing >"$TMP/after"
yes "no route and no rule of ours is left" diff "$TMP/before" "$TMP/after"

# A crash leaves them; the next start takes them away.
hold $PEER
stop hold KILL
if routing | grep -q 'proto 173'; then ok "a crash leaves the routes"; else bad "a crash leaves the routes"; fi
in_ns $R "$TOOL" clean state="$TMP/state"
routing >"$TMP/after"
yes "clean takes them away" diff "$TMP/before" "$TMP/after"

# Both sides everything: the WAN address is in the local network too.
hold peer=branch gw=203.0.113.9 local=0.0.0.0/0 remote=0.0.0.0/0
alive "0.0.0.0/0 to 0.0.0.0/0: the WAN session lives" wansession
alive "0.0.0.0/0 to 0.0.0.0/0: the LAN session lives" lansession
alive "0.0.0.0/0 to 0.0.0.0/0: the forwarded port lives" forwarded
is "0.0.0.0/0 to 0.0.0.0/0: IKE from the peer arrives" 203.0.113.9 "$(ask $I udp 198.51.100.1 500 203.0.113.9)"
is "0.0.0.0/0 to 0.0.0.0/0: the gateway by the WAN" "wan0 198.51.100.1" "$(where 203.0.113.9)"
is "0.0.0.0/0 to 0.0.0.0/0: LAN host by the tunnel" 10.1.0.5 "$(ask $L tcp 8.8.8.8 80 10.1.0.5)"
stop hold

# A remote network that contains the gateway.
hold peer=branch gw=203.0.113.9 local=10.1.0.0/24 remote=203.0.113.0/24
is "gateway inside: reached by the WAN" "wan0 198.51.100.1" "$(where 203.0.113.9)"
is "gateway inside: its neighbour by the tunnel" "adit-branch 10.1.0.1" "$(where 203.0.113.66 10.1.0.1)"
is "gateway inside: IKE from it arrives" 203.0.113.9 "$(ask $I udp 198.51.100.1 500 203.0.113.9)"
stop hold

# A remote network that contains the LAN, and IPv6.
hold peer=branch gw=203.0.113.9 local=10.1.0.0/24 remote=10.0.0.0/8 local=fd01::/64 remote=::/0
is "10.0.0.0/8: the LAN stays a neighbour" "lan0 10.1.0.1" "$(where 10.1.0.5)"
is "10.0.0.0/8: the other LAN too" "dmz0 10.9.0.1" "$(where 10.9.0.5)"
is "10.0.0.0/8: the rest by the tunnel" "adit-branch 10.1.0.1" "$(where 10.2.0.5)"
is "10.0.0.0/8: the other LAN can be reached" 10.1.0.5 "$(ask $L tcp 10.9.0.1 80 10.1.0.5)"
alive "10.0.0.0/8: the LAN session lives" lansession
is "::/0: LAN host by the tunnel" fd01::5 "$(ask $L tcp fd02::5 80)"
is "::/0: another address of the LAN is a neighbour" "lan0 fd01::1" "$(where fd01::7)"
stop hold
routing >"$TMP/after"
yes "and nothing is left" diff "$TMP/before" "$TMP/after"
