# SPDX-License-Identifier: Apache-2.0
"""Goodput under attack: what real TCP and UDP clients get while a flood from banned sources grows, with Gabion and without.

The flood owns the last core and the queue that belongs to it, the clients and the server share the others: elsewhere each would have
a machine of its own. The flood goes to the port that the UDP clients ask, so that without a filter it reaches the server."""
import os
import statistics
import time

from gabion_daemon import Daemon
from gabion_lab import Bed, Lab
from gabion_perf.drop import addresses
from gabion_perf.source import CPU
from gabion_perf.svg import lines

RATES = {'none': None, '100k': 100_000, '300k': 300_000, '1M': 1_000_000, 'all it can': 0}  # packets a second; gbn-flood: 0 is no limit
BANS = 1000
CLIENTS = '31.0.0.1-31.0.3.232'
LOAD = {'TCP': {'kind': 'download', 'port': 80, 'bytes': 1000, 'rate': 1000},
        'UDP': {'kind': 'udp', 'port': 53, 'bytes': 100, 'rate': 4000}}
# As much as the clients' and the server's core can do, without a flood and with the largest: what of it Gabion keeps.
FULL = {'TCP': {'kind': 'download', 'port': 80, 'bytes': 1000, 'in_flight': 16}, 'UDP': {'kind': 'udp', 'port': 53, 'bytes': 100, 'in_flight': 16}}
FULL_SECONDS = 1
TIMEOUT_MS = 1000
LEAST_RATE, MOST_P99 = 0.95, 2.0


class Host:
    """The server behind its interface, with Gabion in front or without."""

    def __init__(self, lab, filtered):
        self.bed = Bed(lab)
        self.bed.set_cores_apart()
        self.sources = lab.directory / 'sources'
        self.sources.write_text('\n'.join(addresses(4, BANS)) + '\n')
        self.daemon = None
        if filtered:
            self.daemon = Daemon(self.bed).start()
            self.daemon.gabion('ban', 'load', self.sources)
        else:
            self.bed.host.run('ethtool', '-K', self.bed.interface, 'gro', 'on')
        self.bed.serve()

    def run(self, rate, seconds, clients=LOAD):
        """The flood's rate, and the totals of the clients that ran meanwhile."""
        flood = None
        if rate is not None:
            rest = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {CPU})  # from its first instruction on: loading its program would take from the clients' core
            flood = self.bed.flood(source=f'@{self.sources}', dport=53, seconds=seconds + 1, size=64, **({'rate': rate} if rate else {}))
            os.sched_setaffinity(0, rest)
            time.sleep(0.3)
        asking = {name: self.bed.clients(source=CLIENTS, seconds=seconds, timeout_ms=TIMEOUT_MS, **load) for name, load in clients.items()}
        results = {name: client.result() for name, client in asking.items()}
        flooded = flood.result()['pps'] if flood else 0
        return flooded, results

    def finish(self):
        if self.daemon:
            self.daemon.identity()
            self.daemon.stop()


def one_step(runs, seconds):
    """Medians over the rounds, by kind of client; rates are of answers that came."""
    step = {'flood_pps': round(statistics.median(flood for flood, _ in runs))}
    for name in LOAD:
        each = [results[name] for _, results in runs]
        step[name] = {figure: statistics.median(one[figure] for one in each) for figure in ('p50_us', 'p99_us', 'p999_us')}
        step[name]['answers_a_second'] = round(statistics.median(one['ok'] for one in each) / seconds, 1)
        step[name]['failed'] = sum(one['failed'] for one in each)
        lost = step[name]['failed'] / max(1, sum(one['ok'] + one['failed'] for one in each))
        step[name]['p99_of_all_us'] = TIMEOUT_MS * 1000 if lost > 0.01 else step[name]['p99_us']
    return step


def at_full_load(host, rounds):
    """Answers a second of one kind of client at a time, which always has requests under way, calm and flooded in turn."""
    result = {}
    for name, load in FULL.items():
        calm, flooded = [], []
        for _ in range(rounds):
            for rate, answers in ((None, calm), (0, flooded)):
                answers.append(host.run(rate, FULL_SECONDS, {name: load})[1][name]['ok'] / FULL_SECONDS)
        result[name] = {'calm': statistics.median(calm), 'flooded': statistics.median(flooded),
                        'ratio': round(statistics.median(f / c for f, c in zip(flooded, calm)), 4)}
    return result


