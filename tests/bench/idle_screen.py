#!/usr/bin/python3
"""idle_screen SETTLE SECONDS CMD...: run CMD on a terminal of 80x24 and print the bytes that it
sends in a second, counted for SECONDS after the first SETTLE seconds."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time


def read_for(fd, seconds):
    end, got = time.monotonic() + seconds, b""
    while (left := end - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            got += os.read(fd, 65536)
    return got


def main():
    settle, seconds, cmd = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.execvp(cmd[0], cmd)
    first = read_for(fd, settle)
    idle = read_for(fd, seconds)
    os.write(fd, b"q")
    try:
        read_for(fd, 1)
    except OSError:
        pass    # it has ended
    _, status = os.waitpid(pid, 0)
    if b"p1" not in first or status != 0:
        sys.exit(f"no screen with peers, or it ended badly ({status})")
    print(f"{len(idle) / seconds:.1f}")


main()
