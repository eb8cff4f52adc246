# SPDX-License-Identifier: Apache-2.0
"""Soak: mixed load and whatever an operator or a fault does to gabiond, for as long as asked, and at each quiet point everything adds up.

A round is a load (ordinary clients, what is banned, perhaps a flood) with a few random deeds in its middle, and then quiet. There: the
identity is exact, nothing banned has come, the list of bans is what it should be, clients were served, and the daemon takes no more
memory, descriptors, threads and pins than before. A seed repeats the deeds and loads, though not the kernel's timing."""
import collections
import os
import random
import signal
import time

from gabion_daemon import Daemon
from gabion_lab import Bed, wait_for

BANNED = '91.0.0.0-91.0.0.255'
CLIENTS = {'v4': '31.0.0.1-31.0.0.200', 'v6': '2a00:31::1-2a00:31::c8'}
# Moderate, so that a busy machine with two cores can keep up: what is asked is not how fast.
FLOODS = {
    'calm': [],
    'UDP, one source': [dict(source='45.0.0.1', dport=9002, rate=15000)],
    'UDP, forged sources': [dict(source='any4', dport=9002, rate=15000)],
    'SYN flood': [dict(source='any4', dport=80, rate=5000, protocol='tcp', tcp_flags='S')],
    'SYN flood, v6': [dict(source='any6', dport=80, rate=5000, protocol='tcp', tcp_flags='S')],
    'ACKs of nobody': [dict(source='any4', dport=80, rate=8000, protocol='tcp', tcp_flags='A')],
    'UDP and SYNs at once': [dict(source='any6', dport=9002, rate=8000),
                             dict(source='any4', dport=80, rate=3000, protocol='tcp', tcp_flags='S')],
}
# A killed worker's rings hold at most its credit (256) for each of two queues.
LOST_PER_KILL = 2 * 256
# What may still come after the first quiet points of a process: the ring of events, allocator arenas of threads that had not run yet, the
# detectors' baselines. All of it is bounded; a leak of 100 bytes for each of the 30,000 packets of a second, or of 1 KiB for each ban, is
# above this within a round or a few.
ANON_GROWTH_KIB = 4096
DESCRIPTOR_SPREAD = 4  # connections of `gabion` that are being closed


def use_of(daemon):
    """What the daemon holds now: kinds and numbers."""
    base = f'/proc/{daemon.process.pid}'
    status = dict(line.split(':', 1) for line in open(f'{base}/status'))
    memory = 0
    for entry in os.listdir(f'{base}/fdinfo'):
        try:
            words = dict(line.split(':', 1) for line in open(f'{base}/fdinfo/{entry}') if ':' in line)
        except OSError:
            continue
        memory += int(words.get('memlock', 0)) if 'map_type' in words else 0
    return {'rss': int(status['VmRSS'].split()[0]), 'anon': int(status['RssAnon'].split()[0]), 'threads': int(status['Threads']),
            'fds': len(os.listdir(f'{base}/fd')), 'pins': sum(len(files) for _, _, files in os.walk(daemon.pin)), 'maps': memory >> 10}


