#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Inline mode as programs in the kernel have it (test_backends.py: what any backend has). The daemon's end changes neither what goes through nor
what is banned; ports that are down, too small, gone and back; other interfaces beside the pair."""
from delivery import delivered
from gabion_daemon import Daemon, protected
from gabion_lab import Bed, Lab, wait_for
from inline_bed import InlineBed, OneWayBed
from scenario import case, main


def port_counts(daemon, port):
    return {key: value for key, value in daemon.counters()['interfaces'][port]['nic'].items() if key.startswith('not_forwarded')}


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
        bed.connect_again('prot1')
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
        other.world.sysctl(net__ipv6__conf__net0__disable_ipv6=1)  # or its stack would send something of its own now and then
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
        assert (drops['prot0']['ban-operator'], drops['prot2']['ban-operator']) == (100, 100), drops
        assert drops['prot2']['mac-filter'] == 100, drops
        packets = {name: one['packets'] for name, one in counters['interfaces'].items()}
        assert packets['prot0']['forwarded'] >= 100 and packets['prot0']['passed'] == 0, packets
        assert packets['prot2']['passed'] >= 100 and packets['prot2']['forwarded'] == 0, packets
        assert sum(one['received'] for one in packets.values()) == counters['packets']['received'], packets
        assert daemon.stop() == 0


main(at_once=3)
