# SPDX-License-Identifier: Apache-2.0
"""From a detector's verdict to the kernel table: what gabiond itself measured (`gabion status`), under attacks that go on meanwhile. A
packet that comes later is dropped, so with the flood going on this is the time to the first kernel drop."""
import time

from gabion_daemon import Daemon
from gabion_lab import Bed, Lab, LabError

LEARNING_S = 12
ATTACKERS = 10  # at once, each in a network of its own
RATE = 500_000  # of all of them


def clients(bed, seconds):
    """Ordinary traffic, from which the detectors learn."""
    common = {'source': '31.0.0.0-31.0.1.43', 'order': 'random', 'ttl': 'host', 'seconds': seconds}
    return [bed.send(protocol='tcp', tcp_flags='A', size='40,52,64', dport=443, rate=3000, **common),
            bed.send(protocol='udp', size='48-160', dport=27015, rate=1500, **common)]


class VerdictSection:
    name = 'verdict'
    help = 'from a verdict of the detectors to the first kernel drop'

    @staticmethod
    def run(options, tell):
        rounds = options.rounds or 12
        with Lab('verdict') as lab:
            bed = Bed(lab)
            daemon = Daemon(bed).start()
            calm = clients(bed, LEARNING_S + 3 * rounds)
            time.sleep(LEARNING_S)
            for number in range(rounds):
                sources = ','.join(f'91.{10 * number + i}.7.1' for i in range(ATTACKERS))
                bed.send(source=sources, dport=9, rate=RATE, seconds=1, ttl='55', order='random').result()
            for one in calm:
                one.stop()
            measured = daemon.status()['verdicts']
            daemon.identity()
            daemon.stop()
        if measured['count'] < rounds:
            raise LabError(f'{rounds} attacks led to {measured["count"]} verdicts')
        return measured

    @staticmethod
    def text(results):
        return (f'  {results["count"]} verdicts in force after {results["median_us"]:.0f} us (median), {results["p99_us"]:.0f} us (99 of 100), '
                f'{results["worst_us"]:.0f} us (worst)')

    @staticmethod
    def charts(_results):
        return {}

    @staticmethod
    def ratios(_results):
        return {}
