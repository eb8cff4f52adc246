# SPDX-License-Identifier: Apache-2.0
"""Clean and banned packets at the same time, for scenarios in which what filters them is replaced meanwhile."""
import json
import time

from gabion_daemon import protected

CLEAN, FLOOD = 9000, 9001  # destination ports
BANNED = '91.0.0.0/24'


def unjudged(name, **sections):
    """A protected bed whose daemon judges nothing by itself, and hands over one packet in 16."""
    judging = {one: {'dry_run': True} for one in ('rate', 'entropy', 'ttl', 'size')}
    return protected(name, sampling={'one_in': 16, 'budget_pps': 5000}, detectors=judging, **sections)


def program_in_place(bed):
    """The id of the XDP program on the interface."""
    return json.loads(bed.host.run('ip', '-j', '-d', 'link', 'show', 'dev', bed.interface).stdout)[0]['xdp']['prog']['id']


class Traffic:
    """Clean stamped datagrams, v4 and v6, of which none may be lost, beside a flood from BANNED, of which none may arrive: for so many
    seconds, or until its end is asked for."""

    def __init__(self, bed, seconds=3600, rate=20000, flood_rate=20000):
        self.clean, self.flood = bed.receive(port=CLEAN, nap_ms=4), bed.receive(port=FLOOD)
        count = int(seconds * rate)
        self.senders = [bed.send(source='31.0.0.1-31.0.0.200', dport=CLEAN, rate=rate, count=count, ttl='host'),
                        bed.send(source='2a00:31::1-2a00:31::c8', dport=CLEAN, rate=rate / 4, count=count // 4, ttl='host', stream=1),
                        bed.send(source=BANNED, dport=FLOOD, rate=flood_rate, count=int(seconds * flood_rate), stream=2)]

    def running(self):
        return any(sender.running() for sender in self.senders)

    def stop(self):
        """Returns how many were sent, clean ones and banned ones, and what became of the clean ones."""
        time.sleep(0.3)
        for sender in self.senders:
            sender.stop()
        sent = [sender.result()['sent'] for sender in self.senders]
        time.sleep(0.2)
        self.clean.stop()
        self.flood.stop()
        clean, flood = self.clean.result(), self.flood.result()
        assert flood['received'] == 0, f'{flood["received"]} of the banned flood arrived'
        return sent[0] + sent[1], sent[2], clean

    def end(self):
        """Likewise, and none of the clean ones may be lost. Returns how many were sent: clean, banned."""
        sent, banned, clean = self.stop()
        assert (clean['lost'], clean['duplicated'], clean['overflowed']) == (0, 0, 0), clean
        assert clean['received'] == sent, (clean, sent)
        return sent, banned
