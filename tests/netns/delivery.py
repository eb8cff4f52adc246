# SPDX-License-Identifier: Apache-2.0
"""What several scenarios ask, whatever the bed: does everything arrive, once and whole, through a worker and through a daemon's end?"""
import os
import signal
import time

from gabion_daemon import protected
from gabion_lab import GATE4, GATE6, HOST4, HOST6, Bed, rounds, wait_for

SOURCES = {'v4': '31.0.0.1-31.0.3.232', 'v6': '2a00:31::1-2a00:31::3e8'}
PORT = 9000
CLEAN, BANNED = SOURCES['v4'], '91.0.0.0-91.0.0.255'
RATE, BANNED_RATE = 60000, 30000


def checksum_errors(bed):
    counts = bed.host.nstat()
    names = ('Udp.InCsumErrors', 'Tcp.InCsumErrors', 'Ip.InHdrErrors', 'Ip6InHdrErrors', 'Udp6InCsumErrors', 'Icmp.InCsumErrors',
             'Ip.InDiscards', 'TcpExt.IPReversePathFilter', 'Udp.NoPorts', 'Udp6NoPorts')
    return {name: counts[name] for name in names if counts.get(name, 0) > 0}


def delivered(bed, source='31.0.0.1', count=100, **options):
    """How many of so many packets arrive."""
    receiver = bed.receive(port=PORT)
    bed.send(source=source, dport=PORT, count=count, rate=10000, **options).result()
    time.sleep(0.1)
    receiver.stop()
    return receiver.result()['received']


def handed_over_share(counters):
    return f'{counters["packets"]["handed_over"]} of {counters["packets"]["received"]} handed over'


def stream(attach, family, one_in, rate, count, handed_over_least=0, credit=256, bed=Bed, streams=4, **sections):
    """Streams of `count` stamped datagrams, all of which must arrive once: one, or as many (`streams` at most) as it takes until the
    worker had its share. Credit runs out when the worker is not scheduled for a moment; the packets then pass.

    As on a tuned host, the wire's interrupts and the workers have CPUs of their own: the sender, in whose context a veth receives, has
    the last CPU, the workers the first."""
    with protected('lossless', bed=bed, attach=attach, sampling={'one_in': one_in}, workers={'cpus': [0], 'credit': credit}, **sections) as (bed, daemon):
        assert daemon.attach_mode() == bed.attached(attach)
        told, before, fastest = [], 0, 0
        for number in range(1, streams + 1):
            receiver = bed.receive(port=PORT, expect=count, nap_ms=4).place(nice=10)
            sender = bed.place_sender(bed.send(source=SOURCES[family], dport=PORT, rate=rate, count=count, ttl='host'))
            sent = sender.result()
            counters = daemon.settled(20)
            receiver.stop()
            got = receiver.result()
            assert sent['sent'] == count
            assert (got['lost'], got['duplicated'], got['unstamped'], got['overflowed']) == (0, 0, 0, 0), (got, counters, daemon.ask('ban', 'list'))
            handed_over = counters['packets']['handed_over'] - before
            before += handed_over
            fastest = max(fastest, handed_over / sent['seconds'])
            told.append(f'{count / sent["seconds"]:.0f} pps sent, {handed_over / sent["seconds"]:.0f} pps handed over, '
                        f'{got["reordered"]} reordered')
            if counters['packets']['handed_over'] >= handed_over_least:
                break
        assert checksum_errors(bed) == {}, checksum_errors(bed)
        counters = daemon.identity()
        assert counters['workers']['lost'] == 0 and counters['packets']['dropped'] == 0, counters
        assert counters['packets']['received'] >= count * number
        told.append(f'{handed_over_share(counters)}, {counters["workers"]["late"]} late')
        assert counters['packets']['handed_over'] >= handed_over_least, told
        assert one_in > 0 or counters['packets']['handed_over'] < count, told
        return counters, fastest, '\n'.join(told)


