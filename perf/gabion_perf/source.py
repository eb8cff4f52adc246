# SPDX-License-Identifier: Apache-2.0
"""The traffic of a measurement: the frozen source, what arrived of it, and what its core spent in softirqs.

Source and sink share one core, the last; everything else stays off it while a run lasts. All counts are read from the kernel's own
counters, none is taken on trust."""
import dataclasses
import json
import os
import subprocess

from gabion_lab import BUILD, HOST4, HOST6, LabError

CPU = os.cpu_count() - 1


@dataclasses.dataclass
class Run:
    """One measured stretch: packets a second that arrived, how many arrived and went on, jiffies in softirqs and altogether."""
    pps: float
    sent: int
    arrived: int
    went_on: int
    softirq: int
    jiffies: int


def cpu_jiffies(cpu=CPU):
    """(in softirqs, altogether) since the machine started."""
    with open('/proc/stat') as stat:
        fields = next(line for line in stat if line.startswith(f'cpu{cpu} ')).split()[1:]
    return int(fields[6]), sum(int(field) for field in fields[:8])


class Source:
    """gbn-source in the world of a bed, loaded once; `run` lets it go for a while and measures."""

    def __init__(self, bed, sources, version, interface='net0', to_mac=None, where=None, options=()):
        command = (where or bed.world).enter(BUILD / 'perf/gbn-source', '--interface', interface, '--to-mac', to_mac or bed.host_mac, '--source',
                                  f'@{sources}', '--destination', HOST6 if version == 6 else HOST4, *options)
        self.name = 'gbn-source'
        self.popen = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True)
        os.sched_setaffinity(self.popen.pid, {CPU})
        bed.lab.processes.append(self)

    def running(self):
        return self.popen.poll() is None

    def send(self, seconds):
        """Frames sent and their rate, by the source's own clock."""
        try:
            self.popen.stdin.write(f'{seconds}\n')
            self.popen.stdin.flush()
            line = self.popen.stdout.readline()
        except BrokenPipeError:
            line = ''
        if not line:
            raise LabError(f'gbn-source ended: {self.popen.stderr.read().strip()}')
        return json.loads(line)

    def stop(self):
        self.popen.stdin.close()
        self.popen.wait(10)


def veth_counts(namespace, interface):
    """What the driver counts, summed over the queues: xdp_packets (all that a poll took), xdp_drops, drops, ..."""
    counts = {}
    for line in namespace.run('ethtool', '-S', interface).stdout.splitlines():
        name, _, value = line.strip().partition(': ')
        if name.startswith('rx_queue_'):
            name = name.split('_', 3)[3]
            counts[name] = counts.get(name, 0) + int(value)
    return counts


def measure(row, source, seconds):
    """One run into the row's bed. The rate is that of what arrived: a full ring loses frames, and they are nobody's achievement."""
    before, (softirq, jiffies) = row.counts(), cpu_jiffies()
    sent = source.send(seconds)
    softirq_after, jiffies_after = cpu_jiffies()
    arrived, went_on = (after - was for after, was in zip(row.counts(), before))
    return Run(sent['pps'] * min(1, arrived / sent['sent']), sent['sent'], arrived, went_on, softirq_after - softirq,
               jiffies_after - jiffies)


def interleave(rows, sources, rounds, seconds):
    """Runs by row: each round measures every row once, and begins with another one."""
    pairs = list(zip(rows, sources))
    for row, source in pairs:  # warm
        measure(row, source, 0.05)
    runs = {row.key: [] for row in rows}
    for turn in range(rounds):
        for row, source in pairs[turn % len(pairs):] + pairs[:turn % len(pairs)]:
            runs[row.key].append(measure(row, source, seconds))
    for source in sources:
        source.stop()
    return runs


def keep_off_the_core():
    """This process, and what it starts from now on, leaves the measured core alone."""
    if os.cpu_count() > 1:
        os.sched_setaffinity(0, set(range(os.cpu_count())) - {CPU})
