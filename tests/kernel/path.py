#!/usr/bin/env python3
"""path: a router that loses, delays and so reorders packets, for kernels without netem.

    path.py off IF                                     one packet a frame, checksums made, on IF
    path.py IF-A IF-B LOSS-PERCENT DELAY-MS JITTER-MS  until it is ended

Forwards IP between two interfaces of this namespace, in place of the kernel, whose forwarding is
off. Neighbours are looked up by the kernel: each interface has one, which is asked for once.
"""
import array
import fcntl
import heapq
import random
import select
import socket
import struct
import subprocess
import sys
import time

ETH_P_ALL = 3
SIOCETHTOOL = 0x8946
OFF = {"tx checksums": 0x17, "GRO": 0x2C}  # ethtool's set commands


def offloads_off(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for command in OFF.values():
            value = array.array("B", struct.pack("II", command, 0))
            ifr = struct.pack("16sP16x", name.encode(), value.buffer_info()[0])
            fcntl.ioctl(s, SIOCETHTOOL, ifr)


def neighbour(name):
    """The only one there is: the gateway on that link."""
    for _ in range(50):
        out = subprocess.run(["ip", "-4", "neigh", "show", "dev", name], capture_output=True, text=True).stdout
        for line in out.splitlines():
            words = line.split()
            if "lladdr" in words:
                return bytes.fromhex(words[words.index("lladdr") + 1].replace(":", ""))
        time.sleep(0.1)
    sys.exit(f"path: nobody behind {name}")


def main():
    if sys.argv[1] == "off":
        return offloads_off(sys.argv[2])
    names, (loss, delay, jitter) = sys.argv[1:3], map(float, sys.argv[3:6])
    socks, to, own = {}, {}, {}
    for n in names:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.bind((n, 0))
        s.setblocking(False)
        socks[n] = s
        own[n] = s.getsockname()[4]
        to[n] = neighbour(n)
        offloads_off(n)
    other = {names[0]: names[1], names[1]: names[0]}
    by_fd = {s.fileno(): n for n, s in socks.items()}
    poll = select.poll()
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    waiting, turn, lost, passed = [], 0, 0, 0
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, name, frame = heapq.heappop(waiting)
            try:
                socks[name].send(frame)
            except OSError:
                lost += 1
        wait = (waiting[0][0] - now) * 1000 if waiting else None
        for fd, _ in poll.poll(wait if wait is None else max(wait, 0.2)):
            name = by_fd[fd]
            while True:
                try:
                    frame, about = socks[name].recvfrom(70000)
                except BlockingIOError:
                    break
                # What the kernel here sends, and what is not IP, is not ours.
                if about[2] == socket.PACKET_OUTGOING or frame[:6] != own[name]:
                    continue
                kind = frame[12:14]
                if kind not in (b"\x08\x00", b"\x86\xdd"):
                    continue
                if random.random() * 100 < loss:
                    lost += 1
                    continue
                turn, passed = turn + 1, passed + 1
                out = other[name]
                at = time.monotonic() + (delay + random.uniform(0, jitter)) / 1000
                heapq.heappush(waiting, (at, turn, out, to[out] + own[out] + frame[12:]))


main()
