# SPDX-License-Identifier: Apache-2.0
"""The drop table on a wire: pktgen floods from one port into another one of this host, each row in turn holds the bans there.

A port takes one row at a time, so the rows are set up one after the other, in as many passes as there are rounds. The rate is that of
packets that the port took in; how many it had to refuse while its CPUs were busy shows as lost. IPv4 only."""
import ipaddress
import json
import time

from gabion_lab import Lab, LabError, Namespace, run
from gabion_perf import rows as drop_rows
from gabion_perf.drop import DropSection, DropTable, size_name
from gabion_perf.figures import collect
from gabion_perf.pktgen import Pktgen
from gabion_perf.source import Run

FIRST = int(ipaddress.ip_address('60.0.0.0'))
PROBE = 1000  # packets that show that the ports are connected


class ThisHost(Namespace):
    """The namespace that this process is in."""

    def __init__(self, lab):
        self.lab, self.name = lab, 'this host'

    def enter(self, *command):
        return list(command)

    def remove(self):
        pass


class WireBed:
    """What a Row needs of a Bed, on a port of this host."""

    def __init__(self, lab, interface):
        self.lab, self.interface, self.host = lab, interface, ThisHost(lab)
        self.box = self.host

    def protects(self):
        return {'name': self.interface, 'mode': 'host'}


def link(interface):
    done = run('ip', '-j', '-s', 'link', 'show', 'dev', interface, check=False)
    if done.returncode != 0:
        raise LabError(f'--wire: there is no interface {interface}')
    return json.loads(done.stdout)[0]


def check(sending, receiving, anyway):
    """The receiving port's MAC; or why these two ports will not do."""
    for interface, about in [(interface, link(interface)) for interface in (sending, receiving)]:
        if not {'UP', 'LOWER_UP'} <= set(about['flags']):
            raise LabError(f'--wire: {interface} is not up, or has no peer: no carrier')
    for family in ('-4', '-6'):
        routes = json.loads(run('ip', '-j', family, 'route', 'show', 'default').stdout or '[]')
        if any(route.get('dev') == receiving for route in routes) and not anyway:
            raise LabError(f"--wire: this host's default route goes through {receiving}, and the lab would cut it off; --wire-anyway "
                           'does it all the same')
    return link(receiving)['address']


def counts(bed, row):
    """(taken in by the port, of these went on behind the drop)."""
    stack = bed.host.nstat()
    return link(bed.interface)['stats64']['rx']['packets'], stack[getattr(row, 'counter', {4: 'Ip.InReceives'})[4]]


def jiffies():
    with open('/proc/stat') as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]
    return fields[6], sum(fields)


def probe(pktgen, bed, row):
    """Raises when what the one port sends does not arrive at the other."""
    pktgen.prepare(*span(PROBE), count=PROBE)
    before, _ = counts(bed, row)
    sent = pktgen.run(2)
    time.sleep(0.2)
    arrived = counts(bed, row)[0] - before
    if arrived < 0.9 * sent:
        raise LabError(f'--wire: of {sent} packets {arrived} arrived at {bed.interface}: are the two ports connected?')


def span(sending):
    return [str(ipaddress.IPv4Address(FIRST + index)) for index in (0, sending - 1)]


def one_run(pktgen, bed, row, seconds):
    before, busy = counts(bed, row), jiffies()
    began = time.monotonic()
    sent = pktgen.run(seconds)
    took = time.monotonic() - began
    time.sleep(0.1)
    after, busy_after = counts(bed, row), jiffies()
    arrived, went_on = after[0] - before[0], after[1] - before[1]
    return Run(arrived / took, sent, arrived, went_on, busy_after[0] - busy[0], busy_after[1] - busy[1])


def one_row(kind, pktgen, receiving, held, sending_counts, seconds):
    """Sets the row up on the port, measures every number of sources, and leaves the port as it was."""
    with Lab(f'wire-{kind.key}') as lab:
        file = lab.directory / 'bans'
        file.write_text('\n'.join(str(ipaddress.IPv4Address(FIRST + index)) for index in range(held)) + '\n')
        row = kind(lab, 4, file, held, WireBed(lab, receiving))
        try:
            probe(pktgen, row.bed, row)
            measured = {}
            for sending in sending_counts:
                pktgen.prepare(*span(sending))
                measured[sending] = one_run(pktgen, row.bed, row, seconds)
                DropTable.prove(row, [measured[sending]])
            return measured
        finally:
            row.undo()


class WireSection(DropSection):
    """The drop section with another source; `command` puts it in that one's place."""
    name = 'wire'
    help = 'the drop table between two ports of this host, by pktgen'

    @staticmethod
    def run(options, tell):
        sending, receiving = options.wire
        if 4 not in options.families:
            raise LabError('--wire: IPv4 only')
        pktgen = Pktgen(sending, check(sending, receiving, options.wire_anyway))
        results = {}
        try:
            for held in dict.fromkeys(held for held, _ in options.chosen_sizes):
                counts_ = [count for size, count in options.chosen_sizes if size == held]
                runs, unable = {}, {}
                for turn in range(options.rounds or 3):
                    for kind in options.chosen_rows:
                        tell(f'  {held:,} bans held, pass {turn + 1}: {kind.name}')
                        try:
                            each = one_row(kind, pktgen, receiving, held, counts_, options.seconds or 3)
                        except drop_rows.Unable as reason:
                            unable[kind.key] = str(reason)
                            continue
                        for count, one in each.items():
                            runs.setdefault(count, {}).setdefault(kind.key, []).append(one)
                for count, by_row in runs.items():
                    results[size_name(held, count)] = {'rows': collect(by_row, 'bare'), 'unable': unable}
        finally:
            pktgen.close()
        return {'IPv4': results}

    @staticmethod
    def charts(results):
        return {f'wire-{name}': chart for name, chart in DropSection.charts(results).items()}
