#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An inline pair, whichever backend moves its packets: the same traffic, and the same demands on what arrives, what does not, what is counted
and what is told. What only one backend has, or refuses, is in test_inline.py and test_dpdk.py."""
from delivery import delivered, freeze, from_inside, kill_and_start, repeat, restart_orderly, sockets, stream
from gabion_daemon import protected
from gabion_lab import GATE4, HOST4, HOST6, rounds, wait_for
from inline_bed import DpdkBed, InlineBed, OneWayBed, TwoThreadsBed
from own_traffic import OwnTraffic
from raw_exchange import exchange, frames
from scenario import case, main

XDP = 'XDP', {'bed': InlineBed, 'attach': 'native'}
GENERIC = 'generic XDP', {'bed': InlineBed, 'attach': 'generic'}
ONE_WAY = 'XDP, the inside port sends on one queue', {'bed': OneWayBed, 'attach': 'native'}
DPDK = 'DPDK', {'bed': DpdkBed, 'attach': 'auto'}
TWO_THREADS = 'DPDK, two threads', {'bed': TwoThreadsBed, 'attach': 'auto'}


def on(*backends, title, **arguments):
    """A case for each of the backends, which is told its bed and how it attaches."""
    def register(function):
        for name, backend in reversed(backends):  # as cases are, which stand above each other
            case(f'{title}: {name}', **backend, **arguments)(function)
        return function
    return register


@on(XDP, DPDK, title='real sockets, nothing sampled', one_in=0)
@on(XDP, ONE_WAY, DPDK, TWO_THREADS, title='real sockets, everything handed over', one_in=1)
@on(GENERIC, title='real sockets, 1 in 256', one_in=256)
def real_sockets(bed, attach, one_in):
    return sockets(attach, one_in, bed=bed)


@on(XDP, DPDK, title='from inside to the world: TCP, UDP, ping, v4 and v6')
def outbound(bed, attach):
    from_inside(bed, attach)


@on(XDP, title='every packet of a stream, everything handed over, v4', alone=True, family='v4', one_in=1)
@on(GENERIC, ONE_WAY, title='every packet of a stream, everything handed over, v6', alone=True, family='v6', one_in=1)
@on(XDP, title='every packet of a stream at 1 in 256, v6', alone=True, family='v6', one_in=256)
def fast_stream(bed, attach, family, one_in):
    count = rounds(300000, 1000000)
    return stream(attach, family, one_in, 300000, count, bed=bed, credit=2048,
                  handed_over_least=count if one_in == 1 else count / 256 / 2)[2]


@on(DPDK, title='every packet of a stream, nothing handed over, v6', alone=True, family='v6', one_in=0)
@on(DPDK, title='every packet of a stream, everything handed over, v4', alone=True, family='v4', one_in=1)
def stream_through_sockets(bed, attach, family, one_in):
    """As fast as packet sockets take it without a card."""
    count = 100000
    return stream(attach, family, one_in, 30000, count, bed=bed, handed_over_least=count * one_in, streams=1)[2]


@on(XDP, title='orderly restart: nothing clean lost, nothing banned delivered', alone=True, act=restart_orderly, limit=0)
@on(XDP, title='SIGSTOP for 2 s, then SIGCONT: nothing clean lost, nothing banned delivered', alone=True, act=freeze, limit=0)
@on(XDP, ONE_WAY, title='kill -9: at most what stood in the rings is lost, and counted; nothing banned delivered', alone=True, act=kill_and_start,
    limit=2 * 256)
@on(DPDK, title='orderly restart: nothing forwarded meanwhile, nothing banned delivered, and on it goes', alone=True, act=restart_orderly)
@on(DPDK, title='SIGSTOP for 2 s, then SIGCONT: likewise', alone=True, act=freeze)
@on(DPDK, title='kill -9: likewise', alone=True, act=kill_and_start)
def restart(bed, attach, act, limit=None):
    return repeat('restart', act, bed=bed, attach=attach, limit_per_round=limit)


@on(XDP, GENERIC, ONE_WAY, DPDK, title='frames arrive as they were sent: MACs, tags, lengths, ARP, LLDP')
def untouched(bed, attach):
    # The IPv4 header's checksum is nobody's business here; a station would drop the packet.
    with protected('untouched', bed=bed, attach=attach, sampling={'one_in': 1}) as (bed, daemon):
        assert daemon.attach_mode() == bed.attached(attach)
        kinds = {name: frame for name, frame in frames().items() if name not in bed.rewritten}
        world, host = (bed.world, 'net0'), (bed.host, bed.host_port)
        for out, into in ((world, host), (host, world)):
            arrived = exchange(kinds.values(), out, into, len(kinds))
            for name, frame in kinds.items():  # a worker may be overtaken
                assert arrived.count(frame) == 1, (name, out[1], frame, arrived)
            assert len(arrived) == len(kinds), arrived
        daemon.identity()


@on(XDP, DPDK, title='control frames of a link stay on their side where asked, and no longer when it is taken back')
def link_control(bed, attach):
    with protected('linkctl', bed=bed, attach=attach, sampling={'one_in': 0}) as (bed, daemon):
        def ask_for(what):
            daemon.config['interface'][0]['link_control'] = what
            daemon.change()
            bed.apply(daemon)
        ask_for('drop')
        kinds, ways = frames(), ((bed.world, 'net0'), (bed.host, bed.host_port))
        for out, into in (ways, ways[::-1]):
            arrived = exchange([kinds['LLDP'], kinds['STP'], kinds['ARP to all']], out, into, 1)
            assert arrived == [kinds['ARP to all']], arrived
        assert [daemon.counters()['interfaces'][port]['drops']['link-control'] for port in ('prot0', 'prot1')] == [2, 2]
        ask_for('forward')
        assert exchange([kinds['LLDP']], *ways, 1) == [kinds['LLDP']]
        daemon.identity()


@on(XDP, DPDK, title='bans from the command line: addresses, prefixes, v4 and v6; taken back; expired; loaded from a file')
def bans(bed, attach):
    with protected('pairban', bed=bed, attach=attach, sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1', '91.7.0.0/16', '2a00:91::/32')
        banned = ('91.0.0.1', '91.7.1.2', '2a00:91::5')
        for source in banned:
            assert delivered(bed, source) == 0, source
        for source in ('31.0.0.1', '91.0.0.2', '91.8.0.1', '2a00:31::1'):
            assert delivered(bed, source) == 100, source
        drops = daemon.identity()['drops']
        assert sum(drops.values()) == 100 * len(banned), drops
        hits = {one['target']: one['hits'] for one in daemon.ask('ban', 'list')}
        assert hits['91.0.0.1'] == 100, hits
        daemon.gabion('ban', 'del', '91.0.0.1')
        assert delivered(bed, '91.0.0.1') == 100
        daemon.ban('91.0.0.1', **{'for': '2s'})
        assert delivered(bed, '91.0.0.1') == 0
        wait_for('the ban to end', lambda: delivered(bed, '91.0.0.1') == 100, 5)
        many = daemon.base / 'many'
        many.write_text('\n'.join(f'92.{n >> 8 & 255}.{n & 255}.1' for n in range(50000)) + '\n')
        daemon.gabion('ban', 'load', many)
        assert delivered(bed, '92.9.7.1') == 0 and delivered(bed, '92.9.7.2') == 100
        daemon.identity()


@on(XDP, DPDK, title='the breaker: ordered on, its ratio, and off again')
def breaker(bed, attach):
    with protected('pairpanic', bed=bed, attach=attach, panic={'mode': 'on', 'drop_ratio': 0.8}, sampling={'one_in': 256}) as (bed, daemon):
        bed.send(source='50.0.0.0/12', order='random', dport=9000, rate=100000, count=200000, ttl='host').result()
        drops, seen = daemon.identity()['drops']['breaker'], daemon.breaker()
        assert seen['dropped'] == drops and seen['met'] >= 190000, (seen, drops)
        assert abs(drops / seen['met'] - 0.8) <= 0.01, (seen, drops)
        daemon.gabion('panic', 'off')
        assert delivered(bed, '50.1.2.3') == 100
        return f'{drops / seen["met"]:.4f} over {seen["met"]}'


@on(XDP, DPDK, title='the detectors see what is handed over: a heavy source is cut off, a client beside it is not', alone=True)
def detectors(bed, attach):
    with protected('pairdet', bed=bed, attach=attach, sampling={'one_in': 16},
                   detectors={'learning': '2s', 'unlearned_source_pps': 5000}) as (bed, daemon):
        bed.serve()
        bed.clients(source='31.0.0.1', kind='udp', port=53, bytes=400, rate=50, seconds=3, timeout_ms=3000).result()
        wait_for('what is normal to be learned', lambda: 'baseline-learned' in daemon.event_kinds(), 5)
        flood = bed.send(source='91.0.0.9', dport=9000, rate=40000, seconds=6, ttl='host')
        wait_for('a verdict', lambda: {'quarantined', 'banned'} & set(daemon.event_kinds()), 6)
        client = bed.clients(source='31.0.0.1', kind='udp', port=53, bytes=400, rate=50, seconds=2, timeout_ms=3000).result()
        sent = flood.result()['sent']
        assert client['failed'] == 0 and client['ok'] > 0, client
        counters = daemon.identity()
        assert counters['packets']['dropped'] > sent / 2, (sent, counters)
        assert '91.0.0.9' in daemon.gabion('why', '91.0.0.9').stdout
        return f'{counters["packets"]["dropped"]} of {sent} dropped'


@on(XDP, DPDK, title='answers of amplifiers pass when somebody inside asked, and only then: v4', alone=True, v6=False)
@on(XDP, title='answers of amplifiers pass when somebody inside asked, and only then: v6', alone=True, v6=True)
def amplifiers(bed, attach, v6):
    with protected('inamp', bed=bed, attach=attach) as (bed, daemon):
        own = OwnTraffic(bed, 3, v6)
        flood = bed.reflect(answers=60000, rate=30000, destination=HOST6 if v6 else HOST4).result(60)
        told = own.assert_undisturbed()
        assert daemon.dropped_for('amplification') >= 0.999 * flood['sent'], (flood, daemon.drops())
        return told


@on(XDP, DPDK, title='a restart with the two ports swapped')
def swapped(bed, attach):
    with protected('inswap', bed=bed, attach=attach, sampling={'one_in': 0}) as (bed, daemon):
        daemon.ban('91.0.0.1', HOST4)
        assert delivered(bed, '91.0.0.1') == 0 and delivered(bed) == 100
        daemon.stop()
        table = daemon.config['interface'][0]
        for one, other in (('name', 'peer'), ('device', 'peer_device')):
            if one in table:
                table[one], table[other] = table[other], table[one]
        daemon.change()
        daemon.start()
        assert [one['name'] for one in daemon.status()['interfaces']] == ['prot1', 'prot0']
        assert delivered(bed, '91.0.0.1') == 100, 'what comes from inside is not judged'
        bed.world.tool('serve', http=80, udp=53).wait_ready()
        asked = bed.host.tool('clients', source=HOST4, server=GATE4, kind='udp', port=53, bytes=100, rate=50, seconds=1).result()
        assert asked['ok'] == 0, 'the host is outside now, and banned'
        assert daemon.identity()['interfaces']['prot1']['drops']['ban-operator'] > 0


main(at_once=3)
