#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A new gabiond takes over from an old one, as the package lets it, under load: nothing clean lost, nothing banned delivered, state kept.
A start that fails leaves the old programs at work."""
import json
import random
import re
import signal
import time

from delivery import under_load
from gabion_daemon import protected
from gabion_lab import BUILD, rounds, run, wait_for
from scenario import Skip, case, main

BANNED = ('91.0.0.0/24', '2001:db8:91::/48', '203.0.113.7')


def older_program(daemon):
    """Another file, which calls itself by another version; and what it says of itself."""
    name = daemon.bed.box.run(BUILD / 'gabiond', '--version').stdout.strip()
    older = re.sub('[1-9]', '0', name)
    program, content = daemon.base / 'gabiond-older', (BUILD / 'gabiond').read_bytes()
    assert name != older and name.encode() in content
    program.write_bytes(content.replace(name.encode(), older.encode()))
    program.chmod(0o755)
    return program, older


def started_as(daemon):
    return [event['text'] for event in daemon.events() if event['kind'] == 'started'][-1].split(' protects')[0]


def make_way(daemon):
    """What `systemctl restart` sends first (RestartKillSignal in the unit)."""
    assert daemon.process.stop(how=signal.SIGUSR1) == 0


def bans(daemon):
    return {(ban['target'], ban['tier'], ban['since'], ban['note']) for ban in daemon.ask('ban', 'list')}


def give_tables_another_version(daemon):
    """As a gabiond with other tables would have left them: the first word of the control page is another."""
    pin = daemon.pin / 'control'
    value = json.loads(run('bpftool', '-j', 'map', 'dump', 'pinned', pin).stdout)[0]['value']
    value = value if isinstance(value, list) else value['value']
    value[0] = f'{(int(value[0], 16) + 1) % 256:#04x}'
    run('bpftool', 'map', 'update', 'pinned', pin, 'key', '0', '0', '0', '0', 'value', 'hex',
        *(byte.removeprefix('0x') for byte in value))


@case('a new version takes over: bans, notes, what was learned and counters are kept', other_tables=False)
@case('a new version whose tables are others takes over: bans and what was learned are kept, counters begin anew', other_tables=True)
def upgrade(other_tables):
    # With on_stop = "detach" a stop takes the programs off; a restart must not. The load is no attack, and what is calm is learned quickly.
    told_only = {name: {'dry_run': True} for name in ('rate', 'entropy', 'ttl', 'size', 'syn_fin')}
    with protected('upgrade', start=False, sampling={'one_in': 1}, detectors={'learning': '1s', **told_only},
                   daemon={'on_stop': 'detach'}) as (bed, daemon):
        daemon.program, older = older_program(daemon)
        daemon.start()
        assert started_as(daemon) == older
        daemon.ban(*BANNED, note='kept')
        calm = bed.send(source='31.0.0.1-31.0.3.232', dport=9000, rate=1000, seconds=600)
        wait_for('what is normal to be learned', lambda: not daemon.status()['learning'], 30, every=0.2)
        calm.stop()
        before, received = bans(daemon), daemon.counters()['packets']['received']

        def replace():
            make_way(daemon)
            if other_tables:
                give_tables_another_version(daemon)
            time.sleep(0.2)
            daemon.program = BUILD / 'gabiond'
            daemon.start()

        lost, banned = under_load(bed, replace)
        assert started_as(daemon) != older and not daemon.status()['learning'], daemon.events()
        assert bans(daemon) == before, (before, bans(daemon))
        counters = daemon.identity()
        if other_tables:
            assert 'tables-anew' in daemon.event_kinds(), daemon.events()
        else:
            assert counters['packets']['received'] > received
        assert (lost, banned, counters['workers']['lost']) == (0, 0, 0), (lost, banned, counters['workers'])
        return f'{lost} clean lost, {banned} banned delivered'


def start_fails(daemon, *through):
    """The last line of its complaint; libbpf's and the verifier's words stand above it."""
    process = daemon.bed.box.start(*through, BUILD / 'gabiond', '--config', daemon.config_file, name='gabiond-fails')
    assert process.wait(60) == 1, process.log.read_text()
    return process.log.read_text().splitlines()[-1]


WITHOUT_BPF = ('setpriv', '--bounding-set', '-sys_admin,-bpf')
WITHOUT_PERFMON = ('setpriv', '--bounding-set', '-sys_admin,-perfmon')


@case('a start that fails leaves the old programs enforcing, whatever its configuration says otherwise')
def failing_starts():
    with protected('fails') as (bed, daemon):
        daemon.ban(*BANNED)
        before = bans(daemon)
        right = daemon.config_file.read_text()
        make_way(daemon)
        told = []

        def fail_in_every_way():
            # Each would change what the old programs do, if it came so far.
            daemon.change(dry_run=True, bans={'capacity': 4096}, features={'handover': False})
            daemon.config_file.write_text(daemon.config_file.read_text() + '\nnonsense = 1\n')
            told.append(start_fails(daemon))
            right_ones, daemon.config['interface'] = daemon.config['interface'], [{'name': 'nosuch0'}]
            daemon.change()
            told.append(start_fails(daemon))
            daemon.config['interface'] = right_ones
            daemon.change()
            for through in (WITHOUT_BPF, WITHOUT_PERFMON):
                told.append(start_fails(daemon, *through))

        lost, banned = under_load(bed, fail_in_every_way)
        for told_one, expected in zip(told, ('nonsense', 'nosuch0', 'Operation not permitted', 'loading the XDP program')):
            assert expected in told_one, told
        assert (lost, banned) == (0, 0), (lost, banned, told)
        daemon.config_file.write_text(right)
        daemon.start()
        assert bans(daemon) == before, (before, bans(daemon))
        lost, banned = under_load(bed, lambda: None)
        assert (lost, banned) == (0, 0), (lost, banned)
        daemon.identity()
        return told


def targets(daemon):
    return {ban['target'] for ban in daemon.ask('ban', 'list')}


@case('killed at any moment while bans are saved, and booted anew: all that was saved before is there')
def power_cut():
    with protected('powercut') as (bed, daemon):
        ordered, gained, chance = set(), 0, random.Random(7)
        for number in range(rounds(3, 40)):
            settled = set(ordered)
            end = time.monotonic() + 1 + chance.random()
            serial = 0
            while time.monotonic() < end:
                target = f'198.51.{number}.{serial % 256}'
                daemon.ban(target)
                ordered.add(target)
                serial += 1
            daemon.kill()
            # What a boot takes away: programs, tables, locks. A file that was being written lies there, cut off.
            run(BUILD / 'gabiond', '--detach', '--config', bare_state(daemon))
            state = daemon.base / 'state'
            content = (state / 'bans').read_bytes()
            (state / 'bans.new').write_bytes(content[:chance.randrange(len(content))])
            daemon.start()
            held = targets(daemon)
            assert settled <= held <= ordered, (number, settled - held, held - ordered)
            gained += held > settled
            ordered = held
        assert gained > 0, 'nothing was ever saved'
        return f'{len(ordered)} bans after {rounds(3, 40)} cuts'


def bare_state(daemon):
    """The same pins, with a state directory of its own: what `--detach` puts back is not what the daemon saved."""
    file = daemon.base / 'bare.toml'
    file.write_text(daemon.config_file.read_text().replace(str(daemon.base / 'state'), str(daemon.base / 'bare')))
    return file


def calls_on_state(trace, state):
    """(name, path) of each call on a file of the state directory, in order; descriptors by the path they were opened for."""
    calls = []
    for line in trace.read_text().splitlines():
        if str(state) in line and (found := re.search(r'\b(openat|write|fsync|fdatasync|rename)\((.*)\) += \d', line)):
            paths = re.findall(rf'{re.escape(str(state))}[^>"]*', found[2])
            calls.append((found[1], *paths))
    return calls


@case('a file is flushed before it takes its name, and the name after: a cut leaves the old one or the new one')
def order_of_writes():
    with protected('order', start=False) as (bed, daemon):
        trace = daemon.base / 'trace'
        if run('sh', '-c', 'command -v strace', check=False).returncode != 0:
            raise Skip('strace is not installed')
        daemon.through = ('strace', '-D', '-f', '-y', '-qq', '-o', trace, '-e', 'trace=openat,write,fsync,fdatasync,rename')
        daemon.start()
        for target in BANNED:
            daemon.ban(target)
            time.sleep(1.2)
        assert daemon.stop() == 0
        state = daemon.base / 'state'
        calls, renamed = calls_on_state(trace, state), []
        for at, call in enumerate(calls):
            if call[0] != 'rename':
                continue
            beside, path = call[1], call[2]
            own = [c[0] for c in calls[:at] if c[0] != 'rename' and c[1] == beside]
            assert own[-1] == 'fsync', f'{path} took its name before it was flushed: {calls[:at + 1]}'
            later = [c for c in calls[at + 1:] if c[1].rstrip('/') == str(state)]
            assert [c[0] for c in later[:2]] == ['openat', 'fsync'], f'the name {path} was not flushed: {calls[at:]}'
            renamed.append(path.removeprefix(f'{state}/'))
        assert renamed.count('bans') >= 3 and {'baseline', 'breaker', 'floods', 'offloads'} <= set(renamed), renamed
        written = {c[1] for c in calls if c[0] == 'write'}
        assert all(path.endswith('.new') for path in written), f'written in place: {written}'
        return f'{len(renamed)} files took their names'


main()
