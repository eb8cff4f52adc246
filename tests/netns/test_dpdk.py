#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An inline pair on DPDK, as far as it is another one than on XDP (test_backends.py: what both have): what status says of it, an interface on XDP
beside it, a change from one to the other, and what this backend cannot do, which is refused."""
import time

from delivery import delivered
from gabion_daemon import Daemon, protected
from gabion_lab import Bed, Lab, LabError, wait_for
from inline_bed import DpdkBed
from scenario import case, main


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


@case('the link of a port goes down and up: both are told, and what it could not send is counted')
def link_down():
    with protected('dpdkdown', bed=DpdkBed) as (bed, daemon):
        bed.box.run('ip', 'link', 'set', 'prot1', 'down')
        wait_for('the link to be missed', lambda: 'interface-down' in daemon.event_kinds())
        assert 'no link' in daemon.status()['interfaces'][1]['note']
        assert delivered(bed) == 0
        nic = daemon.identity()['interfaces']['prot1']['nic']
        assert sum(nic.get(name, 0) for name in ('driver_tx_errors', 'not_forwarded_full', 'not_forwarded_down')) >= 100, nic
        bed.box.run('ip', 'link', 'set', 'prot1', 'up')
        wait_for('the link', lambda: 'interface-up' in daemon.event_kinds())
        bed.learn_neighbours()
        delivered(bed)  # and with it what the driver kept
        assert delivered(bed) == 100
        assert [one['note'] for one in daemon.status()['interfaces']] == ['', '']
        daemon.identity()


@case('the inside port disappears: told, no longer polled, and forwarding again after a restart', gone='prot1')
@case('the outside port disappears: likewise', gone='prot0')
def port_gone(gone):
    with protected('dpdkgone', bed=DpdkBed, sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1')
        assert delivered(bed) == 100 and delivered(bed, '91.0.0.1') == 0
        before = daemon.identity()['packets']
        kept = bed.send(source='31.0.0.1', dport=9000, rate=20000, seconds=600) if gone == 'prot1' else None
        bed.box.run('ip', 'link', 'del', gone)
        wait_for('the loss to be told', lambda: 'interface-gone' in daemon.event_kinds())
        status = daemon.status()
        assert [(one['present'], one['attach']) for one in status['interfaces']] == [(False, 'none')] * 2, status
        notes = {one['name']: one['note'] for one in status['interfaces']}
        assert 'restarted' in notes.pop(gone) and list(notes.values()) == [''], status
        assert not status['features']['inline_mode'] and status['interfaces'][0]['workers'] == [], status
        packets = daemon.identity()['packets']
        time.sleep(1.2)  # its once-a-second work does not mind
        assert daemon.identity()['packets'] == packets and packets['received'] >= before['received'], (before, packets)
        if kept:
            kept.stop()
        bed.connect_again(gone)
        wait_for('the return to be told', lambda: 'interface-back' in daemon.event_kinds())
        assert delivered(bed) == 0 and not daemon.status()['interfaces'][0]['present']
        assert daemon.stop() == 0
        daemon.start()
        assert delivered(bed) == 100 and delivered(bed, '91.0.0.1') == 0
        assert [(one['present'], one['note']) for one in daemon.status()['interfaces']] == [(True, '')] * 2
        assert daemon.identity()['packets']['received'] > packets['received']


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


main(at_once=3)
