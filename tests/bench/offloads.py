#!/usr/bin/python3
"""offloads: turn off segmentation, receive and checksum offload of an interface, as ethtool -K does.

    offloads.py INTERFACE...
"""
import ctypes
import fcntl
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
# linux/ethtool.h: ETHTOOL_STSO, _SGSO, _SGRO, _STXCSUM, _SRXCSUM
COMMANDS = (0x1F, 0x24, 0x2C, 0x17, 0x15)

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for name in sys.argv[1:]:
    for command in COMMANDS:
        value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
        request = struct.pack("16sP8x", name.encode(), ctypes.addressof(value))
        try:
            fcntl.ioctl(s, SIOCETHTOOL, request)
        except OSError as e:
            sys.exit(f"offloads: {name}: {command:#x}: {e.strerror}")
