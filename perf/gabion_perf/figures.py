# SPDX-License-Identifier: Apache-2.0
"""From runs to figures: medians with their spread, ratios to the bare row of the same round, the cost that a packet adds.

The machine's speed drifts from second to second, so a ratio is the median of the rounds' own ratios, each to the bare run a moment away."""
import dataclasses
import statistics


@dataclasses.dataclass
class Figures:
    mpps: float            # median
    mpps_least: float
    mpps_most: float
    ratio: float           # to the bare row, median of the rounds'
    ratio_least: float
    ratio_most: float
    ratio_q1: float        # half of the rounds lie between these two
    ratio_q3: float
    added_ns: float        # a packet: 1/rate - 1/rate of the bare row
    softirq: float         # share of the core
    arrived: int
    dropped: int
    lost_share: float      # of what was sent, at a full ring


def collect(runs, bare):
    """Figures as plain dictionaries, by key; `runs` holds as many of each as there were rounds."""
    base = [run.pps for run in runs[bare]]
    result = {}
    for key, each in runs.items():
        rates = [run.pps for run in each]
        ratios = [rate / other for rate, other in zip(rates, base)]
        quarters = statistics.quantiles(ratios, n=4, method='inclusive') if len(ratios) > 1 else ratios * 3
        sent, arrived = sum(run.sent for run in each), sum(run.arrived for run in each)
        result[key] = dataclasses.asdict(Figures(
            round(statistics.median(rates) / 1e6, 4), round(min(rates) / 1e6, 4), round(max(rates) / 1e6, 4),
            round(statistics.median(ratios), 4), round(min(ratios), 4), round(max(ratios), 4),
            round(quarters[0], 4), round(quarters[2], 4),
            round(1e9 / statistics.median(rates) - 1e9 / statistics.median(base), 2),
            round(sum(run.softirq for run in each) / max(1, sum(run.jiffies for run in each)), 3),
            arrived, arrived - sum(run.went_on for run in each), round(1 - arrived / max(1, sent), 5)))
    return result


def table(rows, unable):
    """The text of one table; what could not be measured stands in it with the reason."""
    lines = [f'  {"":<26} {"Mpps":>7} {"least":>7} {"most":>7}   {"ratio":>6} {"least":>6} {"most":>6}   {"added ns":>8}  '
             f'{"softirq":>7}  {"dropped":>13}']
    for name, row in rows.items():
        lines.append(f'  {name:<26} {row.mpps:7.2f} {row.mpps_least:7.2f} {row.mpps_most:7.2f}   {row.ratio:6.3f} '
                     f'{row.ratio_least:6.3f} {row.ratio_most:6.3f}   {row.added_ns:8.1f}  {row.softirq:7.0%}  {row.dropped:13,}'
                     + (f'  ({row.lost_share:.1%} of what was sent lost at a full ring)' if row.lost_share > 0.001 else ''))
    lines += [f'  {name:<26} not measured: {reason}' for name, reason in unable.items()]
    return '\n'.join(lines)
