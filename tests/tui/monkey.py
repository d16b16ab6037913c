#!/usr/bin/env python3
"""monkey: random keys, sizes, pastes and clicks into the screen; it must neither crash nor hang.

usage: monkey.py BUILD [SEED [SECONDS]]. The sanitized build beside BUILD is taken where it is
there. Each seed is a fixed sequence of keys; the last of them leave, and the screen must then end
by itself, with exit code 0.
"""
import fcntl, os, pty, random, select, shutil, struct, subprocess, sys, tempfile, termios, time

root = os.path.realpath(os.path.dirname(os.path.abspath(__file__)) + "/../..")
build = sys.argv[1] if len(sys.argv) > 1 else "build"
adit = next(os.path.realpath(p) for p in (build + "-san/adit", build + "/adit") if os.path.exists(p))
seeds = [int(sys.argv[2])] if len(sys.argv) > 2 else [1, 2, 3, 4]
budget = float(sys.argv[3]) if len(sys.argv) > 3 else 4.0

CSI = "\x1b["
KEYS = (["\r"] * 8 + ["\t"] * 4 + [CSI + k for k in "ABABABCDHFZ"] + ["\x1b"] * 5 +
        [CSI + k + "~" for k in ("5", "6", "5", "6", "3", "2", "99")] +
        list("aaeelmoicCCvsypnnNgGjkhfrSIT/?:+-xxdoo ") + list("0123456789./,-:abcxyzäß…") +
        ["\x1b%d" % n for n in (2, 3, 4, 6, 7)] + [CSI + "1;5D", "\x1bOP", "\x1bO\x1b"] +
        [chr(c) for c in (1, 5, 7, 8, 11, 12, 14, 18, 19, 21, 23, 24, 25, 127)] +
        ["10.%d.0.0/16", "aes256-sha1-modp1024", CSI + "200~10.9.0.0/24\n,x" + CSI + "201~",
         "漢字\U0001f600\u200b", "x" * 300, CSI + "M !$", CSI + "M 3%", CSI + "M`2)", CSI + "Ma2)"])
SIZES = [(24, 80), (43, 132), (12, 40), (11, 39), (3, 5), (1, 1), (12, 41), (60, 200), (24, 80)]

def verb(etc, *args, feed=None):
    subprocess.run([adit, "--config-dir", etc, "--run-dir", etc + "/run", *args], input=feed,
                   check=True, stdout=subprocess.DEVNULL)

def settings(tmp):
    for d in ("peers", "secrets", "run"):
        os.mkdir(tmp + "/" + d, 0o700)
    verb(tmp, "pki", "ca", "office-ca", "subject=CN=CA")
    verb(tmp, "pki", "issue", "gw", "ca=office-ca", "san=gw.example")
    for i in range(25):
        verb(tmp, "peer", "add", "peer%d" % i, "remote_gateway=198.51.100.%d" % (i + 1),
             "local_network=10.1.0.0/24", "remote_network=10.2.%d.0/24" % i, "enabled=" + "yes no".split()[i % 2],
             "description=" + "long words, ünïcode ↔ 漢字 " * (i % 4), "--psk-stdin", feed=b"0123456789abcdefghij")

def ended(pid):
    """How it ended, or None while it runs."""
    got, st = os.waitpid(pid, os.WNOHANG)
    if not got:
        return None
    return "exit %d" % os.WEXITSTATUS(st) if os.WIFEXITED(st) else "signal %d" % os.WTERMSIG(st)

def run(seed, tmp):
    rnd = random.Random(seed)
    err = open(tmp + "/stderr", "w+b")
    pid, fd = pty.fork()
    if pid == 0:
        os.dup2(err.fileno(), 2)
        # Where a file may come to be whose name was typed at random (w and u, which write such,
        # are not among the keys all the same).
        os.chdir(tmp)
        os.environ.update(ADIT_THEME_DIR=root + "/themes", TERM="xterm-256color" if seed % 2 else "screen", LC_ALL="C.UTF-8",
                          ASAN_OPTIONS="detect_leaks=1")
        os.execv(adit, [adit, "--config-dir", tmp, "--run-dir", tmp + "/run", "tui"])
    seen, sent = 0, 0

    def size(rc):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *rc, 0, 0))

    def drain(seconds):
        nonlocal seen
        try:
            while select.select([fd], [], [], seconds)[0]:
                got = len(os.read(fd, 65536))
                seen += got
                seconds = 0
                if not got:
                    return
        except OSError:
            return
    size((24, 80))
    drain(3)
    end = time.time() + budget
    try:
        while time.time() < end:
            for _ in range(rnd.randrange(1, 6)):
                os.write(fd, rnd.choice(KEYS).replace("%d", str(rnd.randrange(256))).encode())
                sent += 1
            if rnd.random() < 0.06:
                size(rnd.choice(SIZES))
            drain(0.005)
        size((24, 80))
        # Out of whatever is open, discarding: then it must be gone. In no fixed order: "Unsaved
        # changes" is opened by one of them and closed by another, for ever if they take turns.
        for _ in range(400):
            os.write(fd, rnd.choice([b"\x1b", b"\x1b", b"q", b"d"]))
            drain(0.12)
    except OSError:
        pass
    status, deadline = None, time.time() + 5
    while not status and time.time() < deadline:
        drain(0.05)
        status = ended(pid)
    if not status:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    os.close(fd)
    err.seek(0)
    said = err.read().decode(errors="replace")
    bad = []
    if not status:
        bad.append("it did not end")
    elif status != "exit 0":
        bad.append("it ended with " + status)
    if "Sanitizer" in said or "runtime error" in said:
        bad.append(said[:3000])
    if seen < 2000:
        bad.append("it drew %d bytes only" % seen)
    print("%s seed %d: %d keys, %d bytes drawn%s" %
          ("FAIL" if bad else "ok  ", seed, sent, seen, "".join("\n    " + b for b in bad)), flush=True)
    return not bad

results = []
for seed in seeds:
    tmp = tempfile.mkdtemp(prefix="adit-monkey.")
    try:
        settings(tmp)
        results.append(run(seed, tmp))
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
print("%d passed, %d failed, 0 skipped" % (results.count(True), results.count(False)))
sys.exit(not all(results))
