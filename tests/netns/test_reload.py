#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`gabion reload` with other switches and other table sizes: other programs and tables take the place of those at work with nothing
unfiltered, lost or forgotten between, or nothing changes and the command says so."""
import datetime
import pathlib
import time

from gabion_lab import BUILD, rounds, run, wait_for
from mixed_traffic import BANNED, CLEAN, Traffic, program_in_place, unjudged
from scenario import case, main

MORE = 5000


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
    with unjudged('reload') as (bed, daemon):
        load_many(daemon)
        daemon.ban(BANNED, note='the flood')
        daemon.ban('92.255.0.1', '2a00:92:ffff::1', note='short', **{'for': '1h'})
        before, never, times = Bans(daemon), Never(daemon), rounds(6, 100)
        traffic = Traffic(bed)
        slowest = 0
        for done in range(times):
            program = program_in_place(bed)
            daemon.change(features={'breaker': done % 2 == 1, 'destinations': done % 3 == 0},
                          bans={'capacity': (1 << 20, 8192, 1 << 18)[done % 3], 'prefix_capacity': (1 << 17, 1024)[done % 2]},
                          allow={'capacity': (65536, 128)[done % 2]})
            begin = time.monotonic()
            daemon.ask('reload')
            slowest = max(slowest, time.monotonic() - begin)
            assert program_in_place(bed) != program
            never.look()
        assert Bans(daemon).same(before)
        clean, banned = traffic.end()
        counters = daemon.identity()
        never.look()
        assert counters['drops']['ban-operator-prefix'] == banned, (counters['drops'], banned)
        hits = {ban['target']: ban['hits'] for ban in daemon.ask('ban', 'list')}
        assert 0.9 * banned < hits[BANNED] <= 1.1 * banned, (hits[BANNED], banned)
        assert counters['workers']['lost'] == 0
        return f'{times} reloads, the slowest took {slowest * 1000:.0f} ms; {clean} clean packets, {banned} banned ones'


@case('a switch takes effect and is told, off and on again')
def switches():
    with unjudged('switches') as (bed, daemon):
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
    with unjudged('badfile') as (bed, daemon):
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
    with unjudged('toosmall') as (bed, daemon):
        load_many(daemon)
        daemon.ban(BANNED)
        traffic = Traffic(bed)
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
    with unjudged('resized') as (bed, daemon):
        load_many(daemon)
        daemon.ban(BANNED, note='kept')
        daemon.change(bans={'capacity': 1 << 16, 'quarantine_capacity': 1024, 'detector_capacity': 2048}, allow={'capacity': 1024})
        daemon.gabion('allow', 'add', '31.0.0.1', '--skip', 'bans')
        report = daemon.ask('reload')
        assert sorted(report['changed']) == ['allow.capacity', 'bans.capacity', 'bans.detector_capacity', 'bans.quarantine_capacity'], report
        before = Bans(daemon)
        time.sleep(1.2)  # a save of the state
        traffic = Traffic(bed)
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
    with unjudged('ends') as (bed, daemon):
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
        Traffic(bed).end()
        assert daemon.ask('ban', 'list')[0]['hits'] == 0
        daemon.identity()


main()
