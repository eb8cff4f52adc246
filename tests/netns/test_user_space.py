#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody waits for user space: whatever happens to gabiond, bans hold and clean packets arrive."""
import os
import signal
import time

from gabion_daemon import protected
from gabion_lab import rounds, wait_for
from scenario import case, main

CLEAN, BANNED = '31.0.0.1-31.0.3.232', '91.0.0.0-91.0.0.255'
RATE, BANNED_RATE = 60000, 30000


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


def repeat(name, act, limit_per_round=0, one_in=1):
    with protected(name, sampling={'one_in': one_in}) as (bed, daemon):
        daemon.ban('91.0.0.0/24')
        told = []
        for number in range(rounds(2, 20)):
            before = daemon.settled()['workers']['lost']
            lost, banned = under_load(bed, lambda: act(daemon))
            counted = daemon.identity()['workers']['lost'] - before
            told.append(f'round {number + 1}: {lost} clean lost ({counted} counted), {banned} banned delivered')
            assert banned == 0, told
            assert lost <= counted and lost <= limit_per_round, told
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


@case('orderly restart: nothing clean lost, nothing banned delivered')
def orderly():
    return repeat('orderly', restart_orderly)


@case('SIGSTOP for 2 s, then SIGCONT: nothing clean lost, nothing banned delivered')
def frozen():
    return repeat('frozen', freeze)


@case('kill -9: at most what stood in the rings is lost, and counted; nothing banned delivered')
def killed():
    # Two queues with 256 packets of credit each.
    return repeat('killed', kill_and_start, limit_per_round=2 * 256)


@case('start on an interface under load: nothing clean lost')
def start():
    told = []
    for number in range(rounds(2, 20)):
        with protected('start', start=False, sampling={'one_in': 1}) as (bed, daemon):
            def start_and_ban():
                daemon.start()
                daemon.ban('91.0.0.0/24')
            lost, _ = under_load(bed, start_and_ban)
            assert daemon.identity()['workers']['lost'] == 0
            told.append(f'round {number + 1}: {lost} clean lost')
            assert lost == 0, told
    return '\n'.join(told)


def cpu_seconds(pid):
    fields = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


@case('an idle daemon sleeps, and still takes the first packet of a burst')
def idle():
    with protected('idle', sampling={'one_in': 1}) as (bed, daemon):
        daemon.settled()
        time.sleep(1)
        seconds = 5
        before = cpu_seconds(daemon.process.pid)
        time.sleep(seconds)
        used = (cpu_seconds(daemon.process.pid) - before) / seconds
        for _ in range(rounds(3, 20)):
            time.sleep(0.5)
            counters = daemon.settled()
            handed = counters['packets']['handed_over']
            bed.send(source='31.0.0.1', dport=9000, count=10, rate=1000).result()
            after = daemon.identity()
            # Nothing else may be awake here, but the stacks' own packets count as well.
            assert after['packets']['handed_over'] - handed >= 10, (handed, after)
        assert used < 0.01, f'idle CPU {used:.2%}'
        return f'idle CPU {used:.2%}'


@case('memory: at most 32 MB and 16 MB a worker, mapped tables aside')
def memory():
    with protected('memory') as (bed, daemon):
        bed.send(source=CLEAN, dport=9000, rate=100000, seconds=2).result()
        anonymous = shared = 0
        for line in open(f'/proc/{daemon.process.pid}/smaps_rollup'):
            if line.startswith('Rss:'):
                shared = int(line.split()[1])
            if line.startswith('Anonymous:'):
                anonymous = int(line.split()[1])
        assert anonymous <= (32 + 16 * 2) * 1024, f'{anonymous} KiB'
        return f'anonymous {anonymous / 1024:.1f} MiB, resident with mapped tables and libraries {shared / 1024:.1f} MiB'


main()
