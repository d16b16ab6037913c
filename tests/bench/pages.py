#!/usr/bin/python3
"""pages PID...: the processes' memory together in kB: proportional (PSS), and resident with
each page counted once. With -v also what each process and mapping has, largest first."""
import collections
import struct
import sys

PAGE_KB = 4


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def frames(pid):
    """The physical pages that the process has mapped, with the mapping's name."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        for line in maps:
            words = line.split(maxsplit=5)
            start, end = (int(x, 16) // 4096 for x in words[0].split("-"))
            name = words[5].strip() if len(words) > 5 else "(anonymous)"
            if name == "[vsyscall]":
                continue
            pagemap.seek(start * 8)
            data = pagemap.read((end - start) * 8)
            for (entry,) in struct.iter_unpack("<Q", data):
                if entry >> 63 and entry & (1 << 55) - 1:
                    yield entry & (1 << 55) - 1, name


def mappings(pid):
    name, out = "", collections.Counter()
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            words = line.split()
            if words[0].endswith(":"):
                if words[0] == "Pss:":
                    out[name] += int(words[1])
            else:
                name = (words[5] if len(words) > 5 else "(anonymous)") + " " + words[1]
    return out


def main():
    pids = [a for a in sys.argv[1:] if a != "-v"]
    once = {frame for pid in pids for frame, _ in frames(pid)}
    print(sum(pss(p) for p in pids), len(once) * PAGE_KB)
    if "-v" not in sys.argv:
        return
    for pid in pids:
        with open(f"/proc/{pid}/comm") as f:
            print(f"{f.read().strip()}: {pss(pid)} kB")
        for name, kb in mappings(pid).most_common(14):
            print(f"  {kb:6} {name}")


main()
