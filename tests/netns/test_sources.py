#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rates of single sources: what is above is dropped, who offends with what only he can have sent is banned, and nobody else."""
import time

from gabion_daemon import protected
from gabion_lab import HOST4, HOST6, rounds, wait_for
from scenario import case, main
from talk import echo

PORT = 9000
INNOCENT = {HOST4: '31.0.7.7', HOST6: '2a00:31::7:7'}
OFFENDER = {HOST4: '31.0.8.8', HOST6: '2a00:31::8:8'}
# Says a word ten times a second until it is told to end, and how long the slowest answer took.
TALKER = '''
import json, os, socket, sys, time
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
talk = socket.socket(family); talk.settimeout(10)
talk.bind((sys.argv[2], 40001)); talk.connect((sys.argv[1], 7000))
slowest = words = 0
def say():
    global slowest, words
    begun = time.monotonic(); talk.sendall(b'word'); got = talk.recv(64); assert got == b'word', got
    slowest = max(slowest, time.monotonic() - begun); words += 1
say(); print('ready', flush=True)
while not os.path.exists(sys.argv[3]):
    say(); time.sleep(0.1)
print(json.dumps({'words': words, 'slowest_ms': round(1000 * slowest)}), flush=True)
'''


def limits(**sources):
    """No detectors and no caps: the rates of sources alone."""
    return {'sampling': {'one_in': 0}, 'caps': {'enabled': False}, 'sources': {'when': 'always', **sources},
            'detectors': {'rate': {'enabled': False}, 'entropy': {'enabled': False}, 'ttl': {'enabled': False}}}


def dropped(daemon):
    return {reason: count for reason, count in daemon.drops().items() if count}


class Talk:
    def __init__(self, bed, host):
        self.end = bed.lab.directory / f'end-{len(bed.lab.processes)}'
        self.process = bed.world.start('python3', '-c', TALKER, host, INNOCENT[host], self.end, name='talker').wait_ready()

    def result(self):
        self.end.touch()
        return self.process.result(20)


def passed(bed, daemon, rate, seconds=2, **options):
    """Of how many how many passed."""
    before = daemon.settled()['packets']
    sent = bed.send(rate=rate, seconds=seconds, **options).result()['sent']
    after = daemon.identity()['packets']
    return sent, after['passed'] - before['passed']


@case('a source is held to its rate, ports may have others, and a reload changes them: v4', host=HOST4, one='50.0.0.1', other='50.0.0.2')
@case('a source is held to its rate, ports may have others, and a reload changes them: v6', host=HOST6, one='2a00:50::1', other='2a00:50::2')
def held(host, one, other):
    port = {'protocol': 'udp', 'port': PORT + 1, 'pps': 3000}
    with protected('held', **limits(udp_pps=1000, burst='100ms', port=[port])) as (bed, daemon):
        assert daemon.status()['features']['source_rates']
        told = []
        sent, through = passed(bed, daemon, 950, source=one, dport=PORT)
        told.append(f'below: {through} of {sent}')
        assert through >= sent, told
        sent, through = passed(bed, daemon, 5000, source=one, dport=PORT)
        told.append(f'above: {through} of {sent}')
        assert 1900 <= through <= 2300 and daemon.drops()['source-rate'] >= sent - through - 1, told
        sent, through = passed(bed, daemon, 900, source=other, dport=PORT)
        assert through >= sent, told
        sent, through = passed(bed, daemon, 9000, source=other, dport=PORT + 1)
        told.append(f'a port with another rate: {through} of {sent}')
        assert 5700 <= through <= 6800, told
        daemon.change(sources={'when': 'flood'})
        daemon.gabion('reload')
        sent, through = passed(bed, daemon, 5000, source=one, dport=PORT)
        assert through >= sent, told
        daemon.change(sources={'when': 'always', 'udp_pps': 2000, 'port': []})
        daemon.gabion('reload')
        sent, through = passed(bed, daemon, 9000, source=other, dport=PORT + 1)
        told.append(f'after a reload: {through} of {sent}')
        assert 3800 <= through <= 4600, told
        daemon.change(sources={'enabled': False})
        daemon.gabion('reload')
        sent, through = passed(bed, daemon, 9000, source=one, dport=PORT)
        assert through >= sent and not daemon.status()['features']['source_rates'], told
        return told


