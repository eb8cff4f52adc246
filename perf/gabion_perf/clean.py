# SPDX-License-Identifier: Apache-2.0
"""The clean path: what a packet that nobody minds pays, beside a bare XDP_PASS and a bare XDP_REDIRECT.

The frames bear another machine's MAC, so that the stack lets go of what passed at its first look. What the stack spends until then is
part of both rates; the added cost a packet is not. Detectors are off and the breaker's rate is out of reach: the flood is
meant to pass. Workers have the first CPU, the source the last: else the source's CPU would pay for the samples' way through a worker.
What each way through the program costs without driver and stack, perf/test_run says, which runs at the end."""
import re

from gabion_daemon import Daemon
from gabion_lab import BUILD, Bed, Lab, LabError, run
from gabion_perf.drop import addresses
from gabion_perf.figures import Figures, collect, table
from gabion_perf.rows import HashMap, Plain
from gabion_perf.source import Source, interleave

HELD = 100_000
SENDING = 1000
ELSEWHERE = '02:00:00:00:00:99'
CLEAN = {4: '31.1.{}.{}', 6: '2a00:31:1::{:x}:{:x}'}
PASSING = {'panic': {'mode': 'auto', 'rate_pps': 100_000_000}, 'workers': {'cpus': [0]},
           'detectors': {'unlearned_source_pps': 1e8, 'unlearned_destination_pps': 1e8,
                         **{name: {'enabled': False} for name in ('rate', 'entropy', 'ttl', 'size')}}}