class Operator:
    """Deeds, and what the list of bans must be after them."""

    def __init__(self, daemon, dice):
        self.daemon, self.dice = daemon, dice
        self.bans = {'91.0.0.0/24'}
        self.allowed = set()
        self.kills = self.starts = 0
        self.deeds = {'ban': (8, self.ban), 'unban': (6, self.unban), 'ban for a while': (3, self.ban_for_a_while),
                      'load': (2, self.load), 'allow': (3, self.allow), 'reload limits': (4, self.limits),
                      'reload sizes': (2, self.sizes), 'reload sampling': (3, self.sampling), 'ask': (4, self.ask),
                      'stop and go on': (1, self.freeze), 'restart': (1, self.restart), 'kill -9': (1, self.kill)}

    def do(self):
        names = list(self.deeds)
        name = self.dice.choices(names, [self.deeds[one][0] for one in names])[0]
        self.deeds[name][1]()
        return name

    def address(self):
        return f'92.0.{self.dice.randrange(256)}.{self.dice.randrange(256)}' if self.dice.random() < 0.6 else \
            f'2a00:92::{self.dice.randrange(1, 65536):x}'

    def ban(self):
        for target in {self.address() for _ in range(self.dice.randrange(1, 6))} | {f'93.{self.dice.randrange(256)}.0.0/24'}:
            self.daemon.ban(target)
            self.bans.add(target)

    def ban_for_a_while(self):
        self.daemon.gabion('ban', 'add', f'94.0.0.{self.dice.randrange(256)}', '--for', '2s')

    def unban(self):
        several = sorted(self.bans - {'91.0.0.0/24'})
        for target in self.dice.sample(several, min(len(several), self.dice.randrange(1, 9))):
            self.daemon.gabion('ban', 'del', target)
            self.bans.remove(target)

    def load(self):
        targets = {self.address() for _ in range(300)}
        self.daemon.gabion('ban', 'load', '-', stdin='\n'.join(sorted(targets)) + '\n')
        self.bans |= targets

    def allow(self):
        if self.allowed and self.dice.random() < 0.5:
            target = self.dice.choice(sorted(self.allowed))
            self.daemon.gabion('allow', 'del', target)
            self.allowed.remove(target)
        else:
            target = f'33.0.0.{self.dice.randrange(256)}'
            self.daemon.gabion('allow', 'add', target)
            self.allowed.add(target)

    def reload(self, **sections):
        self.daemon.change(**sections)
        self.daemon.gabion('reload')

    def limits(self):
        self.reload(sources={'packets_pps': self.dice.choice([2000, 20000])}, caps={'udp_pps': self.dice.choice([0, 20000])},
                    syn={'cap_pps': self.dice.choice([500, 1000])})

    def sizes(self):
        self.reload(bans={'capacity': self.dice.choice([16384, 65536, 200000])}, connections={'capacity': self.dice.choice([16384, 65536])})

    def sampling(self):
        self.reload(sampling={'one_in': self.dice.choice([0, 1, 16, 256])})

    def ask(self):
        for command in (('status',), ('counters', '--per-core'), ('ban', 'list'), ('why', '91.0.0.1'), ('events',)):
            self.daemon.gabion(*command)

    def freeze(self):
        self.daemon.signal(signal.SIGSTOP)
        time.sleep(self.dice.uniform(0.2, 2))
        self.daemon.signal(signal.SIGCONT)

    def restart(self):
        status = self.daemon.stop()
        assert status == 0, f'gabiond ended with status {status}'
        self.start()

    def kill(self):
        self.daemon.kill()
        self.kills += 1
        self.start()

    def start(self):
        time.sleep(self.dice.uniform(0, 1))
        self.daemon.start()
        self.starts += 1


