# SPDX-License-Identifier: Apache-2.0
"""Inline mode beside a bare program that redirects each frame to the other port: what is delivered behind the pair, both ways.

Source, both ports' programs and the sink share the last core. The sink is a bare XDP_DROP at the far end; what it took is what counts, so
that a frame lost between the ports is nobody's achievement. Detectors are off and the rates of breaker and floods are out of reach; samples are
taken, and the worker has the first core. What it transmits would have a veth's far end polled by its own core from then on, and the frames of
all others with it: so the far end behind the pair has a queue for each core, and the outside port one. Source and daemon go before whatever
else runs on the machine."""
import os

from gabion_daemon import Daemon
from gabion_lab import BUILD
from gabion_perf.clean import ELSEWHERE, PASSING, Clean, one_family
from gabion_perf.figures import Figures, table
from gabion_perf.source import CPU, Source, veth_counts
from inline_bed import InlineBed

FIRST = -20  # niceness


class WideInsideBed(InlineBed):
    def __init__(self, lab):
        super().__init__(lab, queues=1)

    def connect_inside(self):
        self.queues = 2
        super().connect_inside()


class Ports(Clean):
    """Two ports and a sink; a row says what runs on the ports, and whether the flood comes from outside or from inside."""
    from_inside, source_options = False, ()

    def __init__(self, lab, version, file, bans):
        super().__init__(lab, version, file, bans, WideInsideBed(lab))

    def prepare(self, file):
        self.ends = [(self.bed.world, 'net0'), (self.bed.host, self.bed.host_port)]
        if self.from_inside:
            self.ends.reverse()
        sink, port = self.ends[1]
        sink.start(BUILD / 'perf/gbn-plain', '--program', 'drop', '--interface', port, name='gbn-plain').wait_ready()
        self.run(file)

    def source(self, file):
        namespace, port = self.ends[0]
        source = Source(self.bed, file, self.version, interface=port, to_mac=ELSEWHERE, where=namespace, options=self.source_options)
        os.setpriority(os.PRIO_PROCESS, source.popen.pid, FIRST)
        return source

    def counts(self):
        sink, port = self.ends[1]
        delivered = veth_counts(sink, port)['xdp_packets']
        return delivered, delivered


class Bare(Ports):
    name, key = 'bare redirect, inwards', 'bare'

    def run(self, file):
        for port, other in ((self.bed.interface, self.bed.peer), (self.bed.peer, self.bed.interface)):
            self.bed.box.start(BUILD / 'perf/gbn-plain', '--program', 'redirect', '--interface', port, '--to', other,
                               name='gbn-plain').wait_ready()


class Gabion(Ports):
    """As on a host whose workers have cores set aside: they wait busily."""
    name, key, settings, workers = 'Gabion, inwards', 'gabion', {}, {'cpus': [0], 'busy_wait': 'always'}

    def run(self, file):
        self.daemon = Daemon(self.bed, **{**PASSING, 'workers': self.workers, **self.settings}).start()
        for thread in os.listdir(f'/proc/{self.daemon.process.pid}/task'):
            os.setpriority(os.PRIO_PROCESS, int(thread), FIRST)

    def finish(self):
        self.daemon.identity()
        self.daemon.stop()


class Banned(Gabion):
    name, key = 'Gabion, 100k bans, inwards', 'gabion-100k'

    def run(self, file):
        super().run(file)
        self.daemon.gabion('ban', 'load', file)


class Unsampled(Gabion):
    """What is left without the samples' way through a worker."""
    name, key, settings = 'Gabion, no samples, inwards', 'gabion-unsampled', {'sampling': {'one_in': 0}}


class Woken(Gabion):
    """The worker sleeps whenever there is nothing to do, and the core that receives wakes it."""
    name, key, workers = 'Gabion, worker that sleeps, inwards', 'gabion-woken', {'cpus': [0], 'busy_wait': 'never'}


class Together(Gabion):
    name, key, workers = 'Gabion, worker on the same core, inwards', 'gabion-together', {'cpus': [CPU], 'busy_wait': 'never'}


class Attacked(Gabion):
    """The load is taken for an attack: 1 packet in 16 is sampled, and the sources' stages are at work."""
    name, key, settings = 'Gabion, posture raised, inwards', 'gabion-attacked', {
        'detectors': {**PASSING['detectors'], 'unlearned_destination_pps': 400_000}}


class BareBack(Bare):
    """Each source's frames are of one flow, as the packets of hosts behind the pair are."""
    name, key, from_inside, source_options = 'bare redirect, outwards', 'bare', True, ('--one-port',)


class GabionBack(Gabion):
    name, key, from_inside, source_options = 'Gabion, outwards', 'gabion', True, ('--one-port',)


class BareNew(Bare):
    name, key, from_inside = 'bare redirect, outwards', 'bare', True


class GabionNew(Gabion):
    """Each packet begins a flow, of which a note is made."""
    name, key, from_inside = 'Gabion, outwards', 'gabion', True


WAYS = {'inwards': (Bare, Gabion, Unsampled, Banned, Woken, Together, Attacked), 'outwards': (BareBack, GabionBack),
        'outwards, each packet a new flow': (BareNew, GabionNew)}


class InlineSection:
    name = 'inline'
    help = 'an inline pair beside a bare two-port redirect, both ways'

    @staticmethod
    def run(options, tell):
        results = {}
        for version in options.families:
            for way, kinds in WAYS.items():
                tell(f'  IPv{version}, {way}')
                results[f'IPv{version} {way}'] = one_family(version, options.rounds or 21, options.seconds or 0.2, kinds, 'inline')
        return results

    @staticmethod
    def text(results):
        lines = []
        for which, rows in results.items():
            names = {kind.key: kind.name for kind in WAYS[which.split(' ', 1)[1]]}
            lines += ['', which, table({names[key]: Figures(**row) for key, row in rows.items()}, {})]
        return '\n'.join(lines)

    @staticmethod
    def charts(results):
        return {}

    @staticmethod
    def ratios(results):
        return {f'inline {which} {key}': (row['ratio'], True) for which, rows in results.items() for key, row in rows.items()
                if key.startswith('gabion')}
