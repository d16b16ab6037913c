#!/usr/bin/python3
"""wireguard: tell a wireguard-go, over its socket, all it needs for one peer.

    wireguard.py SOCKET PRIVATE-KEY PUBLIC-KEY PORT ENDPOINT NETWORK     (keys in hex)
    wireguard.py --keys                                                  two pairs, a line each
"""
import socket
import subprocess
import sys

if sys.argv[1] == "--keys":
    for _ in range(2):
        pem = subprocess.run(["openssl", "genpkey", "-algorithm", "X25519"], check=True, capture_output=True).stdout
        key = ["openssl", "pkey", "-outform", "DER"]
        private = subprocess.run(key, input=pem, check=True, capture_output=True).stdout[-32:]
        public = subprocess.run(key + ["-pubout"], input=pem, check=True, capture_output=True).stdout[-32:]
        print(private.hex(), public.hex())
    sys.exit()

path, private, public, port, endpoint, network = sys.argv[1:]
s = socket.socket(socket.AF_UNIX)
s.connect(path)
s.sendall(f"set=1\nprivate_key={private}\nlisten_port={port}\nreplace_peers=true\npublic_key={public}\n"
          f"endpoint={endpoint}\nallowed_ip={network}\n\n".encode())
answer = s.recv(4096).decode()
if "errno=0\n" not in answer:
    sys.exit(f"wireguard-go: {answer.strip()}")
