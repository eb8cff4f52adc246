# SPDX-License-Identifier: Apache-2.0
"""How cost grows: dropping, passing and memory by bans and prefixes held and by workers (receive queues).

Each point is a Gabion of its own, measured in turn with a bare XDP_DROP and a bare XDP_PASS; the added cost a packet is what to compare,
since the bare programs stay the same. The configuration names no destinations: how a worker's cost grows with theirs is
in the section `worker`."""
import contextlib
import statistics

from gabion_daemon import Daemon
from gabion_lab import Bed, Lab, LabError
from gabion_perf.clean import CLEAN, ELSEWHERE, PASSING, BarePass, prefixes
from gabion_perf.drop import addresses
from gabion_perf.rows import Bare, Row
from gabion_perf.source import Source, measure
from gabion_perf.svg import lines

BANS = (1, 1000, 10_000, 100_000, 1_000_000)
PREFIXES = (0, 1000, 100_000)
WORKERS = (1, 2, 4, 8)
SENDING = 1000


class Point(Row):
    """Gabion with so much in it; the same bed is sent banned sources and clean ones."""
    name = key = 'gabion'

    def __init__(self, lab, bans=1000, prefix_count=0, queues=2):
        self.lab, self.bed = lab, Bed(lab, queues=queues)
        self.daemon = Daemon(self.bed, bans={'capacity': max(1 << 20, bans)}, **PASSING).start()
        self.banned = addresses(4, bans)
        held = lab.directory / 'held'
        held.write_text('\n'.join(self.banned + prefixes(4, prefix_count)) + '\n')
        self.daemon.gabion('ban', 'load', held, timeout=120)
        self.about = {'bans': bans, 'prefixes': prefix_count, 'workers': queues}

    def sources(self):
        step = max(1, len(self.banned) // SENDING)
        return write_sources(self.lab, self.bed, self.banned[::step][:SENDING])

    def finish(self):
        self.daemon.identity()
        memory = self.daemon.status()['memory']
        self.daemon.stop()
        return {**self.about, **{f'{name}_mib': round(memory[f'{name}_bytes'] / 2 ** 20, 1) for name in ('table', 'resident')}}


def write_sources(lab, bed, banned):
    """A source of banned addresses and one of clean ones."""
    clean = [CLEAN[4].format(index // 250, index % 250 + 1) for index in range(SENDING)]
    made = []
    for name, listed, mac in (('banned', banned, None), ('clean', clean, ELSEWHERE)):
        file = lab.directory / name
        file.write_text('\n'.join(listed) + '\n')
        made.append(Source(bed, file, 4, to_mac=mac))
    return made


def bare_rows(stack):
    made = []
    for kind in (Bare, BarePass):
        lab = stack.enter_context(Lab(f'growth-{kind.program}'))
        row = kind(lab, 4, lab.directory, 0)
        made.append((row, write_sources(lab, row.bed, addresses(4, SENDING))[0 if kind is Bare else 1]))
    return made


def one_point(bare, rounds, seconds, **what):
    with Lab('growth') as lab:
        point = Point(lab, **what)
        dropping, passing = point.sources()
        runs = {'drop': [], 'pass': [], 'bare drop': [], 'bare pass': []}
        jobs = list(zip(runs, ((point, dropping), (point, passing), *bare)))
        for name, (row, source) in jobs:
            measure(row, source, 0.05)
        for turn in range(rounds):
            for name, (row, source) in jobs[turn % 4:] + jobs[:turn % 4]:
                runs[name].append(measure(row, source, seconds))
        dropping.stop()
        passing.stop()
        if sum(run.went_on for run in runs['drop']) or any(run.went_on < run.arrived for run in runs['pass']):
            raise LabError('what was banned went on, or what was not did not')
        return {**point.finish(), **compared(runs, 'drop'), **compared(runs, 'pass')}


def compared(runs, kind):
    """Added cost and ratio, medians of the rounds' own."""
    pairs = [(one.pps, bare.pps) for one, bare in zip(runs[kind], runs[f'bare {kind}'])]
    return {f'{kind}_ns': round(statistics.median(1e9 / one - 1e9 / bare for one, bare in pairs), 1),
            f'{kind}_ratio': round(statistics.median(one / bare for one, bare in pairs), 3)}


class GrowthSection:
    name = 'growth'
    help = 'cost of dropping and passing, and memory, by bans, prefixes and workers'

    @staticmethod
    def run(options, tell):
        rounds, seconds = options.rounds or 15, options.seconds or 0.06
        with contextlib.ExitStack() as stack:
            bare = bare_rows(stack)
            results = {}
            for axis, counts in (('bans', BANS), ('prefixes', PREFIXES), ('workers', WORKERS)):
                results[axis] = []
                for count in counts:
                    tell(f'  {axis}: {count:,}')
                    what = {{'bans': 'bans', 'prefixes': 'prefix_count', 'workers': 'queues'}[axis]: count}
                    results[axis].append(one_point(bare, rounds, seconds, **what))
        return results

    @staticmethod
    def text(results):
        rows = []
        for axis, points in results.items():
            rows += ['', f'  {axis:>10} {"drop: ratio":>12} {"added ns":>9} {"pass: ratio":>12} {"added ns":>9} {"tables MiB":>11} '
                         f'{"resident MiB":>13}']
            rows += [f'  {point[axis]:10,} {point["drop_ratio"]:12.3f} {point["drop_ns"]:9.1f} {point["pass_ratio"]:12.3f} '
                     f'{point["pass_ns"]:9.1f} {point["table_mib"]:11.1f} {point["resident_mib"]:13.1f}' for point in points]
        return '\n'.join(rows)

    @staticmethod
    def charts(results):
        charts = {}
        for axis, points in results.items():
            charts[f'growth-{axis}.svg'] = lines(f'Added cost a packet, by {axis}', axis, 'ns above the bare program',
                                                 [f'{point[axis]:,}' for point in points],
                                                 {'a drop': [max(0, point['drop_ns']) for point in points],
                                                  'a pass': [max(0, point['pass_ns']) for point in points]})
        return charts

    @staticmethod
    def ratios(results):
        return {f'growth {axis} {point[axis]}: {kind}': (point[f'{kind}_ratio'], True)
                for axis, points in results.items() for point in points for kind in ('drop', 'pass')}