class Soak:
    def __init__(self, lab, seed, tell=print):
        self.tell, self.dice = tell, random.Random(seed)
        self.bed = Bed(lab)
        self.bed.wait_for_the_wire()
        self.bed.take_transmitted()
        self.daemon = Daemon(self.bed, sampling={'one_in': 16}, syn={'way': 'cookies'}).start()
        self.operator = Operator(self.daemon, self.dice)
        self.daemon.ban('91.0.0.0/24')
        self.bed.serve()
        self.banned = self.bed.receive(port=9001)
        self.bed.receive(port=9002)
        self.uses = collections.defaultdict(list)  # of each process, by how often one was started
        self.lost = self.kills = 0
        self.served = collections.Counter()

    def clients(self, seconds):
        kinds = (('download', 80, 30000, 10), ('udp', 53, 200, 40), ('ping', 0, 56, 20))
        return [(kind, self.bed.clients(source=source, kind=kind, port=port, bytes=size, rate=rate, seconds=seconds, timeout_ms=5000))
                for kind, port, size, rate in kinds for source in CLIENTS.values()]

    def round(self, number):
        load, begin = self.dice.choice(list(FLOODS)), time.monotonic()
        # What the clients of a round with neither flood nor fault meet must be as if Gabion were not there.
        seconds = self.dice.uniform(6, 12)
        clients = self.clients(seconds)
        senders = [self.bed.send(source=BANNED, dport=9001, rate=2000, seconds=600)]
        senders += [self.bed.send(seconds=600, order='random', **flood) for flood in FLOODS[load]]
        done = []
        while time.monotonic() - begin < seconds:
            time.sleep(self.dice.uniform(0.2, 2))
            done.append(self.operator.do())
        for sender in senders:
            sender.stop()
            assert sender.result()['sent'] > 0
        results = [(kind, one.result(60)) for kind, one in clients]
        self.tell(f'{number}: {load}; {", ".join(done)}: {self.quiet(load, done, results)}')

    def quiet(self, load, done, results):
        counters = self.daemon.identity()
        assert self.banned.running()
        lost, kills = counters['workers']['lost'] - self.lost, self.operator.kills - self.kills
        self.lost, self.kills = counters['workers']['lost'], self.operator.kills
        assert lost <= LOST_PER_KILL * kills, f'{lost} packets lost with {kills} kills'
        self.check_clients(load, kills, results)
        self.check_bans()
        use = self.check_use()
        served = collections.Counter()
        for _, result in results:
            served.update(ok=result['ok'], failed=result['failed'])
        self.served += served
        return f'{served["ok"]} served, {served["failed"]} not; {lost} lost; ' + ', '.join(f'{v} {k}' for k, v in use.items())

    def check_clients(self, load, kills, results):
        for kind, result in results:
            asked = result['ok'] + result['failed']
            if load == 'calm' and kills == 0:
                assert result['failed'] == 0, (kind, result)
            elif kind == 'download':  # TCP sends again what a killed worker had, and gets in through any flood
                assert result['failed'] <= 0.05 * asked, (kind, result)

    def check_bans(self):
        def listed():
            return {one['target'] for one in self.daemon.ask('ban', 'list') if one['tier'] == 'operator' and not one['expires']}
        listed = listed()
        assert listed == self.operator.bans, f'bans missing: {self.operator.bans - listed}, too many: {listed - self.operator.bans}'
        allowed = {one['target'] for one in self.daemon.ask('allow', 'list')}
        assert allowed == self.operator.allowed, f'allowed: {allowed}, but asked for were: {self.operator.allowed}'

    def check_use(self):
        time.sleep(1.2)  # the tables that a reload exchanged stay for a second
        use = wait_for('workers', lambda: all(w['alive'] for i in self.daemon.status()['interfaces'] for w in i['workers'])) and use_of(self.daemon)
        uses = self.uses[self.operator.starts]
        uses.append(use)
        settled = uses[2:]  # of a process: what it needs at first is there
        if not settled:
            return use
        first = settled[0]
        assert use['anon'] <= first['anon'] + ANON_GROWTH_KIB, f'memory grew: {[one["anon"] for one in uses]} KiB'
        assert use['threads'] <= first['threads'] + 1, f'threads grew: {[one["threads"] for one in uses]}'
        assert use['fds'] <= first['fds'] + DESCRIPTOR_SPREAD, f'descriptors grew: {[one["fds"] for one in uses]}'
        everything = [one for several in self.uses.values() for one in several]
        assert use['pins'] <= everything[0]['pins'], f'pins grew: {[one["pins"] for one in everything]}'
        return use

    def run(self, minutes):
        begin, number = time.monotonic(), 0
        while time.monotonic() - begin < minutes * 60:
            number += 1
            self.round(number)
        self.banned.stop()
        assert self.banned.result()['received'] == 0, 'what is banned was delivered'
        counters = self.daemon.identity()
        dropped = sum(n for reason, n in counters['drops'].items() if reason.startswith('ban-operator'))
        assert dropped > 1000, counters['drops']
        status = self.daemon.stop()
        assert status == 0, f'gabiond ended with status {status}'
        return (f'{number} rounds in {(time.monotonic() - begin) / 60:.1f} minutes, {self.operator.starts} starts, {self.operator.kills} '
                f'kills; {counters["packets"]["received"]} packets, all accounted for, {self.lost} lost in killed workers; 0 of '
                f'{dropped} banned ones delivered; clients: {self.served["ok"]} served, {self.served["failed"]} not')
