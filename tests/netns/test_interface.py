#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An interface's life: down and up, other MTU, MAC, name and queues, moved, deleted and made again; the daemon follows, with events, and
nothing stays behind."""
import json
import pathlib
import signal
import time

from delivery import delivered
from gabion_daemon import protected
from gabion_lab import TOOLS, LabError, wait_for
from scenario import case, main

HOLD = pathlib.Path(__file__).with_name('hold_queue.py')


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

def workers(daemon, count):
    """Waits until so many queues have a worker."""
    def there():
        now = daemon.status()['interfaces'][0]['workers']
        return len(now) == count and all(one['alive'] for one in now)
    wait_for(f'{count} workers', there, 15, 0.1)


def handed_over(bed, daemon, source='31.0.0.1', least=90, **options):
    before = daemon.settled()['packets']['handed_over']
    assert delivered(bed, source, **options) == 100
    assert daemon.identity()['packets']['handed_over'] - before >= least


def passes_and_bans(bed, daemon):
    """For this interface, as it is now: what is clean goes through a worker and arrives, what is banned does not."""
    handed_over(bed, daemon)
    assert delivered(bed, '91.0.0.1') == 0


@case('MTU changes: frames of either length are handed over; what no chunk holds passes, and the status says so', attach='generic')
def mtu(attach):
    with protected('mtu', attach=attach, sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1')
        for size, note in ((3000, ''), (9000, 'pass the workers by'), (1500, '')):
            bed.world.run('ip', 'link', 'set', 'net0', 'mtu', size)
            bed.host.run('ip', 'link', 'set', bed.interface, 'mtu', size)
            wait_for('the MTU to be noticed', lambda: daemon.event_kinds().count('interface-mtu') >= 1)
            wait_for('the note', lambda: note in daemon.status()['interfaces'][0]['note']
                     and bool(note) == bool(daemon.status()['interfaces'][0]['note']))
            workers(daemon, 2)
            passes_and_bans(bed, daemon)
            handed_over(bed, daemon, size=min(size, 3000))
        bed.world.run('ip', 'link', 'set', 'net0', 'mtu', 9000)
        bed.host.run('ip', 'link', 'set', bed.interface, 'mtu', 9000)
        wait_for('the MTU to be noticed', lambda: '9000' in daemon.status()['interfaces'][0]['note'])
        workers(daemon, 2)
        assert delivered(bed, size=8000) == 100
        assert daemon.identity()['passes']['handover-too-long'] >= 100


@case('another MAC address: the private pair takes it, frames to it come back from the worker as ours')
def mac():
    with protected('mac', sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1')
        index = json.loads(bed.host.run('ip', '-j', 'link', 'show', bed.interface).stdout)[0]['ifindex']
        bed.host.run('ip', 'link', 'set', bed.interface, 'address', '02:00:5e:00:53:01')
        bed.learn_neighbours()
        assert bed.host_mac == '02:00:5e:00:53:01'
        wait_for('the private pair', lambda: bed.host.mac(f'gbn{index}b') == bed.host_mac)
        passes_and_bans(bed, daemon)


@case('renamed: protected as before, and the status says its name; a start with either name is told apart')
def renamed():
    with protected('renamed', sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1')
        bed.host.run('ip', 'link', 'set', bed.interface, 'name', 'wan0')
        wait_for('the name', lambda: 'wan0' in daemon.status()['interfaces'][0]['note'])
        passes_and_bans(bed, daemon)
        received = daemon.settled()['packets']['received']
        assert daemon.stop() == 0
        try:
            daemon.start()
            raise AssertionError('there is no such interface')
        except LabError as error:
            assert 'is called wan0 now' in str(error), error
        assert delivered(bed, '91.0.0.1') == 0, 'the program stays'
        daemon.config['interface'][0]['name'] = bed.interface = bed.host_port = 'wan0'
        daemon.change()
        daemon.start()
        passes_and_bans(bed, daemon)
        counters = daemon.identity()
        assert counters['packets']['received'] >= received + 300 and list(counters['interfaces']) == ['wan0'], counters
        assert not (daemon.pin / 'prot0').exists()


@case('queues are added and taken away under load: workers follow, nothing is lost, nothing banned comes', alone=True)
def channels():
    with protected('channels', queues=4, start=False, sampling={'one_in': 1}) as (bed, daemon):
        for namespace, interface in ((bed.host, bed.interface), (bed.world, 'net0')):
            namespace.run('ethtool', '-L', interface, 'tx', 2)
        bed.host.run('ethtool', '-L', bed.interface, 'rx', 2)
        daemon.start()
        daemon.ban('91.0.0.0/24')
        workers(daemon, 2)
        bed.host.run('ethtool', '-L', bed.interface, 'rx', 4)
        workers(daemon, 4)
        assert 'queues-changed' in daemon.event_kinds()
        passes_and_bans(bed, daemon)
        refused = bed.host.run('ethtool', '-L', bed.interface, 'rx', 2, check=False)
        assert refused.returncode != 0, 'the kernel let go of a queue with a socket'
        report = daemon.ask('reload', '--channels', 2)
        assert report['changed'] == ['channels of prot0'], report
        workers(daemon, 2)
        assert 'RX:\t\t2' in bed.host.run('ethtool', '-l', bed.interface).stdout
        passes_and_bans(bed, daemon)
        assert daemon.ask('reload', '--channels', 2)['changed'] == []
        for count, text in ((9, 'can have 1 to 4 channels that receive, not 9'), (1, 'setting the channels of prot0')):
            failed = daemon.gabion('reload', '--channels', count, check=False)
            assert failed.returncode == 1 and text in failed.stderr, failed
            workers(daemon, 2)
        failed = daemon.gabion('reload', '--channels', 2, '--interface', 'eth9', check=False)
        assert failed.returncode == 1 and 'eth9' in failed.stderr, failed
        passes_and_bans(bed, daemon)
        return channels_under_load(bed, daemon)


def channels_under_load(bed, daemon):
    """A veth takes its carrier away for a moment, so that what the sender sent is not asked: all that came in went where it should."""
    before = daemon.settled()
    good, bad = bed.receive(port=9000), bed.receive(port=9001)
    senders = [bed.send(source='31.0.0.1-31.0.3.232', dport=9000, rate=20000, seconds=60, ttl='host'),
               bed.send(source='91.0.0.0-91.0.0.255', dport=9001, rate=10000, seconds=60)]
    for count in (3, 2, 4, 2):
        time.sleep(0.3)
        assert daemon.ask('reload', '--channels', count)['changed'] == ['channels of prot0']
        workers(daemon, count)
    for sender in senders:
        sender.stop()
    after = daemon.identity()
    good.stop()
    bad.stop()
    passed = sum(after['packets'][key] - before['packets'][key] for key in ('passed', 'handed_over'))
    got = good.result()
    assert bad.result()['received'] == 0 and got['duplicated'] == 0 and got['overflowed'] == 0, got
    # Whatever else crosses the wire (neighbour discovery) is a few packets.
    assert after['workers']['lost'] == 0 and passed - 50 <= got['unique'] <= passed, (passed, got, after)
    return f'{got["unique"]} of {passed} delivered, {after["packets"]["handed_over"] - before["packets"]["handed_over"]} by workers'


@case('made anew while no daemon ran: its link is no proof, the new interface is protected')
def defunct():
    with protected('defunct', sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1')
        daemon.kill()
        bed.host.run('ip', 'link', 'del', bed.interface)
        bed.queues = 3
        bed.wire()
        assert (daemon.pin / bed.interface / 'link').exists() and delivered(bed, '91.0.0.1') == 100
        daemon.start()
        workers(daemon, 3)
        passes_and_bans(bed, daemon)
        assert daemon.settled()['workers']['lost'] <= 256, daemon.settled()


@case('moved to another network namespace and back: not protected there, and again here')
def moved():
    with protected('moved', sampling={'one_in': 1}) as (bed, daemon):
        daemon.ban('91.0.0.1')
        passes_and_bans(bed, daemon)
        away = bed.lab.namespace('away')
        bed.host.run('ip', 'link', 'set', bed.interface, 'netns', away.name)
        wait_for('the loss to be told', lambda: any('another network namespace' in one['text'] for one in daemon.events()))
        assert 'xdp' not in away.run('ip', 'link', 'show', bed.interface).stdout
        away.run('ip', 'link', 'set', bed.interface, 'netns', bed.host.name)
        wait_for('protection', lambda: 'interface-back' in daemon.event_kinds(), 10)
        bed.host.run('ip', 'link', 'set', bed.interface, 'up')
        bed.host.run('ip', 'addr', 'add', '20.0.0.1/24', 'dev', bed.interface)
        bed.host.run('ip', 'route', 'replace', 'default', 'via', '20.0.0.2')
        bed.host.run('ip', 'addr', 'add', '2a00:20::1/64', 'dev', bed.interface, 'nodad')
        bed.learn_neighbours()
        workers(daemon, 2)
        passes_and_bans(bed, daemon)


@case('a queue that another socket holds: the others have workers, and it gets one when the socket is gone')
def busy():
    with protected('busy', start=False, sampling={'one_in': 1}) as (bed, daemon):
        holder = bed.host.start('python3', HOLD, bed.interface, 1, name='hold').wait_ready()
        daemon.start()
        workers(daemon, 1)
        note = daemon.status()['interfaces'][0]['note']
        assert 'hand-over is off on 1 of 2 queues' in note and 'queue 1' in note and 'tried again' in note, note
        daemon.ban('91.0.0.1')
        assert delivered(bed) == 100 and delivered(bed, '91.0.0.1') == 0
        holder.popen.kill()
        workers(daemon, 2)
        assert daemon.status()['interfaces'][0]['note'] == '' and 'handover-on' in daemon.event_kinds()
        passes_and_bans(bed, daemon)


def tc(bed, *words):
    return bed.host.run('tc', *words).stdout


@case("another program's filters are left alone, at start, restart and detach; clsact goes when it is ours and empty", alone=True, theirs=True)
@case('clsact goes at detach when nobody else uses it, also after a restart', alone=True, theirs=False)
def clsact(theirs):
    with protected('clsact', start=False, daemon={'on_stop': 'keep'}) as (bed, daemon):
        device = ('dev', bed.interface)
        if theirs:
            tc(bed, 'qdisc', 'add', *device, 'clsact')
            for hook in ('ingress', 'egress'):
                tc(bed, 'filter', 'add', *device, hook, 'pref', 77, 'protocol', 'all', 'u32', 'match', 'u32', 0, 0, 'flowid', '1:1')
        daemon.start()
        daemon.stop()
        daemon.start()
        assert 'gabion-egress' in tc(bed, 'filter', 'show', *device, 'egress')
        if theirs:
            assert all('pref 77' in tc(bed, 'filter', 'show', *device, hook) for hook in ('ingress', 'egress'))
        assert delivered(bed) == 100
        daemon.change(daemon={'on_stop': 'detach'})
        daemon.gabion('reload')
        assert daemon.stop() == 0
        left = [tc(bed, 'filter', 'show', *device, hook) for hook in ('ingress', 'egress')]
        assert not any('gabion' in one for one in left), left
        assert all(('pref 77' in one) == theirs for one in left), left
        assert ('clsact' in tc(bed, 'qdisc', 'show', *device)) == theirs


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


@case('an interface that is no longer configured is released at the next start', alone=True)
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


main(at_once=3)
