#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Spoofed SYNs at a port that listens: cookies, what they carry, who gets none, and the cap where they cannot be had."""
import re
import time

from gabion_daemon import protected
from gabion_lab import HOST4, HOST6, rounds, wait_for
from scenario import case, main

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


def begins(daemon):
    wait_for('the flood to be told', lambda: 'syn-flood-began' in daemon.event_kinds(), 5)


def difference(after, before, names):
    return {name: after.get(f'TcpExt.{name}', 0) - before.get(f'TcpExt.{name}', 0) for name in names}


def pending(namespace):
    return namespace.run('ss', '-Htan', 'state', 'syn-recv').stdout.count('\n')


def served(version, way, seconds):
    """A flood, and fifty clients a second through it."""
    with protected('syn', syn={'way': way, 'hold': '3s'}) as (bed, daemon):
        bed.take_transmitted()
        bed.set_cores_apart()
        bed.serve()
        before, sent_before = bed.host.nstat(), bed.world.link_counts('net0')
        flood = flooded(bed, version, seconds=seconds + 2)
        if way != 'off':
            begins(daemon)
        clients = bed.clients(source=CLIENTS[version], kind='download', bytes=2000, rate=50, seconds=seconds, timeout_ms=3000)
        time.sleep(seconds / 2)
        waiting = pending(bed.host)
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
        return got, sent, waiting, drops, counters, packets, told


@case('clients are served through a flood of forged SYNs, which leaves nothing in the host: v4', version=4)
@case('clients are served through a flood of forged SYNs, which leaves nothing in the host: v6', version=6)
def cookies(version):
    got, sent, waiting, drops, counters, packets, told = served(version, 'cookies', rounds(5, 20))
    assert got['ok'] >= 0.995 * (got['ok'] + got['failed']) and got['ok'] > 100, told
    assert waiting <= 60 and drops['ListenDrops'] == 0, told
    assert drops['opened'] <= got['ok'] + got['failed'] + 300, told
    assert counters['packets']['answered'] > 0.5 * counters['packets']['received'], told
    assert packets['rx'] <= packets['tx'], told
    return told


@case('the same with the stage off, as a number')
def off():
    return served(4, 'off', rounds(5, 20))[-1]


def options_of(bed):
    """What the host's TCP says was agreed on, of each connection of the keeper by its peer."""
    found = {}
    for one, other in zip(*[iter(bed.host.run('ss', '-Htine', 'state', 'established', 'sport', '=', ':7000').stdout.splitlines())] * 2):
        peer = one.split()[3].rsplit(':', 1)[0].strip('[]').replace('::ffff:', '')
        words = set(re.findall(r'(?<!\S)(ts|sack|ecn|ecnseen|wscale:\d+,\d+)(?!\S)', other))
        found[peer] = (words, int(re.search(r' mss:(\d+)', other)[1]))
    return found


@case('what is agreed on by a cookie is what the host agrees on without: v4', version=4, peers=('31.0.1.1', '31.0.1.2'))
@case('what is agreed on by a cookie is what the host agrees on without: v6', version=6, peers=('2a00:31::1:1', '2a00:31::1:2'))
def options(version, peers):
    told = []
    with protected('synopt', syn={'way': 'cookies', 'engage_pps': 500}) as (bed, daemon):
        bed.take_transmitted()
        bed.host.start('python3', '-c', KEEPER, HOSTS[version], 0, name='keeper').wait_ready()
        for sysctls in ({}, {'net__ipv4__tcp_timestamps': 0}, {'net__ipv4__tcp_sack': 0, 'net__ipv4__tcp_window_scaling': 0},
                        {'net__ipv4__tcp_ecn': 1}):
            defaults = {'net__ipv4__tcp_timestamps': 1, 'net__ipv4__tcp_sack': 1, 'net__ipv4__tcp_window_scaling': 1, 'net__ipv4__tcp_ecn': 2}
            bed.world.sysctl(**{**defaults, **sysctls})
            wait_for('the flood to be over', lambda: daemon.event_kinds().count('syn-flood-began') ==
                     daemon.event_kinds().count('syn-flood-ended'), 20)
            plain = bed.world.start('python3', '-c', TALKER, HOSTS[version], peers[0], name='talker').wait_ready()
            before, answered = daemon.event_kinds().count('syn-flood-began'), daemon.counters()['packets']['answered']
            flood = bed.send(source=f'any{version}', order='random', destination=HOSTS[version], protocol='tcp', tcp_flags='S',
                             dport=7000, rate=5000, seconds=4)
            wait_for('the flood to be told', lambda: daemon.event_kinds().count('syn-flood-began') > before, 5)
            by_cookie = bed.world.start('python3', '-c', TALKER, HOSTS[version], peers[1], name='talker').wait_ready()
            found = options_of(bed)
            flood.result()
            told.append(f'{sysctls}: {found[peers[0]]}, by a cookie {found[peers[1]]}')
            assert found[peers[0]] == found[peers[1]], told
            for talker in (plain, by_cookie):
                talker.stop()
            wait_for('both to be gone', lambda: peers[1] not in options_of(bed), 5)
    return told


