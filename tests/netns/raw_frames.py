# SPDX-License-Identifier: Apache-2.0
"""Whole frames into one interface of a namespace, and out of another one: run as a program there, talks JSON on its output.

    raw_frames.py send INTERFACE HEX...
    raw_frames.py receive INTERFACE COUNT SENDER    prints "ready", then the frames from that MAC, as a list of HEX, once there were
                                                    so many and a moment's silence, or after ten seconds
"""
import json
import socket
import struct
import sys
import time

ALL, OUTGOING, SILENCE = 3, 4, 0.2
SOL_PACKET, PACKET_AUXDATA, TAG_VALID, TPID_VALID = 263, 8, 0x10, 0x40


def whole(frame, ancillary):
    """The kernel hands a VLAN tag over beside the frame."""
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tag, tpid = struct.unpack('IIIHHHH', data)
            if status & TAG_VALID:
                return frame[:12] + struct.pack('!HH', tpid if status & TPID_VALID else 0x8100, tag) + frame[12:]
    return frame


def receive(interface, count, sender):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)) as taker:
        taker.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        taker.bind((interface, ALL))
        print('ready', flush=True)
        frames, end = [], time.monotonic() + 10
        while (left := end - time.monotonic()) > 0:
            taker.settimeout(left if len(frames) < int(count) else SILENCE)
            try:
                frame, ancillary, _, address = taker.recvmsg(20000, 256)
            except socket.timeout:
                break
            if address[2] != OUTGOING and frame[6:12] == bytes.fromhex(sender):
                frames.append(whole(frame, ancillary).hex())
    print(json.dumps({'frames': frames}))


def send(interface, *frames):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        for frame in frames:
            sender.send(bytes.fromhex(frame))
    print(json.dumps({'sent': len(frames)}))


if __name__ == '__main__':
    {'send': send, 'receive': receive}[sys.argv[1]](*sys.argv[2:])
