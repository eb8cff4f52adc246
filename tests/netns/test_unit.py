#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd unit and what it leaves gabiond: its capabilities are enough and no more, its system calls too; the socket lets in whom it
should. What needs a running systemd is shown in the image (docs/operations.md, "The unit")."""
import os
import re
import stat

from delivery import under_load
from gabion_daemon import protected
from gabion_lab import BUILD, run, wait_for
from scenario import Skip, case, main

UNIT = BUILD / 'config/gabiond.service'
MEMBERS = 'daemon'  # a group that every Debian has, in the place of gabion
MEMBERS_ID = 1
NOBODY = 65534


def setting(name):
    """All values of one of the unit's settings, in order."""
    return [line.split('=', 1)[1] for line in UNIT.read_text().splitlines() if line.startswith(name + '=')]


def capabilities():
    return [name.removeprefix('CAP_').lower() for name in setting('CapabilityBoundingSet')[0].split()]


def confined(*groups):
    """Starts a program as root with the unit's capabilities alone, and no way to others."""
    return ('setpriv', '--bounding-set', '-all,' + ','.join('+' + name for name in capabilities()), '--inh-caps', '-all',
            '--no-new-privs', '--groups', ','.join(map(str, groups or (0,))))


def capability_mask():
    """As /proc shows it."""
    numbers = dict(re.findall(r'#define CAP_(\w+)\s+(\d+)', open('/usr/include/linux/capability.h').read()))
    return sum(1 << int(numbers[name.upper()]) for name in capabilities())


@case('the unit names the five capabilities and no more, and its exposure is 3.0 at most')
def exposure():
    assert capabilities() == ['bpf', 'net_admin', 'net_raw', 'perfmon', 'ipc_lock']
    assert setting('NoNewPrivileges') == ['yes'] and setting('ProtectSystem') == ['strict'] and setting('WatchdogSec')
    done = run('systemd-analyze', 'security', '--offline=true', UNIT, check=False) if command('systemd-analyze') else None
    if done is None:
        raise Skip('systemd-analyze is not installed')
    found = re.search(r'Overall exposure level for \S+: ([0-9.]+)', done.stdout)
    assert found and float(found[1]) <= 3.0, done
    return found[0]


def command(name):
    return run('sh', '-c', f'command -v {name}', check=False).returncode == 0


@case('with the capabilities of the unit alone it protects, hands over, takes over and reloads; what needs others fails')
def capabilities_are_enough():
    with protected('confined', start=False, sampling={'one_in': 1}, control={'group': MEMBERS}) as (bed, daemon):
        daemon.through = confined(MEMBERS_ID)
        daemon.start()
        for thread in os.listdir(f'/proc/{daemon.process.pid}/task'):
            status = open(f'/proc/{daemon.process.pid}/task/{thread}/status').read()
            assert int(re.search(r'CapEff:\s+(\w+)', status)[1], 16) == capability_mask() == int(
                re.search(r'CapBnd:\s+(\w+)', status)[1], 16), status
            assert re.search(r'NoNewPrivs:\s+1', status)
        state = daemon.status()
        assert all(worker['alive'] for worker in state['interfaces'][0]['workers']) and state['features']['handover'], state
        assert state['features']['connections'], state
        info = daemon.socket.stat()
        assert (stat.S_IMODE(info.st_mode), info.st_gid) == (0o660, MEMBERS_ID), info
        daemon.ban('91.0.0.0/24')

        def restart_and_reload():
            assert daemon.stop() == 0
            daemon.start()
            daemon.change(bans={'capacity': 4096}, features={'hits': False})
            daemon.gabion('reload')

        lost, banned = under_load(bed, restart_and_reload)
        counters = daemon.identity()
        assert (lost, banned, counters['workers']['lost']) == (0, 0, 0) and counters['workers']['handed_back'] > 0, (lost, banned, counters)
        profile = daemon.gabion('profile', '--seconds', '1', check=False)
        assert profile.returncode == 0, profile
        kinds = daemon.event_kinds()
        assert not {'noting-off', 'handover-off', 'swap-failed', 'ports-unwatched', 'sessions-unknown'} & set(kinds), daemon.events()
        owned = daemon.base / 'somebody'
        owned.touch()
        os.chown(owned, NOBODY, NOBODY)
        owned.chmod(0o600)
        for forbidden in (('mount', '-t', 'tmpfs', 'none', '/mnt'), ('chroot', '/', 'true'), ('chown', str(NOBODY), daemon.config_file),
                          ('cat', owned), ('nsenter', '--mount=/proc/1/ns/mnt', 'true'), ('nice', '-n', '-5', 'sh', '-c', '[ $(nice) -lt 0 ]'),
                          ('setpriv', '--reuid', str(NOBODY), '--clear-groups', 'true'), ('kill', '-0', str(somebodys_process(bed)))):
            done = bed.box.run(*confined(), *forbidden, check=False)
            assert done.returncode != 0, f'{forbidden} works from inside'
        return profile.stdout.splitlines()[0]


