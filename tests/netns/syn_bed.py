# SPDX-License-Identifier: Apache-2.0
"""What the scenarios of SYN floods share: floods, clients through them, connections that are kept, and what the host says of these."""
import re
import time

from gabion_daemon import protected
from gabion_lab import HOST4, HOST6, wait_for

CLIENTS = {4: '31.0.0.1-31.0.0.200', 6: '2a00:31::1-2a00:31::c8'}
HOSTS = {4: HOST4, 6: HOST6}
# Takes connections and keeps them; of the kind that is asked for.
KEEPER = '''
import socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
listener = socket.socket(family, socket.SOCK_STREAM, int(sys.argv[2]))
listener.bind((sys.argv[1], 7000)); listener.listen(64)
print('ready', flush=True)
held = []
while True:
    held.append(listener.accept())
'''
TALKER = '''
import socket, sys, time
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
talk = socket.socket(family); talk.settimeout(5); talk.bind((sys.argv[2], 0))
talk.connect((sys.argv[1], 7000))
print('ready', flush=True)
time.sleep(60)
'''
MPTCP = 262


def flooded(bed, version=4, **options):
    """As fast as one core sends, from a fifth of all addresses."""
    return bed.flood(**{'source': f'any{version}', 'destination': HOSTS[version], 'protocol': 'tcp', 'tcp_flags': 'S', 'dport': 80, **options})


def paced(bed, seconds, **options):
    """One that leaves the machine room, and reaches an interface in generic mode, too."""
    return bed.send(**{'source': 'any4', 'order': 'random', 'protocol': 'tcp', 'tcp_flags': 'S', 'dport': 80, 'rate': 20000,
                       'seconds': seconds, **options})


def begins(daemon):
    wait_for('the flood to be told', lambda: 'syn-flood-began' in daemon.event_kinds(), 5)


def difference(after, before, names):
    return {name: after.get(f'TcpExt.{name}', 0) - before.get(f'TcpExt.{name}', 0) for name in names}


def pending(namespace):
    return namespace.run('ss', '-Htan', 'state', 'syn-recv').stdout.count('\n')


def syncookies(bed):
    return int(bed.host.run('sysctl', '-n', 'net.ipv4.tcp_syncookies').stdout)


def served(version, way, seconds, attach='auto'):
    """A flood, and fifty clients a second through it."""
    with protected('syn', attach=attach, syn={'way': way, 'hold': '3s'}) as (bed, daemon):
        bed.take_transmitted()
        bed.set_cores_apart()
        bed.serve()
        before, sent_before = bed.host.nstat(), bed.world.link_counts('net0')
        flood = paced(bed, seconds + 2, rate=100000) if attach == 'generic' else flooded(bed, version, seconds=seconds + 2)
        if way != 'off':
            begins(daemon)
        clients = bed.clients(source=CLIENTS[version], kind='download', bytes=2000, rate=50, seconds=seconds, timeout_ms=3000)
        time.sleep(seconds / 2)
        waiting, forced = pending(bed.host), syncookies(bed)
        got, sent = clients.result(), flood.result()
        daemon.settled(15)
        counters, after = daemon.identity(), bed.host.nstat()
        back = bed.world.link_counts('net0')
        drops = difference(after, before, ('ListenDrops', 'SyncookiesSent', 'SyncookiesRecv', 'TCPReqQFullDoCookies'))
        drops['opened'] = after['Tcp.PassiveOpens'] - before['Tcp.PassiveOpens']
        bytes_ = {way: back[way]['bytes'] - sent_before[way]['bytes'] for way in ('rx', 'tx')}
        packets = {way: back[way]['packets'] - sent_before[way]['packets'] for way in ('rx', 'tx')}
        rate = sent['sent'] / max(sent['seconds'], 0.001)
        told = (f'{got["ok"]} of {got["ok"] + got["failed"]} clients served, worst {got["max_us"] / 1000:.0f} ms; {sent["sent"]} SYNs at '
                f'{rate:.0f} a second; {waiting} requests in the host; {drops}; wire {packets} {bytes_}; {counters["packets"]}; '
                f'{ {k: v for k, v in counters["drops"].items() if v} }')
        wait_for('the sysctl to be as it was', lambda: syncookies(bed) == 1, 10)
        assert forced == (2 if way == 'listener' else 1), forced
        return got, sent, waiting, drops, counters, packets, told


def options_of(bed):
    """What the host's TCP says was agreed on, of each connection of the keeper by its peer."""
    found = {}
    for one, other in zip(*[iter(bed.host.run('ss', '-Htine', 'state', 'established', 'sport', '=', ':7000').stdout.splitlines())] * 2):
        peer = one.split()[3].rsplit(':', 1)[0].strip('[]').replace('::ffff:', '')
        words = set(re.findall(r'(?<!\S)(ts|sack|ecn|ecnseen|wscale:\d+,\d+)(?!\S)', other))
        found[peer] = (words, int(re.search(r' mss:(\d+)', other)[1]))
    return found


def answers_capped(way):
    with protected('synans', syn={'way': way, 'answer_pps': 100, 'engage_pps': 500, 'hold': '5s'}) as (bed, daemon):
        bed.take_transmitted()
        bed.serve()
        daemon.ban('77.0.0.0/8')
        flooded(bed, rate=20000, seconds=1).result()
        before = daemon.settled()
        banned = flooded(bed, source='77.0.0.0/8', rate=20000, seconds=1).result()['sent']
        counters = daemon.settled()
        assert counters['packets']['answered'] == before['packets']['answered'], counters
        assert counters['drops']['ban-operator-prefix'] - before['drops']['ban-operator-prefix'] == banned, (banned, counters)
        begin = time.monotonic()
        sent = flooded(bed, source='88.1.2.0/24', rate=20000, seconds=2).result()['sent']
        seconds = time.monotonic() - begin
        after = daemon.settled()
        answered = after['packets']['answered'] - counters['packets']['answered']
        assert 150 <= answered <= 100 * (seconds + 2) + 10, (answered, seconds, after)
        dropped = after['drops']['syn-unanswered'] + after['workers']['dropped'] - counters['workers']['dropped']
        assert dropped >= sent - answered - 10, (dropped, sent, answered)
        return f'{banned} of a banned source: none answered; {sent} of one /24: {answered} answered'
