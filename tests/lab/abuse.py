#!/usr/bin/python3
"""abuse: what a stranger on the wire can send to an IKE daemon. For tests/lab/abuse.sh.

	abuse.py flood IF SRC-NET DST SECONDS RATE	IKE_SA_INIT from many addresses
	abuse.py flood-one IF SRC DST SECONDS RATE	... from one (the configured peer's)
	abuse.py replay IF FILE.pcap			a capture, whole and cut short, both ways
	abuse.py garbage IF SRC DST SECONDS		bytes at ports 500 and 4500

Frames leave by a packet socket of that interface, at a bounded rate.
"""
import ipaddress
import os
import random
import socket
import struct
import sys
import time

from scapy.layers.l2 import getmacbyip
from scapy.utils import PcapReader
from scapy.layers.inet import IP, UDP

random.seed(1)


def transforms():
    parts = [(1, 20, 256), (2, 6, 0), (4, 20, 0)]      # AES-GCM-16 256, SHA2-384, ECP 384
    out = b""
    for i, (kind, ident, bits) in enumerate(parts):
        attr = struct.pack("!HH", 0x800E, bits) if bits else b""
        last = 0 if i == len(parts) - 1 else 3
        out += struct.pack("!BBHBBH", last, 0, 8 + len(attr), kind, 0, ident) + attr
    return struct.pack("!BBHBBBB", 0, 0, 8 + len(out), 1, 1, 0, len(parts)) + out


# The generator of P-384 is a point as good as any.
POINT = bytes.fromhex(
    "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f")


def init():
    def payload(following, body):
        return struct.pack("!BBH", following, 0, 4 + len(body)) + body

    body = payload(34, transforms())
    body += payload(40, struct.pack("!HH", 20, 0) + POINT)
    # NAT detection that fits nothing: ESP has to go in UDP.
    body += payload(41, os.urandom(32))
    body += payload(41, struct.pack("!BBH", 0, 0, 16388) + os.urandom(20))
    body += payload(0, struct.pack("!BBH", 0, 0, 16389) + os.urandom(20))
    head = os.urandom(8) + bytes(8) + struct.pack("!BBBBII", 33, 0x20, 34, 0x08, 0,
                                                  28 + len(body))
    return head + body


class Wire:
    def __init__(self, iface):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.sock.bind((iface, 0))
        self.sent = 0
        self.macs = {}

    def mac(self, dst):
        if dst not in self.macs:
            self.macs[dst] = bytes.fromhex(getmacbyip(dst).replace(":", ""))
        return self.macs[dst]

    def send(self, src, dst, sport, dport, data):
        packet = bytes(IP(src=src, dst=dst) / UDP(sport=sport, dport=dport) / data)
        own = self.sock.getsockname()[4]
        self.sock.send(self.mac(dst) + own + b"\x08\x00" + packet)
        self.sent += 1


def paced(seconds, rate):
    begin = time.monotonic()
    for i in range(int(seconds * rate)):
        ahead = begin + i / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        elif time.monotonic() - begin > seconds:
            return
        yield i


def flood(wire, sources, dst, seconds, rate):
    for _ in paced(seconds, rate):
        wire.send(str(random.choice(sources)), dst, 500, 500, init())


def mutations(data):
    yield data
    yield data[:random.randrange(0, max(1, len(data)))]
    for _ in range(3):
        b = bytearray(data)
        if b:
            b[random.randrange(len(b))] ^= 1 << random.randrange(8)
        yield bytes(b)
    yield data + os.urandom(7)


def replay(wire, path):
    for p in list(PcapReader(path)):
        if UDP not in p:
            continue
        data = bytes(p[UDP].payload)
        ip, udp = p[IP], p[UDP]
        for m in mutations(data):
            # As it was, and thrown back at who said it.
            for src, dst, sport, dport in ((ip.src, ip.dst, udp.sport, udp.dport),
                                           (ip.dst, ip.src, udp.dport, udp.sport)):
                if dst in wire.macs:
                    wire.send(src, dst, sport, dport, m)
                    time.sleep(0.001)


def garbage(wire, src, dst, seconds):
    for i in paced(seconds, 300):
        data = os.urandom(random.choice((0, 1, 4, 27, 28, 29, 60, 300, 1400)))
        if i % 2:
            data = data[:17] + b"\x20" + data[18:]
        wire.send(src, dst, random.choice((500, 4500)), random.choice((500, 4500)), data)


def main(argv):
    what, iface = argv[1:3]
    wire = Wire(iface)
    if what == "flood":
        hosts = list(ipaddress.ip_network(argv[3]).hosts())
        flood(wire, hosts, argv[4], float(argv[5]), float(argv[6]))
    elif what == "flood-one":
        flood(wire, [argv[3]], argv[4], float(argv[5]), float(argv[6]))
    elif what == "replay":
        for dst in argv[4:]:
            wire.mac(dst)
        replay(wire, argv[3])
    elif what == "garbage":
        garbage(wire, argv[3], argv[4], float(argv[5]))
    else:
        raise SystemExit(__doc__)
    print(wire.sent)


main(sys.argv)
