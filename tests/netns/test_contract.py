#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the programs promise to whoever operates them: the shapes of their JSON, exit statuses, reload, dry run, restart."""
import os
import stat
import time

from gabion_daemon import protected
from gabion_lab import wait_for
from scenario import case, main

SOURCE = '31.0.0.7'


def deliver(bed, source, count=200, port=9000, **options):
    """How many of `count` packets from `source` the host's socket got."""
    receiver = bed.receive(port=port)
    sent = bed.send(source=source, dport=port, count=count, rate=20000, **options).result()['sent']
    assert sent == count
    time.sleep(0.15)
    receiver.stop()
    return receiver.result()['received']


def niceness(daemon):
    return {os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in os.listdir(f'/proc/{daemon.process.pid}/task')}


@case('status and counters have the agreed shape, native attachment', attach='native')
@case('status and counters have the agreed shape, generic attachment', attach='generic')
def shapes(attach):
    with protected('shapes', attach=attach) as (bed, daemon):
        status = daemon.status()
        assert {'version', 'kernel', 'uptime_s', 'dry_run', 'interfaces', 'panic', 'bans', 'quarantined', 'allowed',
                'features'} <= set(status), status
        interface = status['interfaces'][0]
        assert (interface['name'], interface['mode'], interface['attach']) == ('prot0', 'host', attach), interface
        assert [w['queue'] for w in interface['workers']] == [0, 1] and all(w['alive'] for w in interface['workers']), interface
        assert all(isinstance(v, bool) for v in status['features'].values())
        assert set(status['panic']) >= {'mode', 'tripped'}
        assert niceness(daemon) == {-10}, 'threads that packets and verdicts wait for go first'
        assert deliver(bed, SOURCE) == 200
        counters = daemon.identity()
        assert set(counters['packets']) == {'received', 'passed', 'forwarded', 'answered', 'handed_over', 'dropped'}
        assert set(counters['bytes']) == set(counters['packets'])
        assert {'received', 'handed_back', 'dropped', 'in_flight', 'tx_failed', 'lost', 'late', 'drops'} <= set(counters['workers'])
        assert counters['packets']['received'] >= 200
        assert stat.S_IMODE(daemon.socket.stat().st_mode) == 0o660


@case('received is what the sender sent, and bytes are counted')
def received():
    with protected('received') as (bed, daemon):
        before = daemon.settled()
        link = bed.world.link_counts('net0')['tx']['packets']
        bed.send(source=SOURCE, dport=9000, count=50000, rate=100000, size=100).result()
        after = daemon.identity()
        sent = bed.world.link_counts('net0')['tx']['packets'] - link
        got = after['packets']['received'] - before['packets']['received']
        assert got == sent >= 50000, (got, sent)
        grown = after['bytes']['received'] - before['bytes']['received']
        assert 50000 * 114 <= grown <= 50000 * 114 + (sent - 50000) * 1514, grown


@case('bans, allow list and counters survive an orderly restart, and the kernel enforces in between')
def restart():
    with protected('restart') as (bed, daemon):
        daemon.ban(SOURCE, '31.0.1.0/24', '2a00:31::7')
        daemon.gabion('ban', 'add', '31.0.2.1', '--for', '1h', '--note', 'an hour')
        daemon.gabion('allow', 'add', '31.0.1.9', '--skip', 'bans')
        assert deliver(bed, SOURCE) == 0
        before = daemon.identity()
        targets = {b['target']: b for b in daemon.ask('ban', 'list')}
        assert daemon.stop() == 0
        assert deliver(bed, SOURCE) == 0, 'banned source got through while no daemon ran'
        assert deliver(bed, '31.0.0.8') == 200
        daemon.start()
        again = {b['target']: b for b in daemon.ask('ban', 'list')}
        assert set(again) == set(targets), (set(again), set(targets))
        assert again['31.0.2.1']['expires'][:18] == targets['31.0.2.1']['expires'][:18] and again[SOURCE]['expires'] is None
        assert [a['target'] for a in daemon.ask('allow', 'list')] == ['31.0.1.9']
        assert deliver(bed, SOURCE) == 0 and deliver(bed, '31.0.1.9') == 200 and deliver(bed, '2a00:31::7') == 0
        after = daemon.identity()
        assert after['packets']['received'] >= before['packets']['received'] + 1000, 'counters did not survive'


@case('a dry run counts what it would drop and drops nothing')
def dry_run():
    with protected('dryrun', dry_run=True) as (bed, daemon):
        assert daemon.status()['dry_run'] is True
        daemon.ban(SOURCE)
        assert deliver(bed, SOURCE) == 200
        assert daemon.identity()['packets']['dropped'] == 0


@case('SIGHUP and `gabion reload` take over a changed file; a bad file changes nothing')
def reload():
    with protected('reload') as (bed, daemon):
        daemon.change(allow={'targets': ['31.0.0.0/24']}, dry_run=True)
        daemon.gabion('reload')
        assert daemon.status()['dry_run'] is True and daemon.status()['allowed'] == 1
        good = daemon.config_file.read_text()
        daemon.config_file.write_text(good.replace('dry_run = true', 'dry_run = false') + '\n[nonsense]\nkey = 1\n')
        refused = daemon.gabion('reload', check=False)
        assert refused.returncode == 1 and 'nonsense' in refused.stderr + refused.stdout, refused
        assert daemon.status()['dry_run'] is True, 'half of a bad file was taken over'
        daemon.config_file.write_text(good.replace('dry_run = true', 'dry_run = false'))
        daemon.signal(1)
        wait_for('SIGHUP to count', lambda: daemon.status()['dry_run'] is False)
        assert deliver(bed, SOURCE) == 200


@case('`gabion why` tells of banned and of other addresses', alone=True)
def why():
    with protected('why') as (bed, daemon):
        daemon.gabion('ban', 'add', SOURCE, '--note', 'ticket 4711')
        told = daemon.gabion('why', SOURCE)
        assert told.returncode == 0 and 'operator' in told.stdout and 'ticket 4711' in told.stdout, told.stdout
        assert daemon.gabion('why', '31.9.9.9').returncode == 0


main(at_once=3)
