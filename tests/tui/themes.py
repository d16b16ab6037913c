#!/usr/bin/env python3
"""themes: every text of every theme has a contrast of at least 4.5:1 on its background."""
import os, sys

BASE = [(0,0,0),(205,0,0),(0,205,0),(205,205,0),(0,0,238),(205,0,205),(0,205,205),(229,229,229),
        (127,127,127),(255,0,0),(0,255,0),(255,255,0),(92,92,255),(255,0,255),(0,255,255),(255,255,255)]
NAMES = "black red green yellow blue magenta cyan white".split()

def rgb(word):
    if word in NAMES: return BASE[NAMES.index(word)]
    if word.startswith("bright"): return BASE[8 + NAMES.index(word[6:])]
    n = int(word)
    if n < 16: return BASE[n]
    if n < 232:
        n -= 16
        return tuple(0 if v == 0 else 55 + 40 * v for v in (n // 36, n // 6 % 6, n % 6))
    return (8 + 10 * (n - 232),) * 3

def lum(c):
    f = lambda v: v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4
    r, g, b = (f(v / 255) for v in c)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b

def ratio(a, b):
    a, b = sorted((lum(a), lum(b)), reverse=True)
    return (a + 0.05) / (b + 0.05)

root = os.path.join(os.path.dirname(__file__), "../../themes")
passed = failed = 0
for name in sorted(os.listdir(root)):
    bad = []
    for line in open(os.path.join(root, name)):
        words = line.split("#")[0].split()
        fg = next((w[3:] for w in words if w.startswith("fg=")), "default")
        bg = next((w[3:] for w in words if w.startswith("bg=")), "default")
        # The terminal's own colours are the admin's choice.
        if "default" in (fg, bg): continue
        r = ratio(rgb(fg), rgb(bg))
        if r < 4.5: bad.append(f"    {words[0]}: {fg} on {bg} is {r:.1f}:1")
    print("\n".join(bad + [f"{'FAIL' if bad else 'ok  '} {name}"]))
    passed, failed = (passed, failed + 1) if bad else (passed + 1, failed)
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed != 0)
