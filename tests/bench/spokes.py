#!/usr/bin/python3
"""spokes adit|charon N GROUP DIR-A DIR-B: settings of a hub with N peers (gw-b, 203.0.113.1, that
answers) and of the N that call it (gw-a, 198.18.0.0/15). DIR: the config dir, or swanctl's."""
import os
import sys

what, n, group, dir_a, dir_b = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
HUB = "203.0.113.1"
KEY = "a-long-enough-key-for-both"


def net(i):
    return f"10.{i >> 8}.{i & 255}.0/24"


def far(i):
    return f"198.{18 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"


def adit(folder, i, local, remote, inside, outside, start):
    name = f"p{i}"
    with open(f"{folder}/peers/{name}.conf", "w") as f:
        f.write(f"start = {start}\nlocal_ip = {local}\nremote_gateway = {remote}\n"
                f"local_network = {inside}\nremote_network = {outside}\n"
                f"ike = aes256gcm16-sha256-{group}\nesp = aes256gcm16\n")
    fd = os.open(f"{folder}/secrets/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(fd, KEY.encode() + b"\n")
    os.close(fd)


def charon(f, i, local, remote, inside, outside, start):
    f.write(f"""connections {{ p{i} {{
	version = 2
	local_addrs = {local}
	remote_addrs = {remote}
	proposals = aes256gcm16-prfsha256-{group}
	local {{ auth = psk }}
	remote {{ auth = psk }}
	children {{ p{i} {{
		local_ts = {inside}
		remote_ts = {outside}
		esp_proposals = aes256gcm16
		start_action = {start}
	}} }}
}} }}
secrets {{ ike-p{i} {{
	id-a = {local}
	id-b = {remote}
	secret = {KEY}
}} }}
""")


if what == "adit":
    for i in range(1, n + 1):
        adit(dir_a, i, far(i), HUB, net(i), "172.16.0.0/24", "start")
        adit(dir_b, i, HUB, far(i), "172.16.0.0/24", net(i), "responder")
else:
    with open(f"{dir_a}/swanctl.conf", "w") as a, open(f"{dir_b}/swanctl.conf", "w") as b:
        for i in range(1, n + 1):
            charon(a, i, far(i), HUB, net(i), "172.16.0.0/24", "start")
            charon(b, i, HUB, far(i), "172.16.0.0/24", net(i), "none")