class GoodputSection:
    name = 'goodput'
    help = 'real clients while a flood from banned sources grows, with Gabion and without'

    @staticmethod
    def run(options, tell):
        rounds, seconds = options.rounds or 3, options.seconds or 3
        with Lab('with') as one, Lab('without') as other:
            hosts = {'filtered': Host(one, True), 'unfiltered': Host(other, False)}
            runs = {(name, index): [] for name in hosts for index in RATES}
            for turn in range(rounds):
                tell(f'  round {turn + 1} of {rounds}')
                for index, rate in RATES.items():
                    for name, host in hosts.items():
                        runs[name, index].append(host.run(rate, seconds))
            tell('  as much as the core can do')
            full = at_full_load(hosts['filtered'], 3 * rounds)
            for host in hosts.values():
                host.finish()
        return {**{name: [one_step(runs[name, index], seconds) for index in RATES] for name in hosts}, 'full': full}

    @staticmethod
    def text(results):
        heads = ''.join(f'{kind + " answers/s":>16} {"failed":>7} {"p50":>7} {"p99":>7} {"p99.9":>8}' for kind in LOAD)
        rows = [f'  {"flood, packets a second":<26}{heads}   latencies in ms, of the answers that came within a second']
        for name in ('filtered', 'unfiltered'):
            for step in results[name]:
                row = f'  {name:<12} {step["flood_pps"]:13,}'
                for kind in LOAD:
                    one = step[kind]
                    row += f'{one["answers_a_second"]:16,.0f} {one["failed"]:7,} ' + ' '.join(
                        f'{one[figure] / 1000:{width}.2f}' for figure, width in (('p50_us', 7), ('p99_us', 7), ('p999_us', 8)))
                rows.append(row)
        rows += verdicts(results['filtered'])
        rows += [f'  {kind}, {FULL[kind]["in_flight"]} requests always under way: {one["calm"]:,.0f} answers a second, '
                 f'{one["flooded"]:,.0f} with all the flood: {one["ratio"]:.1%}' for kind, one in results['full'].items()]
        return '\n'.join(rows)

    @staticmethod
    def charts(results):
        answers, waits = {}, {}
        for name in ('filtered', 'unfiltered'):
            steps = results[name]
            for kind in LOAD:
                answers[f'{kind}, {name}'] = [step[kind]['answers_a_second'] for step in steps]
                waits[f'{kind}, {name}'] = [step[kind]['p99_of_all_us'] / 1000 for step in steps]
        flood = 'flood from banned sources, packets a second'
        return {'goodput.svg': lines('Requests that were answered', flood, 'answers a second', list(RATES), answers),
                'goodput-p99.svg': lines('How long 99 % of the requests took at most; 1 s: more than 1 % were not answered', flood, 'ms',
                                         list(RATES), waits, log=True)}

    @staticmethod
    def ratios(results):
        calm, most = results['filtered'][0], results['filtered'][-1]
        return {**{f'goodput {kind}': (most[kind]['answers_a_second'] / calm[kind]['answers_a_second'], True) for kind in LOAD},
                **{f'goodput at full load {kind}': (one['ratio'], True) for kind, one in results['full'].items()}}


def verdicts(steps):
    """How the largest flood stands against the bar."""
    calm, most = steps[0], steps[-1]
    told = []
    for kind in LOAD:
        rate = most[kind]['answers_a_second'] / calm[kind]['answers_a_second']
        wait = most[kind]['p99_of_all_us'] / max(1, calm[kind]['p99_of_all_us'])
        met = ['' if good else 'NOT ' for good in (rate >= LEAST_RATE, wait <= MOST_P99)]
        told.append(f'  {kind}, filtered, at {most["flood_pps"]:,} a second: {rate:.1%} of the calm rate '
                    f'({met[0]}at least {LEAST_RATE:.0%}), p99 {wait:.2f} times the calm one ({met[1]}at most {MOST_P99:g})')
    return told