@case('in floods alone, as it comes: the heavy source is held, others go on, and strangers get in at a rate: v4', alone=True, host=HOST4, net='31.0.0.', strangers='50.0.0.0/12')
@case('in floods alone, as it comes: the heavy source is held, others go on, and strangers get in at a rate: v6', alone=True, host=HOST6, net='2a00:31::', strangers='2a00:50::/64')
def in_floods(host, net, strangers):
    sections = {**limits(when='flood', udp_pps=5000, burst='100ms', new_per_s=1000),
                'caps': {'udp_trigger_pps': 15000, 'udp_pps': 1_000_000, 'hold': '2s'}}
    with protected('infloods', **sections) as (bed, daemon):
        told = []
        sent, through = passed(bed, daemon, 10000, source=net + '9', dport=PORT)
        told.append(f'no flood: {through} of {sent}')
        assert through >= sent and not dropped(daemon), told
        client = bed.send(source=net + '8', dport=PORT, rate=2000, seconds=5)
        time.sleep(0.5)
        heavy = bed.send(source=net + '9', dport=PORT, rate=40000, seconds=2).result()['sent']
        held = daemon.drops()['source-rate']
        told.append(f'heavy: {held} of {heavy} dropped')
        assert heavy > 48000 and heavy - 13000 < held < heavy - 9000 and daemon.drops()['new-source'] == 0, told
        many = bed.send(source=strangers, order='random', dport=PORT, rate=40000, seconds=2).result()['sent']
        quiet = client.result()['sent']
        daemon.settled()
        drops, packets = dropped(daemon), daemon.identity()['packets']
        told.append(f'strangers: {many} sent, client: {quiet} sent; {drops}; {packets}')
        assert many > 48000 and many - 2800 < drops['new-source'] < many - 1500, told
        assert set(drops) == {'source-rate', 'new-source'} and drops['source-rate'] == held, told
        return told


@case('who completes too many connections is banned, with evidence, and longer the second time: v4', host=HOST4)
@case('who completes too many connections is banned, with evidence, and longer the second time: v6', host=HOST6)
def offender(host):
    with protected('offender', bans={'duration': '3s'}, **limits(connections_per_s=20, threshold=60, tcp_pps=0, packets_pps=0)) as (bed, daemon):
        bed.serve()
        crowd = bed.clients(source=INNOCENT[host], kind='download', bytes=2000, rate=10, seconds=14, timeout_ms=3000)
        told = []
        for multiplier in (1, 2):
            bed.clients(source=OFFENDER[host], kind='download', bytes=200, rate=200, seconds=6, timeout_ms=500)
            ban = wait_for('the ban', lambda: [one for one in daemon.ask('ban', 'list') if one['tier'] == 'detector'], 6)[0]
            begun = time.monotonic()
            assert ban['target'].split('/')[0] == OFFENDER[host] and ban['reason'] == 'source-rates', ban
            assert ban['evidence']['standing'] == 'proven' and ban['evidence']['detector'] == 'sources', ban
            why = daemon.gabion('why', OFFENDER[host]).stdout
            assert 'is banned by sources' in why, why
            assert ('x2' in why) == (multiplier == 2), why
            wait_for('the ban to end', lambda: not [one for one in daemon.ask('ban', 'list') if one['tier'] == 'detector'], 12)
            lasted = time.monotonic() - begun
            told.append(f'{ban}; lasted {lasted:.1f} s; {dropped(daemon)}')
            assert 3 * multiplier - 1.5 <= lasted <= 3 * multiplier + 1.5, told
            assert daemon.drops()['ban-detector'] > 0, told
        innocent = crowd.result()
        assert innocent['failed'] == 0, innocent
        assert 'banned' in daemon.event_kinds()
        daemon.identity()
        return told + [why.strip(), f'the other client: {innocent}']


