#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody waits for user space: whatever happens to gabiond, bans hold and clean packets arrive."""
import os
import time

from delivery import CLEAN, freeze, kill_and_start, repeat, restart_orderly, under_load
from gabion_daemon import protected
from gabion_lab import rounds
from scenario import case, main


@case('orderly restart: nothing clean lost, nothing banned delivered', alone=True)
def orderly():
    return repeat('orderly', restart_orderly)


@case('SIGSTOP for 2 s, then SIGCONT: nothing clean lost, nothing banned delivered', alone=True)
def frozen():
    return repeat('frozen', freeze)


@case('kill -9: at most what stood in the rings is lost, and counted; nothing banned delivered', alone=True)
def killed():
    # Two queues with 256 packets of credit each.
    return repeat('killed', kill_and_start, limit_per_round=2 * 256)


@case('start on an interface under load: nothing clean lost', alone=True)
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


@case('an idle daemon sleeps, and still takes the first packet of a burst', alone=True)
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


@case('memory: at most 32 MB and 16 MB a worker, mapped tables aside', alone=True)
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


main(at_once=3)
