# SPDX-License-Identifier: Apache-2.0
"""What the host asks of the world by itself, which must go on whatever else comes from there."""
from gabion_lab import HOST4, HOST6

# A resolver and a time server as they answer: every answer looks like what an amplifier sends.
SERVER = '''
import select, socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
sockets = {}
for port in (53, 123):
    one = socket.socket(family, socket.SOCK_DGRAM); one.bind((sys.argv[1], port)); sockets[one] = port
print('ready', flush=True)
while True:
    for one in select.select(list(sockets), [], [])[0]:
        asked, peer = one.recvfrom(2048)
        if sockets[one] == 53:
            answer = asked[:2] + bytes([asked[2] | 0x80]) + asked[3:] + bytes(300)
        else:  # mode 6, with the response bit: what monitors ask, and attackers have sent to others
            answer = bytes([0x16, 0x82]) + asked[2:12] + bytes(400)
        one.sendto(answer, peer)
'''
ASKER = '''
import json, socket, sys, time
server, source, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
family = socket.AF_INET6 if ':' in server else socket.AF_INET
told = {'asked': 0, 'answered': 0}
end = time.monotonic() + seconds
while time.monotonic() < end:
    for port, question in ((53, bytes([1, 2, 1, 0, 0, 1]) + bytes(30)), (123, bytes([0x16, 0x02]) + bytes(10))):
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.settimeout(2); one.bind((source, 0)); one.sendto(question, (server, port)); told['asked'] += 1
            try:
                one.recvfrom(2048); told['answered'] += 1
            except OSError:
                pass
    time.sleep(0.02)
print(json.dumps(told))
'''


class OwnTraffic:
    """The host asks a resolver and a time server, and fetches pages, over and over."""

    def __init__(self, bed, seconds, v6=False):
        server, host = ('2a00:31::9:9', HOST6) if v6 else ('31.0.9.9', HOST4)
        bed.world.start('python3', '-c', SERVER, server, name='services').wait_ready()
        bed.world.tool('serve', address=server, http=80, udp=5353).wait_ready()
        self.asker = bed.host.start('python3', '-c', ASKER, server, host, seconds, name='asker')
        self.pages = bed.host.tool('clients', source=host, server=server, kind='download', port=80, bytes=20000, rate=10, seconds=seconds,
                                   timeout_ms=3000)

    def assert_undisturbed(self):
        told, pages = self.asker.result(60), self.pages.result()
        assert told['asked'] == told['answered'] >= 40, told
        assert pages['failed'] == 0 and pages['ok'] > 0, pages
        return f'own questions: {told["answered"]} of {told["asked"]} answered; own pages: {pages["ok"]}, {pages["failed"]} failed'
