#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Inline mode: a box between the world and a host, with no address of its own. What is clean goes through, both ways and untouched;
what is banned does not; and the daemon's end changes neither."""
import time

from delivery import delivered, freeze, from_inside, kill_and_start, repeat, restart_orderly, sockets, stream
from gabion_daemon import Daemon, protected
from gabion_lab import GATE4, HOST4, HOST6, Bed, Lab, rounds, wait_for
from inline_bed import InlineBed, OneWayBed
from own_traffic import OwnTraffic
from raw_exchange import exchange, frames
from scenario import case, main



def port_counts(daemon, port):
    return {key: value for key, value in daemon.counters()['interfaces'][port]['nic'].items() if key.startswith('not_forwarded')}


@case('real sockets, nothing sampled, native', attach='native', one_in=0)
@case('real sockets, everything handed over, native', attach='native', one_in=1)
@case('real sockets, 1 in 256, generic', attach='generic', one_in=256)
@case('real sockets, everything handed over, the inside port sends on one queue', attach='native', one_in=1, bed=OneWayBed)
def real_sockets(attach, one_in, bed=InlineBed):
    return sockets(attach, one_in, bed=bed)


@case('from inside to the world: TCP, UDP, ping, v4 and v6')
def outbound():
    from_inside(InlineBed)


@case('every packet of a stream, everything handed over, native, v4', alone=True, attach='native', family='v4', one_in=1)
@case('every packet of a stream, everything handed over, generic, v6', alone=True, attach='generic', family='v6', one_in=1)
@case('every packet of a stream at 1 in 256, native, v6', alone=True, attach='native', family='v6', one_in=256)
@case('every packet of a stream, everything handed over, native, v6, the inside port sends on one queue', alone=True, attach='native', family='v6',
      one_in=1, bed=OneWayBed)
def lossless(attach, family, one_in, bed=InlineBed):
    count = rounds(300000, 1000000)
    return stream(attach, family, one_in, 300000, count, bed=bed, credit=2048,
                  handed_over_least=count if one_in == 1 else count / 256 / 2)[2]


@case('orderly restart: nothing clean lost, nothing banned delivered', alone=True)
def orderly():
    return repeat('inorderly', restart_orderly, bed=InlineBed)


@case('SIGSTOP for 2 s, then SIGCONT: nothing clean lost, nothing banned delivered', alone=True)
def frozen():
    return repeat('infrozen', freeze, bed=InlineBed)


@case('kill -9: at most what stood in the rings is lost, and counted; nothing banned delivered', alone=True)
@case('kill -9: likewise, the inside port sends on one queue', alone=True, bed=OneWayBed)
def killed(bed=InlineBed):
    return repeat('inkilled', kill_and_start, bed=bed, limit_per_round=2 * 256)


