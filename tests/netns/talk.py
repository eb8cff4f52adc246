# SPDX-License-Identifier: Apache-2.0
"""A server for long conversations: what comes in on port 7000 goes back."""

ECHO = '''
import socket, sys, threading
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
listener = socket.socket(family); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((sys.argv[1], 7000)); listener.listen(16)
print('ready', flush=True)
def echo(peer):
    while data := peer.recv(4096):
        peer.sendall(data)
while True:
    peer, _ = listener.accept()
    threading.Thread(target=echo, args=(peer,), daemon=True).start()
'''


def echo(bed, host):
    return bed.host.start('python3', '-c', ECHO, host, name='echo').wait_ready()
