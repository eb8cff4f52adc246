#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An inline pair on DPDK: the same stages on the same tables, run by threads of gabiond that poll both ports. What is clean goes through,
what is banned does not, everything is counted, and what this backend cannot do is refused."""
import time

from delivery import delivered, from_inside, kill_and_start, restart_orderly, sockets, under_load
from gabion_daemon import Daemon, protected
from gabion_lab import Bed, Lab, LabError, wait_for
from inline_bed import DpdkBed
from raw_exchange import exchange, frames
from scenario import case, main


class TwoCoresBed(DpdkBed):
    """Two threads, each with a queue of both ports."""

    cores = [0, 1]

    def protects(self):
        one = super().protects()
        return {**one, 'device': one['device'] + ',qpairs=2', 'peer_device': one['peer_device'] + ',qpairs=2'}


def refused(**change):
    """What gabiond says when it does not start."""
    with protected('dpdkno', bed=DpdkBed, start=False) as (_, daemon):
        daemon.config['interface'][0].update(change.pop('interface', {}))
        daemon.change(**change)
        try:
            daemon.start()
        except LabError as error:
            return str(error)
        raise AssertionError(f'started with {daemon.config}')


@case('real sockets, nothing sampled', one_in=0)
@case('real sockets, everything seen by the detectors', one_in=1)
@case('real sockets, everything seen by the detectors, two threads', one_in=1, bed=TwoCoresBed)
def real_sockets(one_in, bed=DpdkBed):
    return sockets('auto', one_in, bed=bed)


@case('from inside to the world: TCP, UDP, ping, v4 and v6')
def outbound():
    from_inside(DpdkBed)


@case('status names the backend, counters what the drivers discarded; programs are on no port')
def status():
    with protected('dpdkstat', bed=DpdkBed) as (bed, daemon):
        seen = daemon.status()
        assert [(one['name'], one['backend'], one['attach'], one['present']) for one in seen['interfaces']] == [
            ('prot0', 'dpdk', 'poll-mode', True), ('prot1', 'dpdk', 'poll-mode', True)], seen
        assert [(one['queue'], one['cpu'], one['alive']) for one in seen['interfaces'][0]['workers']] == [(0, 1, True)], seen
        assert seen['features']['inline_mode'] and not seen['features']['native_xdp'], seen
        assert delivered(bed) == 100
        assert {'driver_missed', 'driver_tx_errors'} <= set(daemon.identity()['interfaces']['prot0']['nic'])
        assert 'xdp' not in bed.box.run('ip', 'link').stdout


@case('every packet of a stream arrives once, nothing sampled', one_in=0)
@case('every packet of a stream arrives once, everything seen by the detectors', one_in=1)
def stream(one_in):
    with protected('dpdkstream', bed=DpdkBed, sampling={'one_in': one_in}) as (bed, daemon):
        count = 100000
        receiver = bed.receive(port=9000, expect=count, nap_ms=4).place(nice=10)
        sent = bed.send(source='31.0.0.1-31.0.3.232', dport=9000, rate=30000, count=count, ttl='host').result()
        counters = daemon.identity()
        receiver.stop()
        got = receiver.result()
        assert sent['sent'] == count and (got['lost'], got['duplicated'], got['overflowed']) == (0, 0, 0), (sent, got, counters)
        assert (counters['packets']['handed_over'] >= count) == (one_in == 1) and counters['workers']['lost'] == 0, counters
        return f'{count / sent["seconds"]:.0f} pps sent, {got["reordered"]} reordered'


@case('frames arrive as they were sent: MACs, a tag, lengths, ARP, LLDP')
def untouched():
    with protected('dpdkraw', bed=DpdkBed, sampling={'one_in': 1}) as (bed, daemon):
        # What a packet socket is given has its outer tag taken out, and the driver puts back the usual one whichever it was.
        kinds = {name: frame for name, frame in frames().items() if name != 'two tags'}
        world, host = (bed.world, 'net0'), (bed.host, bed.host_port)
        for out, into in ((world, host), (host, world)):
            arrived = exchange(kinds.values(), out, into, len(kinds))
            for name, frame in kinds.items():
                assert arrived.count(frame) == 1, (name, out[1], frame, arrived)
            assert len(arrived) == len(kinds), arrived
        daemon.identity()


@case('bans from the command line: addresses, prefixes, v4 and v6; taken back; expired; loaded from a file')
def bans():
    with protected('dpdkban', bed=DpdkBed, sampling={'one_in': 1}) as (bed, daemon):
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


@case('the breaker: ordered on, its ratio, and off again')
def breaker():
    with protected('dpdkpanic', bed=DpdkBed, panic={'mode': 'on', 'drop_ratio': 0.8}, sampling={'one_in': 256}) as (bed, daemon):
        bed.send(source='50.0.0.0/12', order='random', dport=9000, rate=100000, count=200000, ttl='host').result()
        drops, seen = daemon.identity()['drops']['breaker'], daemon.breaker()
        assert seen['dropped'] == drops and seen['met'] >= 190000, (seen, drops)
        assert abs(drops / seen['met'] - 0.8) <= 0.01, (seen, drops)
        daemon.gabion('panic', 'off')
        assert delivered(bed, '50.1.2.3') == 100
        return f'{drops / seen["met"]:.4f} over {seen["met"]}'


@case('the detectors see what is handed over: a heavy source is cut off, a client beside it is not')
def detectors():
    with protected('dpdkdet', bed=DpdkBed, sampling={'one_in': 16}, detectors={'learning': '2s', 'unlearned_source_pps': 5000}) as (bed, daemon):
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


@case('an orderly restart: bans and counters go on, nothing banned is delivered', act=restart_orderly)
@case('kill -9 and a start: likewise, and the identity is exact', act=kill_and_start)
def restart(act):
    with protected('dpdkagain', bed=DpdkBed, sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.0/24')
        told = []
        for _ in range(3):
            before = daemon.settled()['packets']['received']
            lost, banned = under_load(bed, lambda: act(daemon))
            counters = daemon.identity()
            assert banned == 0 and counters['packets']['received'] > before, (banned, before, counters)
            assert delivered(bed) == 100
            told.append(f'{lost} arrived while nothing forwarded, {counters["workers"]["lost"]} counted as lost')
        return told


@case('a pair on DPDK and an interface on XDP in one daemon: the same bans, counters of their own')
def mixed():
    with Lab('dpdkmix') as lab:
        bed = DpdkBed(lab)
        other = Bed(lab, interface='prot2', host=bed.box, world='world2')
        daemon = Daemon(bed, sampling={'one_in': 1})
        daemon.config['interface'].append({'name': 'prot2', 'mode': 'host'})
        daemon.change()
        daemon.start()
        assert [(one['name'], one['backend']) for one in daemon.status()['interfaces']] == [
            ('prot0', 'dpdk'), ('prot1', 'dpdk'), ('prot2', 'xdp')]
        daemon.ban('91.0.0.1')
        for one in (bed, other):
            assert delivered(one) == 100 and delivered(one, '91.0.0.1') == 0
        drops = {name: one['drops']['ban-operator'] for name, one in daemon.identity()['interfaces'].items()}
        assert drops == {'prot0': 100, 'prot1': 0, 'prot2': 100}, drops
        assert daemon.stop() == 0


@case('from XDP to DPDK and back by restarts: the program goes, and comes again')
def changed():
    with protected('dpdkturn', bed=DpdkBed, start=False) as (bed, daemon):
        on_dpdk = daemon.config['interface'][0]
        on_xdp = {key: value for key, value in on_dpdk.items() if key not in ('backend', 'device', 'peer_device')}
        for table, attached in ((on_xdp, True), (on_dpdk, False), (on_xdp, True)):
            daemon.config['interface'] = [table]
            daemon.change()
            daemon.start()
            assert ('xdp' in bed.box.run('ip', 'link', 'show', 'prot0').stdout) == attached, table
            assert ('xdp' in bed.box.run('ip', 'link', 'show', 'prot1').stdout) == attached, table
            daemon.ban('91.0.0.1')
            assert delivered(bed) == 100 and delivered(bed, '91.0.0.1') == 0, table
            daemon.identity()
            assert daemon.stop() == 0


@case('what it cannot do is refused, and says why: ports that are not there, CPUs, profiles, channels, other stages')
def refusals():
    said = refused(interface={'device': 'net_af_packet0,iface=none0'})
    assert 'prot0: port net_af_packet0,iface=none0' in said and 'No such device' in said, said
    said = refused(dpdk={'cores': [999]})
    assert 'this host has no CPU 999' in said, said
    said = refused(dpdk={'cores': [0, 1]})
    assert 'dpdk.cores names 2 CPUs' in said, said
    with protected('dpdkrefuse', bed=DpdkBed) as (bed, daemon):
        for words, why in ((('profile', '--seconds', '1'), 'is on DPDK'), (('reload', '--channels', '1'), 'a queue for each CPU')):
            answer = daemon.gabion(*words, check=False)
            assert answer.returncode == 1 and why in answer.stderr, answer
        daemon.change(features={'breaker': False})
        answer = daemon.gabion('reload', check=False)
        assert answer.returncode == 1 and 'need a restart' in answer.stderr, answer
        daemon.config['features'] = {}
        daemon.change(sampling={'one_in': 1})
        daemon.gabion('reload')
        time.sleep(0.1)
        assert delivered(bed) == 100 and daemon.identity()['packets']['handed_over'] >= 100


main()
