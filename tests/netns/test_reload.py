#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`gabion reload` with other switches and other table sizes: other programs and tables take the place of those at work with nothing
unfiltered, lost or forgotten between, or nothing changes and the command says so."""
import datetime
import json
import pathlib
import time

from gabion_daemon import protected
from gabion_lab import BUILD, LONG, rounds, run, wait_for
from scenario import case, main

CLEAN, FLOOD = 9000, 9001
BANNED, MORE = '91.0.0.0/24', 5000


def program_in_place(bed):
    return json.loads(bed.host.run('ip', '-j', '-d', 'link', 'show', 'dev', bed.interface).stdout)[0]['xdp']['prog']['id']


def calm(name, **sections):
    """A protected bed whose daemon judges nothing by itself, and hands over one packet in 16."""
    judging = {one: {'dry_run': True} for one in ('rate', 'entropy', 'ttl', 'size')}
    return protected(name, sampling={'one_in': 16, 'budget_pps': 5000}, detectors=judging, **sections)


class Traffic:
    """Clean stamped datagrams, of which none may be lost, beside a flood from banned sources, of which none may arrive."""

    def __init__(self, bed, seconds, rate=20000):
        self.clean, self.flood = bed.receive(port=CLEAN, nap_ms=4), bed.receive(port=FLOOD)
        count = int(seconds * rate)
        self.senders = [bed.send(source='31.0.0.1-31.0.0.200', dport=CLEAN, rate=rate, count=count, ttl='host'),
                        bed.send(source='2a00:31::1-2a00:31::c8', dport=CLEAN, rate=rate / 4, count=count // 4, ttl='host', stream=1),
                        bed.send(source=BANNED, dport=FLOOD, rate=rate, count=count, stream=2)]

    def running(self):
        return any(sender.running() for sender in self.senders)

    def end(self):
        sent = [sender.result()['sent'] for sender in self.senders]
        time.sleep(0.2)
        self.clean.stop()
        self.flood.stop()
        clean, flood = self.clean.result(), self.flood.result()
        assert flood['received'] == 0, f'{flood["received"]} of the banned flood arrived'
        assert (clean['lost'], clean['duplicated'], clean['overflowed']) == (0, 0, 0), clean
        assert clean['received'] == sent[0] + sent[1], (clean, sent)
        return sent


class Never:
    """Counters that may only rise."""

    def __init__(self, daemon):
        self.daemon, self.seen = daemon, {}

    def look(self):
        counters = self.daemon.counters()
        now = {**counters['packets'], **{f'drop {k}': v for k, v in counters['drops'].items()},
               'handed back': counters['workers']['handed_back'],
               **{f'hits {ban["target"]}': ban['hits'] for ban in self.daemon.ask('ban', 'list')[:3]}}
        back = {k: (self.seen[k], v) for k, v in now.items() if v < self.seen.get(k, 0)}
        assert not back, f'counters went back: {back}'
        self.seen = now


class Bans(dict):
    """What is in force, without what traffic changes. Times are told by two clocks, so that they may differ by some ms."""

    def __init__(self, daemon):
        def seconds(text):
            return text and datetime.datetime.fromisoformat(text).timestamp()
        super().__init__({ban['target']: (ban['tier'], ban['reason'], ban['note']) for ban in daemon.ask('ban', 'list')})
        self.times = {ban['target']: (seconds(ban['since']), seconds(ban['expires'])) for ban in daemon.ask('ban', 'list')}

    def same(self, other):
        return self == other and all((one is None) == (two is None) and (one is None or abs(one - two) < 0.1)
                                     for target, times in self.times.items() for one, two in zip(times, other.times[target]))


def load_many(daemon, count=MORE):
    path = daemon.base / 'list'
    path.write_text(''.join(f'{family}\n' for i in range(count // 2)
                            for family in (f'92.{i >> 8 & 255}.{i & 255}.7', f'2a00:92:{i:x}::7')))
    daemon.gabion('ban', 'load', str(path), '--for', '2h', '--note', 'from a list')


def refused(daemon, *texts):
    """A reload that must fail; what is in force stays, and the command says so."""
    before, program, shown = Bans(daemon), program_in_place(daemon.bed), daemon.gabion('config', 'show').stdout
    done = daemon.gabion('reload', check=False, timeout=120)
    assert done.returncode == 1, done
    for text in texts:
        assert text in done.stderr, (text, done.stderr)
    assert program_in_place(daemon.bed) == program and Bans(daemon).same(before)
    assert daemon.gabion('config', 'show').stdout == shown
    assert daemon.event_kinds().count('reload-refused') >= 1
    assert not list(daemon.pin.glob('*_next')), 'maps of the failed reload are still pinned'
    return done.stderr


@case('switches and sizes change under load: no banned packet passes, no clean one is lost, no counter goes back')
def swaps_under_load():
    with calm('reload') as (bed, daemon):
        load_many(daemon)
        daemon.ban(BANNED, note='the flood')
        daemon.ban('92.255.0.1', '2a00:92:ffff::1', note='short', **{'for': '1h'})
        before, never, times = Bans(daemon), Never(daemon), rounds(6, 100)
        traffic = Traffic(bed, rounds(0.8, 2.5) * times + 1)  # the long run is to make all of them, on a slow machine too
        done, slowest = 0, 0
        while traffic.running() and done < times:
            program = program_in_place(bed)
            daemon.change(features={'breaker': done % 2 == 1, 'destinations': done % 3 == 0},
                          bans={'capacity': (1 << 20, 8192, 1 << 18)[done % 3], 'prefix_capacity': (1 << 17, 1024)[done % 2]},
                          allow={'capacity': (65536, 128)[done % 2]})
            begin = time.monotonic()
            daemon.ask('reload')
            slowest = max(slowest, time.monotonic() - begin)
            assert program_in_place(bed) != program
            never.look()
            done += 1
        assert done == times or not LONG, f'{done} of {times} reloads'
        assert Bans(daemon).same(before)
        sent = traffic.end()
        counters = daemon.identity()
        never.look()
        assert counters['drops']['ban-operator-prefix'] == sent[2], (counters['drops'], sent)
        hits = {ban['target']: ban['hits'] for ban in daemon.ask('ban', 'list')}
        assert 0.9 * sent[2] < hits[BANNED] <= 1.1 * sent[2], (hits[BANNED], sent[2])
        assert counters['workers']['lost'] == 0
        return f'{done} reloads, the slowest took {slowest * 1000:.0f} ms; {sent[0] + sent[1]} clean packets, {sent[2]} banned ones'


@case('a switch takes effect and is told, off and on again')
def switches():
    with calm('switches') as (bed, daemon):
        daemon.ban('31.0.0.9')
        told = daemon.status()['features']
        assert told['breaker'] and told['quarantine'] and told['destination_caps'] and told['ban_hits']

        def hits_of(count):
            before = daemon.ask('ban', 'list')[0]['hits']
            bed.send(source='31.0.0.9', dport=CLEAN, count=count, rate=2000).result()
            return daemon.ask('ban', 'list')[0]['hits'] - before
        assert hits_of(100) == 100
        daemon.change(features={'hits': False, 'breaker': False, 'handover': False})
        changed = daemon.ask('reload')
        assert sorted(changed['changed']) == ['features.breaker', 'features.handover', 'features.hits'] and not changed['restart_needed']
        status = daemon.status()
        assert not any(status['features'][one] for one in ('breaker', 'handover', 'ban_hits')), status['features']
        assert all('switched off' in status['feature_notes'][one] for one in ('breaker', 'handover', 'ban_hits')), status['feature_notes']
        assert hits_of(100) == 0, 'hits were counted by a program without'
        before = daemon.settled()['packets']
        receiver = bed.receive(port=CLEAN)
        bed.send(source='31.0.0.1', dport=CLEAN, count=2000, rate=10000, ttl='host').result()
        time.sleep(0.1)
        receiver.stop()
        assert receiver.result()['received'] == 2000
        assert daemon.settled()['packets']['handed_over'] == before['handed_over'], 'samples although hand-over is off'
        denied = daemon.gabion('panic', 'on', check=False)
        assert denied.returncode == 1 and '[features] breaker' in denied.stderr, denied
        daemon.change(features={'hits': True, 'breaker': True, 'handover': True})
        daemon.gabion('reload')
        assert hits_of(100) == 100 and daemon.status()['features']['breaker']
        daemon.gabion('panic', 'on')
        daemon.gabion('panic', 'auto')
        assert daemon.identity()['packets']['dropped'] == 300


@case('a bad file changes nothing; what waits for a restart is told each time until then')
def bad_file():
    with calm('badfile') as (bed, daemon):
        daemon.ban(BANNED)
        good = daemon.config_file.read_text()
        daemon.config_file.write_text(good.replace('[bans]', '[bans]') + '\n[features]\nbreaker = "off"\nquarantaine = false\n')
        told = refused(daemon, 'features.breaker: must be true or false', 'quarantaine')
        assert str(daemon.config_file) in told
        daemon.config_file.write_text(good)
        daemon.change(workers={'credit': 512}, features={'destinations': False})
        for expected in (['features.destinations'], []):
            report = daemon.ask('reload')
            assert report['changed'] == expected and report['restart_needed'] == ['workers.credit'], report
        assert 'credit = 256' in daemon.gabion('config', 'show').stdout
        daemon.stop()
        daemon.start()
        assert 'credit = 512' in daemon.gabion('config', 'show').stdout and Bans(daemon).keys() == {BANNED}
        daemon.identity()


@case('a failed resize leaves the old tables in force and says so')
def failed_resize():
    with calm('toosmall') as (bed, daemon):
        load_many(daemon)
        daemon.ban(BANNED)
        traffic = Traffic(bed, 4)
        daemon.change(bans={'capacity': 1024})
        refused(daemon, '[bans] capacity', '2500 IPv', 'table of 1024')
        # The whole of it: a switch that came with the size that does not fit is not in force either.
        daemon.change(features={'breaker': False})
        refused(daemon, '[bans] capacity')
        assert daemon.status()['features']['breaker']
        daemon.change(bans={'capacity': 1 << 22}, features={'breaker': True})
        size = int(next(line for line in pathlib.Path(f'/proc/{daemon.process.pid}/status').read_text().splitlines()
                        if line.startswith('VmSize')).split()[1]) * 1024
        run('prlimit', '--pid', daemon.process.pid, f'--as={size + (64 << 20)}:')
        refused(daemon, 'mapping the map')
        run('prlimit', '--pid', daemon.process.pid, '--as=unlimited:')
        daemon.change(bans={'capacity': 1 << 17})
        daemon.gabion('reload')
        traffic.end()
        daemon.ban('31.0.0.9')
        assert len(Bans(daemon)) == MORE + 2
        daemon.identity()


@case('tables of other sizes outlive the daemon: the next start goes on with them')
def resized_and_restarted():
    with calm('resized') as (bed, daemon):
        load_many(daemon)
        daemon.ban(BANNED, note='kept')
        daemon.change(bans={'capacity': 1 << 16, 'quarantine_capacity': 1024, 'detector_capacity': 2048}, allow={'capacity': 1024})
        daemon.gabion('allow', 'add', '31.0.0.1', '--skip', 'bans')
        report = daemon.ask('reload')
        assert sorted(report['changed']) == ['allow.capacity', 'bans.capacity', 'bans.detector_capacity', 'bans.quarantine_capacity'], report
        before = Bans(daemon)
        time.sleep(1.2)  # a save of the state
        traffic = Traffic(bed, 2.5)
        time.sleep(0.3)
        daemon.stop()
        daemon.start()
        traffic.end()
        assert Bans(daemon).same(before)
        assert [entry['target'] for entry in daemon.ask('allow', 'list')] == ['31.0.0.1']
        daemon.ban('31.0.0.0/16')
        receiver = bed.receive(port=CLEAN)
        for source in ('31.0.0.1', '31.0.0.2'):
            bed.send(source=source, dport=CLEAN, count=100, rate=5000).result()
        time.sleep(0.1)
        receiver.stop()
        assert receiver.result()['received'] == 100, 'only the allowed source gets through'
        daemon.identity()


@case('a reload of switches ends a profile that is under way, and says so; an interface that is away gets its program when it comes')
def profile_and_away():
    with calm('ends') as (bed, daemon):
        process = bed.host.start(BUILD / 'gabion', '--socket', daemon.socket, 'profile', '--seconds', 20, '--json', name='profile')
        wait_for('the profile', lambda: 'profile-began' in daemon.event_kinds(), 10)
        daemon.change(features={'destinations': False})
        daemon.gabion('reload')
        assert process.wait() == 1 and 'a reload puts other programs in place' in process.log.read_text()
        again = daemon.ask('profile', '--seconds', 1)
        assert again['interfaces'][bed.interface]['note'] == '', again
        bed.host.run('ip', 'link', 'del', bed.interface)
        wait_for('its going', lambda: 'interface-gone' in daemon.event_kinds())
        daemon.change(features={'destinations': True, 'hits': False}, bans={'capacity': 8192})
        daemon.gabion('reload')
        daemon.ban(BANNED)
        bed.wire()
        wait_for('its return', lambda: 'interface-back' in daemon.event_kinds())
        Traffic(bed, 0.5).end()
        assert daemon.ask('ban', 'list')[0]['hits'] == 0
        daemon.identity()


main()