def sockets(attach, one_in, bed=Bed):
    """TCP both ways, UDP and ping, v4 and v6, transmit offloads as they come (Bed.offloads), strict reverse path filter."""
    with protected('sockets', bed=bed, attach=attach, sampling={'one_in': one_in}) as (bed, daemon):
        assert bed.host.run('sysctl', '-n', f'net.ipv4.conf.{bed.host_port}.rp_filter').stdout.strip() == '1'
        offloads = bed.world.run('ethtool', '-k', 'net0').stdout
        assert f'tx-checksumming: {"on" if bed.offloads else "off"}' in offloads, 'offloads are not as they were meant to be'
        bed.serve()
        kinds = (('download', 80, 500000, 20), ('upload', 80, 500000, 20), ('udp', 53, 400, 200), ('ping', 0, 56, 100))
        runs = [(kind, source, bed.clients(source=source, kind=kind, port=port, bytes=size, rate=rate, seconds=3, timeout_ms=3000))
                for kind, port, size, rate in kinds for source in SOURCES.values()]
        before = bed.host.nstat()
        for kind, source, one in runs:
            result = one.result()
            assert result['failed'] == 0 and result['ok'] > 0, (kind, source, result, one.log.read_text())
        assert checksum_errors(bed) == {}, checksum_errors(bed)
        counters = daemon.identity()
        assert counters['workers']['lost'] == 0 and counters['packets']['dropped'] == 0, counters
        assert (counters['packets']['handed_over'] > 0) == (one_in > 0)
        again = bed.host.nstat()['Tcp.RetransSegs'] - before['Tcp.RetransSegs']
        return f'{handed_over_share(counters)}; the host sent {again} TCP segments again'


def from_inside(bed, attach):
    """What a host behind a pair asks of the world: TCP both ways, UDP and ping, v4 and v6."""
    with protected('outbound', bed=bed, attach=attach, sampling={'one_in': 1}) as (bed, daemon):
        bed.host.sysctl(net__ipv4__ping_group_range='0 2147483647')
        bed.world.tool('serve', http=80, udp=53).wait_ready()
        runs = [bed.host.tool('clients', source=source, server=server, kind=kind, port=port, bytes=size, rate=rate,
                              seconds=2, timeout_ms=3000)
                for source, server in ((HOST4, GATE4), (HOST6, GATE6)) for kind, port, size, rate in
                (('download', 80, 200000, 20), ('upload', 80, 200000, 20), ('udp', 53, 400, 100), ('ping', 0, 56, 50))]
        for one in runs:
            result = one.result()
            assert result['failed'] == 0 and result['ok'] > 0, (one.name, result)
        counters = daemon.identity()
        assert counters['packets']['passed'] == 0 and counters['packets']['dropped'] == 0, counters
        inside = counters['interfaces'][bed.peer]
        assert inside['packets']['forwarded'] == inside['packets']['received'] == inside['passes']['outbound'] > 0, inside


def under_load(bed, action):
    """Runs the action while clean and banned packets flow; returns how many clean ones were lost and how many banned ones came."""
    good = bed.receive(port=9000)
    bad = bed.receive(port=9001)
    senders = [bed.send(source=CLEAN, dport=9000, rate=RATE, seconds=600, ttl='host'),
               bed.send(source=BANNED, dport=9001, rate=BANNED_RATE, seconds=600)]
    time.sleep(0.3)
    action()
    time.sleep(0.3)
    for sender in senders:
        sender.stop()
    time.sleep(0.3)
    good.stop()
    bad.stop()
    sent, got = senders[0].result()['sent'], good.result()
    assert got['duplicated'] == 0 and got['overflowed'] == 0, got
    assert senders[1].result()['sent'] > 0
    return sent - got['unique'], bad.result()['received']


def repeat(name, act, limit_per_round=0, one_in=1, bed=Bed, attach='auto'):
    """The action under load, several times. `limit_per_round`: so many clean packets may be lost, and are counted; None: as many as come while
    nothing forwards."""
    with protected(name, bed=bed, attach=attach, sampling={'one_in': one_in}) as (bed, daemon):
        daemon.ban('91.0.0.0/24')
        told = []
        for number in range(rounds(2 if limit_per_round is not None else 3, 20)):
            before = daemon.settled()
            lost, banned = under_load(bed, lambda: act(daemon))
            counters = daemon.identity()
            counted = counters['workers']['lost'] - before['workers']['lost']
            told.append(f'round {number + 1}: {lost} clean lost ({counted} counted), {banned} banned delivered')
            assert banned == 0 and counters['packets']['received'] > before['packets']['received'], (told, before, counters)
            assert limit_per_round is None or (lost <= counted and lost <= limit_per_round), told
            assert delivered(bed) == 100, told
        return '\n'.join(told)


def restart_orderly(daemon):
    assert daemon.stop() == 0
    time.sleep(0.2)
    daemon.start()


def kill_and_start(daemon):
    daemon.kill()
    time.sleep(0.5)
    daemon.start()


def freeze(daemon):
    daemon.signal(signal.SIGSTOP)
    time.sleep(2)
    daemon.signal(signal.SIGCONT)
    wait_for('the daemon to answer', lambda: daemon.status(), 5)
