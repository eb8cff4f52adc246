# SPDX-License-Identifier: Apache-2.0
"""perf/lab's command line: which sections run, how, and where their results go."""
import argparse
import pathlib
import signal
import sys

from gabion_lab import ROOT, LabError
from gabion_perf import machine, record
from gabion_perf.clean import CleanSection
from gabion_perf.detectors import DetectorsSection
from gabion_perf.dpdk import DpdkSection
from gabion_perf.drop import SIZES, DropSection, size_name
from gabion_perf.goodput import GoodputSection
from gabion_perf.growth import GrowthSection
from gabion_perf.guard import Guard
from gabion_perf.inline import InlineSection
from gabion_perf.rows import ROWS
from gabion_perf.source import keep_off_the_core
from gabion_perf.verdict import VerdictSection
from gabion_perf.wire import WireSection
from gabion_perf.worker import WorkerSection

SECTIONS = (DropSection, CleanSection, InlineSection, DpdkSection, WorkerSection, DetectorsSection, VerdictSection, GoodputSection, GrowthSection)
RECORD = ROOT / 'docs/performance'
# What --check runs where no section is named.
CHECK = {'rounds': 31, 'seconds': 0.06, 'sections': ['drop'], 'sizes': ['1k/1k', '100k/1k'], 'rows': ['gabion']}


def listed(allowed):
    def parse(text):
        parts = text.split(',')
        for part in parts:
            if part not in allowed:
                raise argparse.ArgumentTypeError(f'"{part}" is none of {", ".join(allowed)}')
        return parts
    return parse


def positive(kind):
    def parse(text):
        value = kind(text)
        if not value > 0:
            raise ValueError
        return value
    parse.__name__ = f'positive {kind.__name__}'
    return parse


def parse(description):
    parser = argparse.ArgumentParser(prog='perf/lab', description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [section.name for section in SECTIONS]
    parser.add_argument('sections', nargs='*', metavar='SECTION', help='; '.join(f'{s.name}: {s.help}' for s in SECTIONS))
    parser.add_argument('--rounds', type=positive(int))
    parser.add_argument('--seconds', type=positive(float), help='of one run in a round')
    parser.add_argument('--family', dest='families', type=int, choices=(4, 6), action='append')
    parser.add_argument('--sizes', type=listed([size_name(*size) for size in SIZES]), default=[])
    parser.add_argument('--rows', type=listed([row.key for row in ROWS]), default=[])
    parser.add_argument('--output', type=pathlib.Path, default=RECORD, help='the folder for lab.json, texts and charts')
    parser.add_argument('--wire', nargs=2, metavar=('IF_TX', 'IF_RX'),
                        help="the drop table on real ports: pktgen sends by the one, the rows drop at the other")
    parser.add_argument('--wire-anyway', action='store_true', help="even when this host's default route goes through IF_RX")
    parser.add_argument('--check', action='store_true', help='a short run, or the sections named, compared with the record and the bars')
    options = parser.parse_args()
    unknown = [name for name in options.sections if name not in names]
    if unknown:
        parser.error(f'no section "{unknown[0]}"; there are {", ".join(names)}')
    if options.check and not options.sections:
        for name, value in CHECK.items():
            setattr(options, name, getattr(options, name) or value)
    if options.wire and (options.check or options.sections):
        parser.error('--wire is a section of its own')
    options.families = options.families or [4, 6]
    options.chosen_sizes = [size for size in SIZES if not options.sizes or size_name(*size) in options.sizes]
    options.chosen_rows = [row for row in ROWS if not options.rows or row.key in options.rows or row is ROWS[0]]
    return options


def keep(options, section, about, results):
    options.output.mkdir(parents=True, exist_ok=True)
    record.write(options.output / 'lab.json', section.name, about, results)
    results = record.read(options.output / 'lab.json')[section.name]['results']
    (options.output / f'{section.name}.txt').write_text(machine.text(about) + '\n\n' + section.text(results) + '\n')
    for name, chart in section.charts(results).items():
        (options.output / name).write_text(chart)


def run(description):
    options = parse(description)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is taken down in order
    keep_off_the_core()
    about = machine.describe()
    print(machine.text(about), flush=True)
    guard = Guard(options.output)
    for section in (WireSection,) if options.wire else SECTIONS:
        if options.sections and section.name not in options.sections:
            continue
        print(f'\n== {section.name}: {section.help}', flush=True)
        try:
            if options.check:
                guard.check(section, lambda: measure(section, options))
            else:
                keep(options, section, about, measure(section, options))
        except LabError as error:
            print(f'perf/lab: {section.name}: {error}', file=sys.stderr)
            return 1
    if options.check:
        print(guard.text())
    return 1 if guard.found else 0


def measure(section, options):
    results = section.run(options, lambda line: print(line, file=sys.stderr, flush=True))
    print(section.text(results), flush=True)
    return results