def somebodys_process(bed):
    return bed.box.start('setpriv', '--reuid', str(NOBODY), '--regid', str(NOBODY), '--clear-groups', 'sleep', '60').pid


def allowed_calls():
    """The unit's SystemCallFilter, resolved as systemd does: names and sets in turn, ~ takes away."""
    listed = {}
    for line in run('systemd-analyze', 'syscall-filter').stdout.splitlines():
        if re.match(r'@[a-z-]+\s*$', line):
            listed[line.strip()] = names = []
        elif line.strip() and not line.strip().startswith('#') and line.startswith(' '):
            names.append(line.strip())

    def resolve(name):
        return set().union(*map(resolve, listed[name])) if name.startswith('@') else {name}
    allowed = set()
    for words in setting('SystemCallFilter'):
        names = set().union(*(resolve(name) for name in words.removeprefix('~').split()))
        allowed = allowed - names if words.startswith('~') else allowed | names
    return allowed


@case('every system call of a whole life is one that the unit lets through')
def system_calls():
    if not command('strace') or not command('systemd-analyze'):
        raise Skip('strace or systemd-analyze is not installed')
    with protected('calls', start=False, sampling={'one_in': 16}, control={'group': MEMBERS}) as (bed, daemon):
        trace = daemon.base / 'trace'
        daemon.through = ('strace', '-D', '-f', '-qq', '-o', trace)
        daemon.start()
        daemon.ban('91.0.0.0/24')
        bed.send(source='31.0.0.1', dport=9000, count=2000, rate=2000).result()
        daemon.change(bans={'capacity': 4096}, features={'hits': False})
        daemon.gabion('reload')
        daemon.gabion('profile', '--seconds', '1')
        daemon.gabion('why', '91.0.0.1')
        wait_for('the state to be saved', lambda: (daemon.base / 'state' / 'bans').exists())
        assert daemon.stop() == 0
        used = set(re.findall(r'^\d+ +([a-z_0-9]+)\(', trace.read_text(), re.M))
        assert len(used) > 40 and 'bpf' in used, used
        # execve by systemd itself; an rseq or a priority that is refused changes nothing.
        refused = used - allowed_calls() - {'execve'}
        assert not refused, refused
        return f'{len(used)} system calls'


@case('the socket: root and members of the group may do everything, anybody else nothing')
def who_may():
    with protected('whomay', control={'group': MEMBERS}) as (bed, daemon):
        bed.lab.directory.chmod(0o755)
        daemon.base.chmod(0o755)
        member = ('setpriv', '--reuid', str(NOBODY), '--regid', str(NOBODY), '--groups', str(MEMBERS_ID))
        stranger = ('setpriv', '--reuid', str(NOBODY), '--regid', str(NOBODY), '--clear-groups')
        commands = (('ban', 'add', '192.0.2.1'), ('status',), ('counters',), ('allow', 'add', '192.0.2.2'), ('reload',), ('confirm',),
                    ('panic', 'off'), ('events',), ('config', 'show'))
        for arguments in commands:
            done = bed.box.run(*stranger, BUILD / 'gabion', '--socket', daemon.socket, *arguments, check=False)
            assert done.returncode == 1 and not done.stdout and 'no permission' in done.stderr, (arguments, done)
        assert daemon.ask('ban', 'list') == [] and daemon.status()['allowed'] == 0 and daemon.status()['panic']['mode'] == 'auto'
        # Even where the file's mode is wrong the peer's credentials count.
        daemon.socket.chmod(0o666)
        done = bed.box.run(*stranger, BUILD / 'gabion', '--socket', daemon.socket, 'status', check=False)
        assert done.returncode == 1 and not done.stdout, done
        daemon.socket.chmod(0o660)
        for arguments in commands:
            done = bed.box.run(*member, BUILD / 'gabion', '--socket', daemon.socket, *arguments, check=False)
            assert done.returncode == 0, (arguments, done)
        assert [ban['target'] for ban in daemon.ask('ban', 'list')] == ['192.0.2.1']
        # Nor is there a way around the socket.
        for path in (daemon.pin, daemon.base / 'state'):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        started = bed.box.run(*stranger, BUILD / 'gabiond', '--config', daemon.config_file, check=False)
        assert started.returncode == 1 and 'root' in started.stderr, started


main()