@case('without the daemon it forwards and bans, both ways', how='kill')
@case('likewise after an orderly stop', how='stop')
def alone(how):
    with protected('alone', bed=InlineBed, sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1')
        getattr(daemon, how)()
        bed.serve()
        for source in ('31.0.0.1', '2a00:31::1'):
            for kind, port, size in (('download', 80, 100000), ('ping', 0, 56)):
                result = bed.clients(source=source, kind=kind, port=port, bytes=size, rate=20, seconds=1).result()
                assert result['failed'] == 0 and result['ok'] > 0, (source, kind, result)
        assert delivered(bed) == 100 and delivered(bed, '91.0.0.1') == 0
        daemon.start()
        assert daemon.identity()['drops']['ban-operator'] == 100


@case('frames arrive as they were sent: MACs, tags, lengths, ARP, LLDP; native', attach='native')
@case('frames arrive as they were sent: MACs, tags, lengths, ARP, LLDP; generic', attach='generic')
@case('frames arrive as they were sent: the inside port sends on one queue', attach='native', bed=OneWayBed)
def untouched(attach, bed=InlineBed):
    # The IPv4 header's checksum is nobody's business here; a station would drop the packet.
    with protected('untouched', bed=bed, attach=attach, sampling={'one_in': 1}) as (bed, daemon):
        assert daemon.attach_mode() == attach
        world, host = (bed.world, 'net0'), (bed.host, bed.host_port)
        for out, into in ((world, host), (host, world)):
            arrived = exchange(frames().values(), out, into, len(frames()))
            for name, frame in frames().items():  # a worker may be overtaken
                assert arrived.count(frame) == 1, (name, out[1], frame, arrived)
            assert len(arrived) == len(frames()), arrived
        daemon.identity()


@case('control frames of a link stay on their side where asked; a reload turns it')
def link_control():
    with protected('linkctl', bed=InlineBed, sampling={'one_in': 0}) as (bed, daemon):
        daemon.config['interface'][0]['link_control'] = 'drop'
        daemon.change()
        daemon.gabion('reload')
        kinds, ways = frames(), ((bed.world, 'net0'), (bed.host, bed.host_port))
        for out, into in (ways, ways[::-1]):
            arrived = exchange([kinds['LLDP'], kinds['STP'], kinds['ARP to all']], out, into, 1)
            assert arrived == [kinds['ARP to all']], arrived
        assert [daemon.counters()['interfaces'][port]['drops']['link-control'] for port in ('prot0', 'prot1')] == [2, 2]
        daemon.config['interface'][0]['link_control'] = 'forward'
        daemon.change()
        daemon.gabion('reload')
        assert exchange([kinds['LLDP']], *ways, 1) == [kinds['LLDP']]
        daemon.identity()


@case('what a port cannot send is counted: down, too long, gone; and it is taken up again')
def ports():
    with protected('ports', bed=InlineBed, sampling={'one_in': 0}) as (bed, daemon):
        bed.box.run('ip', 'link', 'set', 'prot1', 'down')
        def forwarded_and_lost():
            """The world's own stack says something now and then, too."""
            interfaces = daemon.settled()['interfaces']
            return interfaces['prot0']['packets']['forwarded'], interfaces['prot1']['nic']['not_forwarded_down']
        before = forwarded_and_lost()
        assert delivered(bed) == 0
        forwarded, lost = (now - then for now, then in zip(forwarded_and_lost(), before))
        assert forwarded == lost >= 100, (forwarded, lost)
        bed.box.run('ip', 'link', 'set', 'prot1', 'up', 'mtu', '1400')
        wait_for('the MTUs to be compared', lambda: 'mtu-differs' in daemon.event_kinds())
        assert '1400' in daemon.status()['interfaces'][1]['note']
        assert delivered(bed, size=1450) == 0 and port_counts(daemon, 'prot1')['not_forwarded_too_long'] == 100
        assert delivered(bed, size=1400) == 100
        bed.box.run('ip', 'link', 'del', 'prot1')
        wait_for('the loss to be told', lambda: 'interface-gone' in daemon.event_kinds())
        assert not daemon.status()['features']['inline_mode']
        bed.send(source='31.0.0.1', dport=9000, count=100, rate=10000).result()
        assert daemon.identity()['drops']['port-gone'] >= 100
        bed.connect_inside()
        bed.host.run('ip', 'addr', 'add', f'{HOST4}/24', 'dev', bed.host_port)
        bed.host.run('ip', 'route', 'replace', 'default', 'via', '20.0.0.2')
        bed.learn_neighbours()
        wait_for('the pair', lambda: daemon.status()['features']['inline_mode'])
        assert delivered(bed) == 100
        daemon.identity()
        assert {'not-forwarded', 'interface-back'} <= set(daemon.event_kinds()), daemon.event_kinds()


@case('the inside port sends on fewer queues than the outside one receives on: workers send by a private pair, and by the port when it has more')
def fewer_queues():
    with protected('infewer', bed=OneWayBed, sampling={'one_in': 1}) as (bed, daemon):
        def by_the_pair():
            return ' gbn' in bed.box.run('ip', '-brief', 'link').stdout.replace('\n', ' ')
        def all_delivered():
            before = daemon.settled()['packets']
            assert len(daemon.status()['interfaces'][0]['workers']) == 2
            assert delivered(bed) == 100
            after = daemon.identity()['packets']
            assert after['handed_over'] >= before['handed_over'] + 100, (before, after)
        assert by_the_pair() and 'prot1 sends on 1 queue, prot0 receives on 2 queues' in str(daemon.events()), daemon.events()
        all_delivered()
        bed.box.run('ip', 'link', 'set', 'prot1', 'down')
        wait_for('the port to be down', lambda: 'interface-down' in daemon.event_kinds())
        assert delivered(bed) == 0
        bed.box.run('ip', 'link', 'set', 'prot1', 'up')
        wait_for('the port to be up', lambda: 'interface-up' in daemon.event_kinds())
        bed.learn_neighbours()
        all_delivered()
        bed.box.run('ethtool', '-L', 'prot1', 'tx', 2)
        wait_for('the pair to go', lambda: not by_the_pair())
        all_delivered()
        # The kernel takes away no queue that a worker's socket is bound to, and lets go of a closed one a moment later.
        daemon.stop()
        wait_for('the queue to be let go', lambda: bed.box.run('ethtool', '-L', 'prot1', 'tx', 1, check=False).returncode == 0)
        daemon.start()
        assert by_the_pair()
        all_delivered()
        assert daemon.status()['interfaces'][0]['note'] == ''


@case('answers of amplifiers pass when somebody inside asked, and only then: v4', alone=True, v6=False)
@case('answers of amplifiers pass when somebody inside asked, and only then: v6', alone=True, v6=True)
def amplifiers(v6):
    with protected('inamp', bed=InlineBed) as (bed, daemon):
        own = OwnTraffic(bed, 3, v6)
        flood = bed.reflect(answers=60000, rate=30000, destination=HOST6 if v6 else HOST4).result(60)
        told = own.assert_undisturbed()
        assert daemon.dropped_for('amplification') >= 0.999 * flood['sent'], (flood, daemon.drops())
        return told


@case('a restart with the two ports swapped')
def swapped():
    with protected('inswap', bed=InlineBed, sampling={'one_in': 0}) as (bed, daemon):
        daemon.ban('91.0.0.1', HOST4)
        assert delivered(bed, '91.0.0.1') == 0 and delivered(bed) == 100
        daemon.stop()
        daemon.config['interface'][0].update(name='prot1', peer='prot0')
        daemon.change()
        daemon.start()
        assert [one['name'] for one in daemon.status()['interfaces']] == ['prot1', 'prot0']
        assert delivered(bed, '91.0.0.1') == 100, 'what comes from inside is not judged'
        bed.world.tool('serve', http=80, udp=53).wait_ready()
        asked = bed.host.tool('clients', source=HOST4, server=GATE4, kind='udp', port=53, bytes=100, rate=50, seconds=1).result()
        assert asked['ok'] == 0, 'the host is outside now, and banned'
        assert daemon.identity()['interfaces']['prot1']['drops']['ban-operator'] > 0


@case('a stop that detaches leaves both ports as they were', alone=True)
def detached():
    with protected('indetach', bed=InlineBed, attach='generic', start=False, daemon={'on_stop': 'detach'}) as (bed, daemon):
        def state(port):
            link, features = bed.box.run('ip', 'link', 'show', port).stdout, bed.box.run('ethtool', '-k', port).stdout
            return 'PROMISC' in link, 'xdp' in link, [line for line in features.splitlines() if 'receive-offload: on' in line]
        before = [state(port) for port in ('prot0', 'prot1')]
        daemon.start()
        assert [state(port)[:2] for port in ('prot0', 'prot1')] == [(True, True)] * 2
        assert daemon.stop() == 0
        assert [state(port) for port in ('prot0', 'prot1')] == before
        assert not daemon.pin.exists() or not list(daemon.pin.glob('prot*'))


@case('a pair and an interface in host mode in one daemon, each with its own settings and counters')
def several():
    with Lab('several') as lab:
        bed = InlineBed(lab)
        other = Bed(lab, interface='prot2', host=bed.box, world='world2')
        daemon = Daemon(bed, sampling={'one_in': 0})
        daemon.config['interface'].append({'name': 'prot2', 'mode': 'host', 'attach': 'generic', 'mac_mode': 'deny',
                                           'macs': [other.world_mac]})
        daemon.change()
        daemon.start()
        status = {one['name']: one for one in daemon.status()['interfaces']}
        assert {name: (one['mode'], one['attach']) for name, one in status.items()} == {
            'prot0': ('inline', 'native'), 'prot1': ('inline', 'native'), 'prot2': ('host', 'generic')}, status
        daemon.ban('91.0.0.1')
        assert delivered(bed) == 100 and delivered(bed, '91.0.0.1') == 0
        assert delivered(other) == 0, 'the other interface denies this station'
        daemon.config['interface'][1]['mac_mode'] = 'off'
        daemon.change()
        daemon.gabion('reload')
        assert delivered(other) == 100 and delivered(other, '91.0.0.1') == 0, 'bans hold on every interface'
        counters = daemon.identity()
        drops = {name: one['drops'] for name, one in counters['interfaces'].items()}
        assert (drops['prot0']['ban-operator'], drops['prot2']['ban-operator'], drops['prot2']['mac-filter']) == (100, 100, 100), drops
        packets = {name: one['packets'] for name, one in counters['interfaces'].items()}
        assert packets['prot0']['forwarded'] >= 100 and packets['prot0']['passed'] == 0, packets
        assert packets['prot2']['passed'] >= 100 and packets['prot2']['forwarded'] == 0, packets
        assert sum(one['received'] for one in packets.values()) == counters['packets']['received'], packets
        assert daemon.stop() == 0


main(at_once=3)
