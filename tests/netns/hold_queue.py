# SPDX-License-Identifier: Apache-2.0
"""Binds an AF_XDP socket to a queue of an interface and holds it until killed: what another program does that is in the way."""
import ctypes
import mmap
import signal
import socket
import struct
import sys

AF_XDP, SOL_XDP = 44, 283
RX_RING, UMEM_REG, FILL_RING, COMPLETION_RING = 2, 4, 5, 6  # linux/if_xdp.h
COPY, CHUNKS, CHUNK = 2, 64, 2048

interface, queue = sys.argv[1], int(sys.argv[2])
memory = mmap.mmap(-1, CHUNKS * CHUNK)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
holder = socket.socket(AF_XDP, socket.SOCK_RAW)
holder.setsockopt(SOL_XDP, UMEM_REG, struct.pack('QQIIII', address, CHUNKS * CHUNK, CHUNK, 0, 0, 0))
for ring in (FILL_RING, COMPLETION_RING, RX_RING):
    holder.setsockopt(SOL_XDP, ring, struct.pack('i', CHUNKS))
# Python knows no sockaddr_xdp.
where = ctypes.create_string_buffer(struct.pack('HHIII', AF_XDP, COPY, socket.if_nametoindex(interface), queue, 0))
libc = ctypes.CDLL(None, use_errno=True)
if libc.bind(holder.fileno(), where, 16) != 0:
    sys.exit(f'binding to queue {queue} of {interface}: error {ctypes.get_errno()}')
print('ready', flush=True)
signal.pause()