@case('banned sources get no answer, and nobody more than his prefix may')
def capped_answers():
    with protected('synans', syn={'way': 'cookies', 'answer_pps': 100, 'engage_pps': 500, 'hold': '5s'}) as (bed, daemon):
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


@case('without cookies the cap holds the flood off the stack and clients get in with their second SYN')
def cap():
    with protected('syncap', syn={'way': 'cap', 'hold': '5s'}) as (bed, daemon):
        bed.take_transmitted()
        bed.serve()
        assert not daemon.status()['features']['syn_cookies']
        flood = bed.send(source='any4', order='random', protocol='tcp', tcp_flags='S', dport=80, rate=20000, seconds=7)
        begins(daemon)
        got = bed.clients(source=CLIENTS[4], kind='download', bytes=2000, rate=20, seconds=4, timeout_ms=3000).result()
        sent = flood.result()['sent']
        counters = daemon.identity()
        dropped = counters['drops']['syn-first'] + counters['workers']['dropped']  # those had a look at it first
        told = f'{got}; {sent} sent; {dropped} first ones dropped; {counters["packets"]} { {k: v for k, v in counters["drops"].items() if v} }'
        assert counters['packets']['answered'] == 0 and dropped > 0.95 * sent, told
        assert got['ok'] >= 0.95 * (got['ok'] + got['failed']), told
        return told


@case('a listener that takes no cookies (MPTCP) is found out, and its SYNs reach the stack under the cap')
def refused():
    with protected('synmp', syn={'way': 'cookies', 'engage_pps': 500, 'hold': '10s'}) as (bed, daemon):
        bed.take_transmitted()
        bed.host.start('python3', '-c', KEEPER, HOST4, MPTCP, name='keeper').wait_ready()
        bed.send(source='any4', order='random', protocol='tcp', tcp_flags='S', dport=7000, rate=3000, seconds=9)
        begins(daemon)
        bed.world.start('python3', '-c', TALKER, HOST4, '31.0.1.1', name='talker')  # finds it out, and may fail
        wait_for('the listener to be found out', lambda: daemon.counters()['drops'].get('syn-first', 0), 5)
        bed.world.start('python3', '-c', TALKER, HOST4, '31.0.1.2', name='talker').wait_ready(8)
        return f'{daemon.drops()["syn-first"]} first SYNs dropped meanwhile'


@case('a veth, which may lose the answers, gets the cap unless the operator says that it does not')
def doubt():
    with protected('syndoubt') as (bed, daemon):
        status = daemon.status()
        assert not status['features']['syn_cookies'] and 'a veth loses' in status['feature_notes']['syn_cookies'], status
        daemon.change(syn={'way': 'cookies'})
        daemon.gabion('reload')
        wait_for('cookies', lambda: daemon.status()['features']['syn_cookies'], 5)


@case('what the host cannot do is told, and no sysctl is changed')
def told_by_status():
    with protected('synsay', syn={'way': 'cookies'}) as (bed, daemon):
        note = lambda: daemon.status()['feature_notes'].get('syn_cookies', '')
        names = [f'net.ipv4.{name}' for name in ('tcp_syncookies', 'tcp_timestamps', 'tcp_sack', 'tcp_window_scaling', 'tcp_ecn')]
        before = bed.host.run('sysctl', *names).stdout
        assert daemon.status()['features']['syn_cookies'] and 'all options' in note(), note()
        bed.host.sysctl(net__ipv4__tcp_timestamps=0)
        wait_for('the missing option to be told', lambda: 'timestamps' in note(), 5)
        bed.host.sysctl(net__ipv4__tcp_timestamps=1, net__ipv4__tcp_syncookies=0)
        wait_for('the cap to be told', lambda: 'tcp_syncookies is 0' in note() and not daemon.status()['features']['syn_cookies'], 5)
        bed.host.sysctl(net__ipv4__tcp_syncookies=1)
        wait_for('cookies to be back', lambda: daemon.status()['features']['syn_cookies'], 5)
        assert bed.host.run('sysctl', *names).stdout == before
        return note()


main()
