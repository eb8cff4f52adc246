# SPDX-License-Identifier: Apache-2.0
"""The bars: what the lab's figures are to reach on any machine and day, whatever was recorded before. A bar that the record misses is told
and no more; one that the record meets is not to be lost.

`wanted` bars are what the data path is built towards, bars `at the least` what it may never fall below. Loading a million bans and
asking for the status have bars as well (docs/performance.md, "Lists, and asking"), but no section of the lab measures them."""
import statistics
import typing

from gabion_perf.goodput import LEAST_RATE, LOAD, MOST_P99

DROP = {'1k/1k': 0.90, '100k/1k': 0.85, '1M/1k': 0.82, '1M/8k': 0.65, '1M/64k': 0.50}  # IPv4, to bare XDP_DROP
DROP_AT_LEAST = {'100k/1k': 0.70}
IPV6_LESS = 0.05       # by how much less is wanted of IPv6
TO_HASH_MAP = {'1M/64k': 2.0}
COST_GROWTH = 1.2      # added cost with a million bans beside that with a thousand, 1,000 sources sending
LOOP = {'worker, three detectors': 1.4, 'worker, handing back': 1.3}  # CPU time a packet, to the bare loop
LOOP_AT_MOST = {'worker, three detectors': 1.8}
VERDICT_MS = {'median_us': 0.1, 'p99_us': 1.0}
INLINE = 0.80          # to a bare redirect between the ports
INLINE_ROWS = ('gabion', 'gabion-100k')  # the others tell what it costs otherwise
INLINE_WAYS = ('inwards', 'outwards')
# Rates on DPDK: row, to which other row, the bar.
DPDK = {'forwarding, nothing banned, to dpdk-testpmd': ('gabiond', 'testpmd', 0.5),
        'forwarding in memory, to forwarding without a look': ('gabion', 'forward', 0.5),
        'drop path, 1M bans, 64k sources, to what the kernel drops': ('gabion-drop', 'kernel-gabion', 1.5)}
RUNS = 3               # a bar that seems lost is measured so often in all; the median counts


class Reach(typing.NamedTuple):
    value: float
    bar: float
    more_is_better: bool

    @property
    def met(self):
        return self.value >= self.bar if self.more_is_better else self.value <= self.bar


def of_drop(results):
    reached = {}
    for family, sizes in results.items():
        for size, result in sizes.items():
            ratio = {key: row['ratio'] for key, row in result['rows'].items()}
            gabion, name = ratio.get('gabion'), f'drop {family} {size}'
            if gabion is None:
                continue
            others = [value for key, value in ratio.items() if key not in ('bare', 'read', 'gabion')]  # bare and read hold no bans
            reached[f'{name}, wanted'] = Reach(gabion, DROP[size] - (IPV6_LESS if family == 'IPv6' else 0), True)
            if size in DROP_AT_LEAST:
                reached[f'{name}, at the least'] = Reach(gabion, DROP_AT_LEAST[size], True)
            if others:
                reached[f'{name}, to the best other row'] = Reach(gabion / max(others), 1, True)
            if size in TO_HASH_MAP and 'hash' in ratio:
                reached[f'{name}, to a BPF hash map'] = Reach(gabion / ratio['hash'], TO_HASH_MAP[size], True)
        few, many = (sizes.get(size, {}).get('rows', {}).get('gabion', {}).get('added_ns', 0) for size in ('1k/1k', '1M/1k'))
        if few > 0 and many > 0:
            reached[f'drop {family}, added cost at 1M/1k to that at 1k/1k'] = Reach(many / few, COST_GROWTH, False)
    return reached


def of_clean(results):
    """What perf/test_run says in hash look-ups, with the bars it has itself."""
    return {f'TEST_RUN, in hash look-ups: {name}': Reach(cost, bar, False) for name, (cost, bar) in results['test_run']['verdicts'].items()}


def of_inline(results):
    return {f'inline {which} {key}, wanted': Reach(row['ratio'], INLINE, True) for which, rows in results.items()
            for key, row in rows.items() if key in INLINE_ROWS and which.split(' ', 1)[1] in INLINE_WAYS}


def of_dpdk(results):
    return {f'DPDK, {name}': Reach(results[one]['pps'] / results[other]['pps'], bar, True) for name, (one, other, bar) in DPDK.items()
            if one in results and other in results}


def of_worker(results):
    ratios = {name: row['ratio'] for name, row in results['loop'].items()}
    return {f'{name}, {kind}': Reach(ratios[name], bar, False) for kind, bars in (('wanted', LOOP), ('at the most', LOOP_AT_MOST))
            for name, bar in bars.items() if name in ratios}


def of_verdict(results):
    return {f'verdict to first drop, ms, {name[:-3]}': Reach(results[name] / 1000, bar, False) for name, bar in VERDICT_MS.items()}


def of_goodput(results):
    calm, most = results['filtered'][0], results['filtered'][-1]
    reached = {}
    for kind in LOAD:
        answers, p99 = (most[kind][figure] / calm[kind][figure] for figure in ('answers_a_second', 'p99_of_all_us'))
        reached[f'goodput {kind}, to the calm rate'] = Reach(answers, LEAST_RATE, True)
        reached[f'goodput {kind}, to the calm p99'] = Reach(p99, MOST_P99, False)
    return reached


SECTIONS = {'drop': of_drop, 'clean': of_clean, 'inline': of_inline, 'worker': of_worker, 'verdict': of_verdict, 'goodput': of_goodput,
            'dpdk': of_dpdk}


def reached(section, results):
    """The bars that a section's results tell of: name -> Reach."""
    return SECTIONS[section](results) if section in SECTIONS else {}


def lost(recorded, measured):
    """Names of the bars that were met when recorded and are not now."""
    return [name for name, now in measured.items() if not now.met and name in recorded and recorded[name].met]


def settled(recorded, measure):
    """What was reached by `measure()`, a function; taken again, and the median of all, where a bar seems lost."""
    runs = [measure()]
    while lost(recorded, middle(runs)) and len(runs) < RUNS:
        runs.append(measure())
    return middle(runs)


def middle(runs):
    return {name: one._replace(value=statistics.median_low(sorted(run[name].value for run in runs if name in run)))
            for name, one in runs[0].items()}


def table(recorded, measured):
    """Every bar with what was measured beside it, and what was recorded: met or missed, by the newer of the two."""
    names = list({**recorded, **measured})
    width = max(map(len, names), default=0)
    lines = [f'{"bars":<{width}} {"measured":>9} {"recorded":>9} {"bar":>10}']
    for name in names:
        one = measured.get(name) or recorded[name]
        told = [f'{reaches[name].value:9.3f}' if name in reaches else f'{"-":>9}' for reaches in (measured, recorded)]
        lines.append(f'{name:<{width}} {told[0]} {told[1]} {">=" if one.more_is_better else "<="} {one.bar:7.3f}  '
                     f'{"met" if one.met else "missed"}')
    return '\n'.join(lines)


def complaints(recorded, measured):
    return [f'below its bar: {name}: {measured[name].value:.3f}, the bar is {measured[name].bar:g}, recorded {recorded[name].value:.3f}'
            for name in lost(recorded, measured)]
