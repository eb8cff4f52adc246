# SPDX-License-Identifier: Apache-2.0
"""The drop table: bare XDP_DROP, Gabion, and the others, holding the same bans, in turn under the same flood."""
import contextlib
import ipaddress

from gabion_lab import Lab, LabError
from gabion_perf.figures import Figures, collect, table
from gabion_perf.rows import ROWS, Unable
from gabion_perf.source import Source, interleave
from gabion_perf.svg import bars

SIZES = ((1000, 1000), (100_000, 1000), (1_000_000, 1000), (1_000_000, 8000), (1_000_000, 64_000))
FIRST = {4: int(ipaddress.ip_address('60.0.0.0')), 6: int(ipaddress.ip_address('2a02::'))}
APART = 37  # banned addresses do not follow one another, as a real list's do not
LEAST_DROPPED = 0.999


def addresses(version, count):
    make = ipaddress.IPv6Address if version == 6 else ipaddress.IPv4Address
    return [str(make(FIRST[version] + index * APART)) for index in range(count)]


def size_name(held, sending):
    def short(number):
        return f'{number // 1_000_000}M' if number >= 1_000_000 else f'{number // 1000}k' if number >= 1000 else str(number)
    return f'{short(held)}/{short(sending)}'


class DropTable:
    """For each number of bans held: every row set up once, then each number of sources in interleaved rounds."""

    def __init__(self, version, sizes=SIZES, rounds=None, seconds=None, rows=ROWS):
        self.version, self.sizes, self.rounds, self.seconds, self.rows = version, sizes, rounds, seconds, rows

    def run(self, tell):
        results = {}
        for held in dict.fromkeys(held for held, _ in self.sizes):
            with contextlib.ExitStack() as stack:
                bans = addresses(self.version, held)
                rows, unable = self.set_up(stack, bans)
                for _, sending in (size for size in self.sizes if size[0] == held):
                    tell(f'  IPv{self.version}, {held:,} bans held, {sending:,} sending ...')
                    results[size_name(held, sending)] = {**self.one_size(rows, bans, sending), 'unable': unable}
                for row in rows:
                    row.finish()
        return results

    def set_up(self, stack, bans):
        rows, unable = [], {}
        for kind in self.rows:
            lab = stack.enter_context(Lab(kind.key))
            file = lab.directory / 'bans'
            file.write_text('\n'.join(bans) + '\n')
            try:
                rows.append(kind(lab, self.version, file, len(bans)))
            except (Unable, LabError) as reason:
                if kind.key in ('bare', 'gabion'):
                    raise
                unable[kind.key] = str(reason)
        return rows, unable

    def one_size(self, rows, bans, sending):
        sources = []
        for row in rows:
            file = row.lab.directory / f'sources-{sending}'
            file.write_text('\n'.join(bans[index * (len(bans) // sending)] for index in range(sending)) + '\n')
            sources.append(Source(row.bed, file, self.version))
        many = sending > 16_000  # each source is to come several times in a run, or only cold caches are measured
        runs = interleave(rows, sources, self.rounds or (15 if many else 25), self.seconds or (0.3 if many else 0.06))
        for row in rows:
            self.prove(row, runs[row.key])
        return {'rows': collect(runs, 'bare')}

    @staticmethod
    def prove(row, runs):
        arrived, went_on = sum(run.arrived for run in runs), sum(run.went_on for run in runs)
        if arrived == 0 or arrived - went_on < LEAST_DROPPED * arrived:
            raise LabError(f'{row.name}: {went_on:,} of {arrived:,} packets went on: this did not measure a drop')


class DropSection:
    name = 'drop'
    help = 'bare XDP_DROP, Gabion, xdp-filter, nftables, iptables and a BPF hash map with the same bans'

    @staticmethod
    def run(options, tell):
        return {f'IPv{version}': DropTable(version, options.chosen_sizes, options.rounds, options.seconds, options.chosen_rows).run(tell)
                for version in options.families}

    @staticmethod
    def text(results):
        names = {kind.key: kind.name for kind in ROWS}
        lines = []
        for family, sizes in results.items():
            for size, result in sizes.items():
                lines += ['', f'{family}, bans held/sources sending: {size}',
                          table({names[key]: Figures(**row) for key, row in result['rows'].items()},
                                {names[key]: reason for key, reason in result['unable'].items()})]
        return '\n'.join(lines)

    @staticmethod
    def charts(results):
        names = {kind.key: kind.name for kind in ROWS[1:]}
        charts = {}
        for family, sizes in results.items():
            values = {size: {name: (row['ratio'], row['ratio_q1'], row['ratio_q3']) if (row := result['rows'].get(key)) else None
                             for key, name in names.items()} for size, result in sizes.items()}
            title = f'Packets dropped beside bare XDP_DROP, {family}; half of the rounds lie within the line'
            charts[f'drop-{family.lower()}.svg'] = bars(title, 'ratio to bare XDP_DROP', list(sizes), list(names.values()), values, most=1)
        return charts

    @staticmethod
    def ratios(results):
        return {f'drop {family} {size} {key}': (row['ratio'], True) for family, sizes in results.items()
                for size, result in sizes.items() for key, row in result['rows'].items() if key == 'gabion'}
