# SPDX-License-Identifier: Apache-2.0
"""Workers: CPU time a packet beside a bare AF_XDP receive loop (perf/worker_bench), and what a running gabiond's worker spends when it is
handed 0 to a million packets a second for 1 to 64 destinations. The worker has a core of its own, the source and the driver the last."""
import json
import os
import pathlib
import tempfile
import time

from gabion_daemon import Daemon
from gabion_lab import BUILD, TOOLS, Bed, Lab, LabError, run
from gabion_perf.source import CPU, keep_off_the_core
from gabion_perf.svg import lines

RATES = (0, 10_000, 100_000, 1_000_000)
DESTINATIONS = (1, 8, 64)
ELSEWHERE = '02:00:00:00:00:99'
EVERYTHING = {'sampling': {'one_in': 1, 'budget_pps': 100_000_000},
              'detectors': {name: {'dry_run': True} for name in ('rate', 'entropy', 'ttl', 'size')}}


def bench(rounds, seconds):
    """perf/worker_bench's rows: kind, its reference, ns a packet with its spread, ratio to the reference, Mpps. It places itself."""
    os.sched_setaffinity(0, range(os.cpu_count()))
    with tempfile.TemporaryDirectory(prefix='gbn-lab-') as folder:
        file = pathlib.Path(folder) / 'rows.json'
        run(BUILD / 'perf/worker_bench', TOOLS, '--rounds', rounds, '--seconds', seconds, '--json', file, timeout=200)
        rows = json.loads(file.read_text())
    keep_off_the_core()
    return {row['kind']: {name: round(row[name], 3) for name in ('ns', 'least', 'most', 'ratio', 'mpps')} | {'reference': row['reference']}
            for row in rows}


def worker_ns(pid):
    """CPU time of all worker threads so far: what the scheduler counted, in ns."""
    total = 0
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        if (task / 'comm').read_text().startswith('gabion-q'):
            total += int((task / 'schedstat').read_text().split()[0])
    return total


def gabiond_pid(daemon):
    """The namespace's program was started in place of nsenter: they are one process."""
    return daemon.process.pid


def at_rate(bed, daemon, rate, destinations, seconds):
    send = None
    if rate:
        # Another machine's MAC: the stack lets go of what is handed back at its first look.
        send = bed.world.tool('send', interface='net0', to_mac=ELSEWHERE, source='31.0.0.1-31.0.3.232', dport=9, rate=rate,
                              destination=f'20.0.1.1-20.0.1.{destinations}', seconds=seconds + 1)
        os.sched_setaffinity(send.pid, {CPU})
        time.sleep(0.6)
    before, spent, began = daemon.counters()['workers'], worker_ns(gabiond_pid(daemon)), time.monotonic()
    time.sleep(seconds)
    after, spent_after, ended = daemon.counters()['workers'], worker_ns(gabiond_pid(daemon)), time.monotonic()
    if send:
        send.result()
    taken = after['received'] - before['received']
    spent = spent_after - spent
    return {'asked': rate, 'destinations': destinations, 'taken_pps': round(taken / (ended - began)),
            'cpu': round(spent / 1e9 / (ended - began), 4), 'ns_a_packet': round(spent / taken, 1) if taken > 100 else None}


def running_worker(seconds):
    with Lab('worker') as lab:
        bed = Bed(lab, queues=1)
        daemon = Daemon(bed, workers={'cpus': [0]}, **EVERYTHING).start()
        points = [at_rate(bed, daemon, rate, 1, seconds) for rate in RATES]
        points += [at_rate(bed, daemon, 100_000, count, seconds) for count in DESTINATIONS[1:]]
        counters = daemon.identity()
        if counters['workers']['lost'] or counters['packets']['dropped']:
            raise LabError(f'packets were lost or dropped: {counters["workers"]}, {counters["drops"]}')
        daemon.stop()
    return points


class WorkerSection:
    name = 'worker'
    help = "a worker's CPU time, beside a bare AF_XDP receive loop, and by how much it is handed"

    @staticmethod
    def run(options, tell):
        tell('  the loop')
        rows = bench(options.rounds or 9, options.seconds or 0.3)
        tell('  a running worker')
        return {'loop': rows, 'running': running_worker(2)}

    @staticmethod
    def text(results):
        lines_ = [f'  {"loop, thread clock":<36} {"ns a packet":>12} {"least":>7} {"most":>7} {"Mpps":>6} {"ratio":>7}']
        lines_ += [f'  {name:<36} {row["ns"]:12.1f} {row["least"]:7.1f} {row["most"]:7.1f} {row["mpps"]:6.2f} {row["ratio"]:7.2f}'
                   + (f' to {row["reference"]}' if name != row['reference'] else '') for name, row in results['loop'].items()]
        lines_ += ['', f'  {"running gabiond, handed over and back":<36} {"taken a second":>14} {"destinations":>13} {"of a core":>10} '
                       f'{"ns a packet":>12}']
        lines_ += [f'  {point["asked"]:<36,} {point["taken_pps"]:14,} {point["destinations"]:13} {point["cpu"]:10.1%} '
                   f'{point["ns_a_packet"] or "-":>12}' for point in results['running']]
        return '\n'.join(lines_)

    @staticmethod
    def charts(results):
        points = [point for point in results['running'] if point['destinations'] == 1]
        return {'worker.svg': lines("A worker's CPU time by what it is handed over, taken and given back", 'packets a second',
                                    'share of a core', [f'{point["taken_pps"]:,}' for point in points],
                                    {'worker': [point['cpu'] for point in points]})}

    @staticmethod
    def ratios(results):
        return {f'worker loop: {name}': (row['ratio'], False) for name, row in results['loop'].items() if name != row['reference']}