def detector_bans(daemon):
    return {one['target'].split('/')[0] for one in daemon.ask('ban', 'list') if one['tier'] == 'detector'}


@case("the operator's own session is cut off neither by a detector nor by a slip of his, as long as it lasts: v4", host=HOST4)
@case("the operator's own session is cut off neither by a detector nor by a slip of his, as long as it lasts: v6", host=HOST6)
def operators_session(host):
    own, other = INNOCENT[host], OFFENDER[host]
    with protected('operator', operator={'ports': [7000], 'settled': '1s'},
                   **limits(connections_per_s=20, threshold=60, tcp_pps=0, packets_pps=0)) as (bed, daemon):
        bed.serve()
        echo(bed, host)
        talk = Talk(bed, host)
        listed = bed.lab.directory / 'list'
        listed.write_text(f'{other}\n{own}\n')
        for arguments in (('add', own), ('add', f'{own[:3]}0.0.0/8' if host == HOST4 else '2a00::/16'), ('load', listed)):
            done = daemon.gabion('ban', *arguments, check=False)
            assert done.returncode == 1 and 'session' in done.stderr and '--force' in done.stderr, (arguments, done)
        assert daemon.ask('ban', 'list') == []
        time.sleep(1.2)
        assert daemon.gabion('ban', 'add', own, check=False).returncode == 1, 'and now it was seen again, and is settled'
        offenders = [bed.clients(source=one, kind='download', bytes=200, rate=200, seconds=6, timeout_ms=500) for one in (own, other)]
        wait_for('the ban of the other one', lambda: other in detector_bans(daemon), 6)
        for one in offenders:
            one.result()
        assert detector_bans(daemon) == {other}, daemon.ask('ban', 'list')
        assert talk.result()['words'] > 30
        daemon.ban(own)  # the session is over
        daemon.gabion('ban', 'del', own)
        bed.clients(source=own, kind='download', bytes=200, rate=200, seconds=6, timeout_ms=500)
        wait_for('the ban without a session', lambda: own in detector_bans(daemon), 8)
        daemon.gabion('ban', 'add', own, '--force')
        daemon.identity()


@case('forging an innocent, with the ports of his connection too, gets nobody banned and cuts nothing off: v4', alone=True, host=HOST4)
@case('forging an innocent, with the ports of his connection too, gets nobody banned and cuts nothing off: v6', alone=True, host=HOST6)
def forged(host):
    rates = limits(packets_pps=100, tcp_pps=100, udp_pps=100, syn_pps=20, connections_per_s=20, threshold=20)
    with protected('forged', **rates) as (bed, daemon):
        bed.host.sysctl(net__ipv4__tcp_syncookies=1, net__core__somaxconn=4096)
        bed.serve()
        echo(bed, host)
        talk = Talk(bed, host)
        told = []
        source = INNOCENT[host]
        for name, options in {'UDP': {'protocol': 'udp', 'dport': PORT}, 'ACK': {'protocol': 'tcp', 'tcp_flags': 'A', 'dport': 80},
                              'ACK with the right ports': {'protocol': 'tcp', 'tcp_flags': 'A', 'sport': 40001, 'dport': 7000},
                              'data with the right ports': {'protocol': 'tcp', 'tcp_flags': 'PA', 'size': '200', 'sport': 40001, 'dport': 7000},
                              'resets with the right ports': {'protocol': 'tcp', 'tcp_flags': 'R', 'sport': 40001, 'dport': 7000}}.items():
            flood = bed.send(source=source, destination=host, rate=20000, seconds=5, **options)
            asked = bed.clients(source=source, kind='download', bytes=2000, rate=0.7, seconds=4, timeout_ms=4000).result()
            sent = flood.result()['sent']
            told.append(f'{name}: {sent} sent; {dropped(daemon)}; new connections: {asked}')
            assert asked['failed'] == 0 and asked['ok'] > 0, told
            assert not daemon.ask('ban', 'list'), told
        talked = talk.result()
        told.append(f'the connection: {talked}')
        assert talked['words'] > 100, told
        assert daemon.drops()['source-rate'] > 200000, told
        assert 'banned' not in daemon.event_kinds()
        daemon.identity()
        return told


