#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An interface's life: down and up, deleted and made again; the daemon follows, with events, and nothing stays behind."""
import signal
import time

from gabion_daemon import protected
from gabion_lab import TOOLS, wait_for
from scenario import case, main


def delivered(bed, source, count=100):
    receiver = bed.receive(port=9000)
    bed.send(source=source, dport=9000, count=count, rate=10000).result()
    time.sleep(0.1)
    receiver.stop()
    return receiver.result()['received']


@case('down and up: bans hold, hand-over goes on, events tell')
def down_up():
    with protected('downup', sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1')
        bed.host.run('ip', 'link', 'set', bed.interface, 'down')
        time.sleep(0.5)
        assert daemon.status()['interfaces'][0]['name'] == bed.interface
        bed.host.run('ip', 'link', 'set', bed.interface, 'up')
        bed.host.run('ip', 'addr', 'replace', '2a00:20::1/64', 'dev', bed.interface, 'nodad')
        bed.host.run('ip', 'route', 'replace', 'default', 'via', '20.0.0.2')
        bed.learn_neighbours()
        wait_for('the carrier', lambda: 'LOWER_UP' in bed.host.run('ip', 'link', 'show', bed.interface).stdout)
        wait_for('workers', lambda: all(w['alive'] for w in daemon.status()['interfaces'][0]['workers']))
        before = daemon.settled()['packets']['handed_over']
        assert delivered(bed, '91.0.0.1') == 0 and delivered(bed, '31.0.0.1') == 100
        after = daemon.identity()
        assert after['packets']['handed_over'] - before >= 90, after
        kinds = daemon.event_kinds()
        assert sum('interface' in k or 'link' in k for k in kinds) >= 2, kinds


@case('deleted and made again: protected again by itself, events tell')
def recreated():
    with protected('recreated', sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1')
        assert delivered(bed, '31.0.0.1') == 100
        bed.host.run('ip', 'link', 'del', bed.interface)
        wait_for('the loss to be told', lambda: any('interface' in k for k in daemon.event_kinds()))
        time.sleep(0.5)
        assert daemon.process.running()
        bed.wire()
        wait_for('the interface to be protected again',
                 lambda: any(i.get('attach') in ('native', 'generic') and i['workers'] and all(w['alive'] for w in i['workers'])
                             for i in daemon.status()['interfaces']), 10)
        assert delivered(bed, '91.0.0.1') == 0, 'the ban does not hold on the new interface'
        assert delivered(bed, '31.0.0.1') == 100
        daemon.identity()


@case('an interface that is no longer configured is released at the next start')
def released():
    with protected('released') as (bed, daemon):
        bed.host.run('ip', 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1')
        daemon.ban('91.0.0.1')
        daemon.stop()
        assert delivered(bed, '91.0.0.1') == 0
        daemon.config['interface'][0]['name'] = 'other0'
        daemon.change()
        daemon.start()
        assert 'xdp' not in bed.host.run('ip', 'link', 'show', bed.interface).stdout
        assert not (daemon.pin / bed.interface).exists() and (daemon.pin / 'other0').exists()
        assert delivered(bed, '91.0.0.1') == 100 and 'interface-released' in daemon.event_kinds()


@case('an interface that comes back with a foreign program is protected once that is gone')
def tried_again():
    with protected('again') as (bed, daemon):
        bed.host.run('ip', 'link', 'del', bed.interface)
        wait_for('the loss to be told', lambda: 'interface-gone' in daemon.event_kinds())
        daemon.signal(signal.SIGSTOP)
        bed.wire()
        bed.host.run('ip', 'link', 'set', 'dev', bed.interface, 'xdp', 'obj', TOOLS / 'flood.bpf.o', 'sec', 'xdp')
        daemon.signal(signal.SIGCONT)
        wait_for('the refusal to be told', lambda: 'interface-failed' in daemon.event_kinds())
        bed.host.run('ip', 'link', 'set', 'dev', bed.interface, 'xdp', 'off')
        wait_for('protection', lambda: all(i['attach'] != 'none' and i['workers'] for i in daemon.status()['interfaces']), 15, 0.2)
        assert delivered(bed, '31.0.0.1') == 100


@case('everything is gone after a stop that detaches')
def detach():
    with protected('detach') as (bed, daemon):
        links = bed.host.run('ip', '-o', 'link').stdout.count('\n')
        daemon.ban('91.0.0.1')
        assert links >= 2 and delivered(bed, '91.0.0.1') == 0
        daemon.stop()
        # By default the kernel stage stays and enforces; without its pins it goes.
        assert delivered(bed, '91.0.0.1') == 0
        bed.lab.release_pins()
        wait_for('the program to be gone', lambda: 'xdp' not in bed.host.run('ip', 'link', 'show', bed.interface).stdout)
        assert delivered(bed, '91.0.0.1') == 100


@case('one queue: one worker', queues=1)
@case('four queues: each has a worker', queues=4)
def queues(queues):
    with protected('queues', queues=queues, sampling={'one_in': 1}) as (bed, daemon):
        workers = daemon.status()['interfaces'][0]['workers']
        assert [w['queue'] for w in workers] == list(range(queues)) and all(w['alive'] for w in workers), workers
        bed.serve()
        runs = [bed.clients(source='31.0.0.1-31.0.0.50', kind=kind, port=port, rate=100, seconds=2)
                for kind, port in (('download', 80), ('udp', 53))]
        assert all(r.result()['failed'] == 0 for r in runs)
        counters = daemon.identity()
        assert counters['packets']['handed_over'] > 1000, counters


main()
