#!/usr/bin/env python3
"""idle SETTLE SECONDS COMMAND...: how many bytes a second a screen of 80x24 sends that nobody
touches, after the first SETTLE seconds. It must end with 0 at q."""
import fcntl, os, pty, select, struct, sys, termios, time

def count(fd, seconds):
    n, end = 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            n += len(os.read(fd, 65536))
    return n

settle, seconds, command = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
    os.execvp(command[0], command)
first = count(fd, settle)
sent = count(fd, seconds) / seconds
os.write(fd, b"q")
try:
    count(fd, 2)
except OSError:
    pass    # it has ended
status = os.waitpid(pid, 0)[1]
if first < 500 or status:
    sys.exit("idle: it drew %d bytes and ended with %d" % (first, status))
print(round(sent))
