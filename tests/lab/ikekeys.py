#!/usr/bin/python3
"""ikekeys: charon's log of its keys and a capture, made into tshark's table of them.

	ikekeys.py LOG FILE.pcap CIPHER INTEGRITY

The sets of keys in the log come in the order in which the IKE SAs come up in the capture.
"""
import re
import sys

from scapy.layers.inet import UDP
from scapy.utils import PcapReader


def key_sets(path):
    sets, name, left = [], None, 0
    for line in open(path, errors="replace"):
        m = re.search(r"\b(Sk_\w+) secret => (\d+) bytes", line)
        if m:
            name, left = m[1].lower(), int(m[2])
            if name == "sk_d" and (not sets or name in sets[-1]):
                sets.append({})
            sets[-1][name] = ""
            continue
        m = re.search(r"\s+\d+: ((?:[0-9A-F]{2} ){1,16})", line)
        if name and left and m:
            take = m[1].split()[:left]
            sets[-1][name] += "".join(take).lower()
            left -= len(take)
    return sets


def spis(path):
    seen = []
    for p in PcapReader(path):
        if UDP not in p:
            continue
        data = bytes(p[UDP].payload)
        if 4500 in (p[UDP].sport, p[UDP].dport):
            if data[:4] != bytes(4):
                continue
            data = data[4:]
        pair = (data[:8].hex(), data[8:16].hex())
        # An IKE SA is one when its first encrypted message comes.
        if len(data) >= 28 and data[18] >= 35 and pair not in seen:
            seen.append(pair)
    return seen


def main(log, pcap, cipher, integrity):
    for (spi_i, spi_r), k in zip(spis(pcap), key_sets(log)):
        print(",".join((spi_i, spi_r, k["sk_ei"], k["sk_er"], f'"{cipher}"',
                        k.get("sk_ai", ""), k.get("sk_ar", ""), f'"{integrity}"')))


main(*sys.argv[1:])
