#!/usr/bin/env python3
"""mixed: TCP and UDP traffic that knows whether every byte arrived as it was sent.

    mixed.py serve ADDRESS...                       until SIGTERM
    mixed.py call SECONDS RATE FROM TO [FROM TO]...

The caller has, for each pair of addresses, one TCP connection that lasts all the SECONDS, others
that come and go, and UDP datagrams of 1 to 3000 bytes. What goes over TCP is random and followed
by its SHA-256; the other end checks it and sends as much of its own. A datagram has its checksum
within and comes back as it was. RATE is bytes a second of all together, each way.

Each ends with one line of JSON, what was counted.
"""
import hashlib
import json
import os
import random
import signal
import socket
import struct
import sys
import threading
import time
import zlib

PORT = 5000
STUCK_S = 60  # a connection that makes no progress for so long is stuck
counts = {}
lock = threading.Lock()


def count(**what):
    with lock:
        for name, n in what.items():
            counts[name] = counts.get(name, 0) + n


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def read(s, n):
    got = bytearray()
    while len(got) < n:
        part = s.recv(min(65536, n - len(got)))
        if not part:
            raise ConnectionError("ended early")
        got += part
    return bytes(got)


def send(s, data, bucket):
    """A turn: the length, what it is, its sum; all at the pace of the bucket."""
    s.sendall(struct.pack("!I", len(data)))
    for i in range(0, len(data), 8192):
        part = data[i : i + 8192]
        bucket.take(len(part))
        s.sendall(part)
    s.sendall(hashlib.sha256(data).digest())


def receive(s):
    """Length 0: the other end says good bye."""
    (n,) = struct.unpack("!I", read(s, 4))
    if not n:
        return 0
    data = read(s, n)
    right = read(s, 32) == hashlib.sha256(data).digest()
    count(tcp_bytes=n, tcp_turns=1, tcp_wrong=0 if right else 1)
    return n


class Bucket:
    """Bytes a second for all threads together."""

    def __init__(self, rate):
        self.rate, self.at, self.lock = rate, time.monotonic(), threading.Lock()

    def take(self, n):
        if not self.rate:
            return
        with self.lock:
            self.at = max(self.at, time.monotonic() - 0.2) + n / self.rate
            wait = self.at - time.monotonic()
        if wait > 0:
            time.sleep(wait)


# ---- the side that is called


def serve_tcp(s):
    s.settimeout(STUCK_S)
    try:
        while n := receive(s):
            send(s, os.urandom(n), Bucket(0))
        count(tcp_ended=1)
    except (OSError, ConnectionError) as e:
        count(tcp_broken=1)
        print(f"TCP from {s.getpeername() if s.fileno() >= 0 else '?'}: {e}", file=sys.stderr)
    finally:
        s.close()


def serve(addresses):
    def accept(listener):
        while True:
            s, _ = listener.accept()
            threading.Thread(target=serve_tcp, args=(s,), daemon=True).start()

    def echo(u):
        while True:
            data, who = u.recvfrom(65535)
            count(udp_got=1, udp_wrong=0 if is_right(data) else 1)
            try:
                u.sendto(data, who)
            except OSError:
                count(udp_refused=1)

    for a in addresses:
        listener = socket.socket(family(a), socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((a, PORT))
        listener.listen(64)
        u = socket.socket(family(a), socket.SOCK_DGRAM)
        u.bind((a, PORT))
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        threading.Thread(target=echo, args=(u,), daemon=True).start()
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    done.wait()


# ---- the side that calls


def datagram(n):
    body = os.urandom(max(n - 4, 0))
    return zlib.crc32(body).to_bytes(4, "big") + body


def is_right(data):
    return len(data) >= 4 and zlib.crc32(data[4:]).to_bytes(4, "big") == data[:4]


def connection(src, dst, bucket, until, long):
    with socket.socket(family(src), socket.SOCK_STREAM) as s:
        s.settimeout(STUCK_S)
        s.bind((src, 0))
        s.connect((dst, PORT))
        count(tcp_connections=1)
        for _ in range(1_000_000 if long else random.randrange(1, 4)):
            n = random.choice((1, 700, 1400, 9000, 70000, random.randrange(1, 200000)))
            send(s, os.urandom(n), bucket)
            if receive(s) != n:
                raise ConnectionError("another turn than asked for")
            if time.monotonic() > until:
                break
        s.sendall(bytes(4))
    count(tcp_ended=1)


def call_tcp(src, dst, bucket, until, long):
    while time.monotonic() < until:
        try:
            connection(src, dst, bucket, until, long)
        except (OSError, ConnectionError) as e:
            count(tcp_broken=1)
            print(f"TCP {src} to {dst}: {e}", file=sys.stderr)


def call_udp(src, dst, bucket, until):
    u = socket.socket(family(src), socket.SOCK_DGRAM)
    u.bind((src, 0))
    u.connect((dst, PORT))
    u.settimeout(0.5)

    def back():
        while time.monotonic() < until + 2:
            try:
                count(udp_back=1, udp_wrong=0 if is_right(u.recv(65535)) else 1)
            except OSError:
                pass

    t = threading.Thread(target=back)
    t.start()
    while time.monotonic() < until:
        data = datagram(random.choice((4, 5, 64, 512, 1300, 1380, 3000, random.randrange(4, 3000))))
        bucket.take(len(data))
        try:
            u.send(data)
            count(udp_sent=1)
        except OSError:
            count(udp_refused=1)
    t.join()


def call(seconds, rate, pairs):
    until = time.monotonic() + seconds
    tcp, udp = Bucket(rate * 3 / 4), Bucket(rate / 4)
    threads = []
    for src, dst in pairs:
        for long in (True, False, False):
            threads.append(threading.Thread(target=call_tcp, args=(src, dst, tcp, until, long)))
        threads.append(threading.Thread(target=call_udp, args=(src, dst, udp, until)))
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def main():
    what, args = sys.argv[1], sys.argv[2:]
    if what == "serve":
        serve(args)
    else:
        call(float(args[0]), float(args[1]), list(zip(args[2::2], args[3::2])))
    with lock:
        print(json.dumps(counts))


main()