@case('several offenders of a prefix get it banned, unless somebody else in it has proved himself', spared=False)
@case('a prefix in which somebody else has proved himself is spared', spared=True)
def prefix(spared):
    with protected('prefix', escalation={'offenders': 3}, **limits(connections_per_s=20, threshold=60, tcp_pps=0, packets_pps=0)) as (bed, daemon):
        bed.serve()
        if spared:
            assert bed.clients(source='31.0.9.99', kind='download', bytes=2000, rate=5, seconds=1).result()['ok'] > 0
        bed.clients(source='31.0.9.1-31.0.9.3', kind='download', bytes=200, rate=300, seconds=8, timeout_ms=500)
        event = wait_for('the prefix', lambda: [one for one in daemon.events() if one['kind'] == 'escalated'], 9)[0]
        bans = {one['target']: one for one in daemon.ask('ban', 'list')}
        told = [str(event), str(sorted(bans))]
        assert ('31.0.9.0/24' in bans) != spared and '31.0.9.1' in bans, told
        asked = bed.clients(source='31.0.9.99', kind='download', bytes=2000, rate=5, seconds=1, timeout_ms=500).result()
        others = bed.clients(source='31.0.10.1', kind='download', bytes=2000, rate=5, seconds=1, timeout_ms=500).result()
        assert others['failed'] == 0 and (asked['failed'] == 0) == spared, (told, asked, others)
        if not spared:
            why = daemon.gabion('why', '31.0.9.200').stdout
            assert '31.0.9.0/24 is banned by escalation (offenders)' in why and 'evidence proven' in why, why
            told.append(why.strip())
        return told


@case('ten million forged sources leave connections, bans and proven sources alone, and take no memory', alone=True)
def millions():
    count = rounds(10_300_000, 30_000_000)  # at random of half a billion: more than 10,000,000 distinct ones
    with protected('millions', **limits(packets_pps=100, udp_pps=100, ban=True)) as (bed, daemon):
        bed.serve()
        echo(bed, HOST4)
        talk = Talk(bed, HOST4)
        crowd = '31.0.0.1-31.0.0.40'
        assert bed.clients(source=crowd, kind='download', bytes=2000, rate=40, seconds=3).result()['failed'] == 0
        daemon.ban('60.0.0.0/16', '61.1.2.3')
        bans = daemon.ask('ban', 'list')
        before = daemon.status()['memory']
        flood = bed.flood(source='any4', dport=PORT, rate=1_000_000, count=count)
        calm = bed.clients(source=crowd, kind='download', bytes=2000, rate=20, seconds=8, timeout_ms=3000).result()
        sent = flood.result(120)['sent']
        after = daemon.status()['memory']
        talked = talk.result()
        told = [f'{sent} sent; connection: {talked}; clients: {calm}; {dropped(daemon)}',
                f'resident {before["resident_bytes"]} and {after["resident_bytes"]}, tables {before["table_bytes"]} and {after["table_bytes"]}']
        assert sent >= count and calm['failed'] == 0 and talked['words'] > 10, told
        assert after['table_bytes'] == before['table_bytes'] and after['resident_bytes'] <= before['resident_bytes'] + (8 << 20), told
        assert [one['target'] for one in daemon.ask('ban', 'list')] == [one['target'] for one in bans], told
        return told


main(at_once=3)
