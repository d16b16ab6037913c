#!/usr/bin/env python3
"""nameserver.py ADDRESS ZONE: a name server for one file, read anew for each question.

Lines of ZONE: NAME TTL ADDRESS...; NAME TTL CNAME OTHER; NAME servfail; NAME silent;
NAME truncated. A name that is not in it does not exist. Each question is printed."""
import socket
import struct
import sys


def name_of(msg, at):
    labels = []
    while msg[at]:
        labels.append(msg[at + 1:at + 1 + msg[at]].decode())
        at += 1 + msg[at]
    return ".".join(labels).lower(), at + 1


def wire(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"


def records(zone, name, qtype):
    out = []
    for _ in range(8):
        entry = zone.get(name)
        if entry is None or len(entry) < 2:
            return out
        ttl = int(entry[0])
        if entry[1] == "CNAME":
            data = wire(entry[2])
            out.append(wire(name) + struct.pack(">HHIH", 5, 1, ttl, len(data)) + data)
            name = entry[2]
            continue
        for a in entry[1:]:
            family = socket.AF_INET6 if ":" in a else socket.AF_INET
            if (qtype, family) in ((1, socket.AF_INET), (28, socket.AF_INET6)):
                data = socket.inet_pton(family, a)
                out.append(wire(name) + struct.pack(">HHIH", qtype, 1, ttl, len(data)) + data)
        return out
    return out


def answer(zone, msg):
    name, at = name_of(msg, 12)
    qtype, = struct.unpack(">H", msg[at:at + 2])
    print(name, qtype, flush=True)
    entry = zone.get(name)
    flags, found = 0x8180, []
    if entry is None:
        flags |= 3
    elif entry[0] == "silent":
        return None
    elif entry[0] == "servfail":
        flags |= 2
    elif entry[0] == "truncated":
        flags |= 0x200
    else:
        found = records(zone, name, qtype)
    return msg[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + msg[12:at + 4] + b"".join(found)


def main():
    family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 53))
    while True:
        msg, who = s.recvfrom(2000)
        with open(sys.argv[2], encoding="ascii") as f:
            zone = {w[0]: w[1:] for w in (line.split() for line in f) if w}
        out = answer(zone, msg)
        if out:
            s.sendto(out, who)


main()