def prefixes(version, count):
    """Of the lengths that lists of prefixes have, away from the clean sources."""
    if version == 6:
        return [f'2600:{index >> 8:x}:{index & 255:x}00::/{(40, 44, 48)[index % 3]}' for index in range(count)]
    kinds = ((24, 0x46000000, 256), (22, 0x50000000, 1024), (20, 0x60000000, 4096), (28, 0x70000000, 16))
    result = []
    for index in range(count):
        length, base, step = kinds[index % 4]
        at = base + (index // 4) * step
        result.append('.'.join(str(at >> shift & 255) for shift in (24, 16, 8, 0)) + f'/{length}')
    return result


class Clean(Plain):
    """A row whose packets go on."""
    goes_elsewhere = False  # not to where the row's counts would see it

    def source(self, file):
        return Source(self.bed, file, self.version, to_mac=ELSEWHERE)


class BarePass(Clean):
    name, key, program = 'bare XDP_PASS', 'bare', 'pass'


class BareRedirect(Clean):
    """To another veth, whose far end drops."""
    name, key = 'bare XDP_REDIRECT', 'redirect'
    goes_elsewhere = True

    def prepare(self, file):
        sink = self.lab.namespace('sink')
        self.lab.veth(self.bed.host, 'out0', sink, 'in0')
        for namespace, interface, options in ((sink, 'in0', ('--program', 'drop')),
                                              (self.bed.host, self.bed.interface, ('--program', 'redirect', '--to', 'out0'))):
            namespace.start(BUILD / 'perf/gbn-plain', '--interface', interface, *options, name='gbn-plain').wait_ready()


class HashMiss(Clean, HashMap):
    name, key, program = 'BPF hash map, 100k bans', HashMap.key, HashMap.program


class Empty(Clean):
    name, key = 'Gabion, nothing held', 'gabion'

    def prepare(self, file):
        self.daemon = Daemon(self.bed, **PASSING).start()
        self.load(file)

    def load(self, file):
        pass

    def finish(self):
        self.daemon.identity()
        dropped = self.daemon.counters()['packets']['dropped']
        if dropped:
            raise LabError(f'{dropped:,} packets were dropped: this did not measure the clean path')
        self.daemon.stop()


class Addresses(Empty):
    name, key = 'Gabion, 100k bans', 'gabion-100k'

    def load(self, file):
        self.daemon.gabion('ban', 'load', file)


class Prefixes(Addresses):
    name, key = 'Gabion, + 100k prefixes', 'gabion-prefixes'

    def load(self, file):
        super().load(file)
        more = self.lab.directory / 'prefixes'
        more.write_text('\n'.join(prefixes(self.version, HELD)) + '\n')
        self.daemon.gabion('ban', 'load', more)


ROWS = (BarePass, Empty, Addresses, Prefixes, HashMiss, BareRedirect)


def one_family(version, rounds, seconds, kinds=ROWS, name='clean', bare='bare'):
    labs = [Lab(f'{name}-{kind.key}') for kind in kinds]
    rows = []
    try:
        for lab, kind in zip(labs, kinds):
            lab.__enter__()
            file = lab.directory / 'bans'
            file.write_text('\n'.join(addresses(version, HELD)) + '\n')
            rows.append(kind(lab, version, file, HELD))
        sources = []
        for row in rows:
            file = row.lab.directory / 'sources'
            file.write_text('\n'.join(CLEAN[version].format(index // 250, index % 250 + 1) for index in range(SENDING)) + '\n')
            sources.append(row.source(file))
        runs = interleave(rows, sources, rounds, seconds)
        for row in rows:
            row.finish()
        for row in rows:
            if not row.goes_elsewhere and any(one.went_on < 0.999 * one.arrived for one in runs[row.key]):
                raise LabError(f'{row.key}: packets were dropped: this did not measure the clean path')
        return collect(runs, bare)
    finally:
        for lab in labs:
            if lab.directory is not None:
                lab.__exit__(None, None, None)


def test_run():
    """perf/test_run's rows, name -> (median, least, most) in ns, and its verdicts, name -> (hash look-ups, bar)."""
    done = run(BUILD / 'perf/test_run', timeout=110, check=False)  # status 1: a bar is missed, which the verdicts tell
    rows, verdicts = ({name.strip(): [float(part) for part in parts] for name, *parts in re.findall(pattern, done.stdout, re.MULTILINE)}
                      for pattern in (r'^(\S.*?)\s+([\d.]+) ns\s+\(([\d.]+) to ([\d.]+)\)',
                                      r'^(\S.*?)\s+(-?[\d.]+) hash look-ups \(bar ([\d.]+)\)'))
    if not rows or done.returncode not in (0, 1):
        raise LabError(f'perf/test_run told nothing: {done.stdout}{done.stderr}')
    return {'rows': rows, 'verdicts': verdicts}


class CleanSection:
    name = 'clean'
    help = 'packets that pass, beside bare XDP_PASS and XDP_REDIRECT; each way through the program under TEST_RUN'

    @staticmethod
    def run(options, tell):
        results = {}
        for version in options.families:
            tell(f'  IPv{version}')
            results[f'IPv{version}'] = one_family(version, options.rounds or 21, options.seconds or 0.2)
        tell('  each way under TEST_RUN')
        return {**results, 'test_run': test_run()}

    @staticmethod
    def text(results):
        names = {kind.key: kind.name for kind in ROWS}
        lines = []
        for family in (key for key in results if key != 'test_run'):
            lines += ['', family, table({names[key]: Figures(**row) for key, row in results[family].items()}, {})]
        lines += ['', 'Under BPF_PROG_TEST_RUN, cache-hot, without driver, ns a packet']
        told = results['test_run']
        lines += [f'  {name:<52} {middle:6.0f}  ({least:.0f} to {most:.0f})' for name, (middle, least, most) in told['rows'].items()]
        lines += [f'  {name:<52} {cost:6.2f} hash look-ups, {bar:g} wanted{"" if cost <= bar else ": missed"}'
                  for name, (cost, bar) in told['verdicts'].items()]
        return '\n'.join(lines)

    @staticmethod
    def charts(results):
        return {}

    @staticmethod
    def ratios(results):
        return {f'clean {family} {key}': (row['ratio'], True) for family, rows in results.items() if family != 'test_run'
                for key, row in rows.items() if key.startswith('gabion')}
