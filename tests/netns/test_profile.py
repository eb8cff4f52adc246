#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`gabion profile`: what it says is what happened, and while programs are swapped no packet goes by unfiltered or is lost, whatever
ends the run."""
import time

from gabion_lab import BUILD, rounds, wait_for
from mixed_traffic import BANNED, CLEAN, Traffic, program_in_place, unjudged
from scenario import case, main


def began(daemon, before=0):
    """Waits until one more profile measures."""
    wait_for('the profile to begin', lambda: daemon.event_kinds().count('profile-began') > before, 10)


def profile(daemon, seconds):
    """Starts the command; returns once it measures."""
    before = daemon.event_kinds().count('profile-began')
    process = daemon.bed.host.start(BUILD / 'gabion', '--socket', daemon.socket, 'profile', '--seconds', seconds, '--json', name='profile')
    began(daemon, before)
    return process


def swapped(bed, daemon, seconds):
    """Starts the command; returns the ordinary program's id and the command once another one is in its place."""
    ordinary = program_in_place(bed)
    running = profile(daemon, seconds)
    wait_for('the swap', lambda: program_in_place(bed) != ordinary, seconds)
    return ordinary, running


def check_stages(one):
    stages = {stage['name']: stage for stage in one['stages']['list']}
    missing = {'link', 'source', 'breaker', 'allow', 'bans', 'plain', 'parse', 'sampler', 'credit', 'redirect', 'exit'} - set(stages)
    assert not missing, missing
    timed = one['stages']['packets']
    assert stages['link']['packets'] == stages['exit']['packets'] == timed, one['stages']
    assert stages['redirect']['packets'] < stages['plain']['packets'] < stages['bans']['packets'] <= timed
    for stage in stages.values():
        assert 0 <= stage['median_ns'] <= stage['p99_ns'] <= 1020 and stage['median_ns'] < 500, stage
        assert stage['mean_ns'] <= stage['most_ns'], stage
    assert 5 < one['stages']['packet_ns'] < 2000 and 0 < one['stages']['clock_ns'] < 500, one['stages']
    return timed


def check_programs(one):
    programs = {program['name']: program for program in one['programs']}
    ordinary, timed = programs['xdp'], programs['xdp, timed']
    for program in (ordinary, timed):
        assert 5 < program['ns'] < 3000, programs
    # What ran between a reading and the swap is in neither.
    assert 0.98 * one['received'] <= ordinary['runs'] + timed['runs'] <= one['received'] * 1.001, (programs, one['received'])
    return ordinary, timed


@case('packets by reason, stages, programs and maps of real traffic, native', alone=True, attach='native')
@case('packets by reason, stages, programs and maps of real traffic, generic', alone=True, attach='generic')
def measured(attach):
    with unjudged('profile', attach=attach) as (bed, daemon):
        assert daemon.attach_mode() == attach
        daemon.ban(BANNED, '91.0.0.7', '2a00:66::/32')
        ordinary_program = program_in_place(bed)
        before = daemon.settled()
        running = profile(daemon, 8)
        time.sleep(2)  # so that both halves get their share
        traffic = Traffic(bed, 3, rate=40000, flood_rate=80000)
        slowest = 0
        while traffic.running():
            begin = time.monotonic()
            daemon.status()
            slowest = max(slowest, time.monotonic() - begin)
            time.sleep(0.1)
        assert running.running(), 'the traffic outlasted the profile'
        clean, banned = traffic.end()
        told = running.result()
        after = daemon.identity()
        assert program_in_place(bed) == ordinary_program, 'another program was left in place'
        one = told['interfaces'][bed.interface]
        assert one['attach'] == attach and one['note'] == '' and told['programs_note'] == '', told
        difference = {}
        for group in ('drops', 'passes'):
            difference.update({name: n - before[group].get(name, 0) for name, n in after[group].items()})
        for name, packets in one['reasons'].items():
            # The world's kernel itself sends a packet now and then (router solicitations), perhaps just before.
            stray = 5 if name in before['passes'] else 0
            assert name not in difference or 0 <= difference[name] - packets <= stray, (name, packets, difference)
        assert one['reasons']['ban-operator'] + one['reasons']['ban-operator-prefix'] == banned, (one['reasons'], banned)
        received = after['packets']['received'] - before['packets']['received']
        assert one['received'] == sum(one['reasons'].values()) and 0 <= received - one['received'] <= 5, (one, received)
        assert one['received'] >= clean + banned
        timed = check_stages(one)
        ordinary, slower = check_programs(one)
        assert 0.8 < timed * 64 / slower['runs'] < 1.25, (timed, slower)
        maps = {(m['interface'], m['name']): m for m in told['maps']}
        assert maps[None, 'op_e4']['used'] == 1 and maps[None, 'op_p4']['used'] == 1 and maps[None, 'op_p6']['used'] == 1
        assert maps[None, 'op_e4']['size'] == 1048576 and maps[bed.interface, 'xsks']['used'] == 2
        assert all(0 <= m['used'] <= m['size'] and m['bytes'] > 0 for m in told['maps']), told['maps']
        return (f'a run {ordinary["ns"]} ns, timed {slower["ns"]} ns; stages {one["stages"]["packet_ns"]} ns a packet over {timed} packets, '
                f'clock {one["stages"]["clock_ns"]} ns; slowest status meanwhile {slowest * 1000:.0f} ms')


@case('swaps under load: nothing unfiltered, nothing lost, native', alone=True, attach='native')
@case('swaps under load: nothing unfiltered, nothing lost, generic', alone=True, attach='generic')
def swaps(attach):
    times = rounds(4, 50)  # a second each
    with unjudged('swaps', attach=attach) as (bed, daemon):
        daemon.ban(BANNED)
        traffic = Traffic(bed, rate=40000, flood_rate=80000)
        packets = 0
        for _ in range(times):
            packets += daemon.ask('profile', '--seconds', 1)['interfaces'][bed.interface]['received']
        clean, banned = traffic.end()
        counters = daemon.identity()
        assert counters['drops']['ban-operator-prefix'] == banned
        assert counters['workers']['lost'] == 0
        return f'{2 * times} swaps, {clean} clean packets and {banned} banned ones'


@case('when the asker goes, the ordinary program comes back at once')
def asker_gone():
    with unjudged('gone') as (bed, daemon):
        ordinary, running = swapped(bed, daemon, 6)
        running.popen.kill()
        wait_for('the ordinary program', lambda: program_in_place(bed) == ordinary, 1.5)
        assert 'profile-ended' in daemon.event_kinds()
        again = daemon.ask('profile', '--seconds', 1)
        assert program_in_place(bed) == ordinary and again['interfaces'][bed.interface]['note'] == ''
        daemon.identity()


@case('a second profile at the same time is refused, and the first goes on; a reload meanwhile counts')
def second():
    with unjudged('second') as (bed, daemon):
        ordinary = program_in_place(bed)
        running = profile(daemon, 4)
        refused = daemon.gabion('profile', check=False)
        assert refused.returncode == 1 and 'another profile' in refused.stderr, refused
        wait_for('the swap', lambda: program_in_place(bed) != ordinary, 4)
        daemon.ban('31.0.0.0/16')
        daemon.change(allow={'targets': ['31.0.0.1']})
        daemon.gabion('reload')
        receiver = bed.receive(port=CLEAN)
        for source in ('31.0.0.1', '31.0.0.2'):
            bed.send(source=source, dport=CLEAN, count=100, rate=5000).result()
        time.sleep(0.1)
        receiver.stop()
        assert receiver.result()['received'] == 100, 'only the allowed source gets through'
        reasons = running.result()['interfaces'][bed.interface]['reasons']
        assert reasons['allowed'] == 100 and reasons['ban-operator-prefix'] == 100, reasons
        assert program_in_place(bed) == ordinary
        daemon.identity()


@case('a daemon that is told to stop puts the ordinary program back first')
def stopped():
    with unjudged('stopped') as (bed, daemon):
        daemon.ban(BANNED)
        ordinary, running = swapped(bed, daemon, 6)
        traffic = Traffic(bed)
        assert daemon.stop() == 0
        assert program_in_place(bed) == ordinary
        assert running.wait() == 1 and 'stop' in running.log.read_text(), running.log.read_text()
        traffic.end()
        daemon.start()
        daemon.identity()


@case('a stop that detaches takes the program off, whichever is in place')
def detached():
    with unjudged('detached', daemon={'on_stop': 'detach'}) as (bed, daemon):
        ordinary, running = swapped(bed, daemon, 6)
        assert daemon.stop() == 0 and running.wait() == 1
        assert 'xdp' not in bed.host.run('ip', 'link', 'show', bed.interface).stdout
        assert not (daemon.pin / bed.interface).exists()


@case('a program that a killed daemon left timing goes on filtering, and the next start replaces it', alone=True)
def killed():
    with unjudged('killed') as (bed, daemon):
        daemon.ban(BANNED)
        ordinary, _ = swapped(bed, daemon, 6)
        left = program_in_place(bed)
        traffic = Traffic(bed)
        daemon.kill()
        time.sleep(0.5)
        assert program_in_place(bed) == left
        daemon.start()
        assert program_in_place(bed) not in (left, ordinary)
        _, banned, clean = traffic.stop()
        counters = daemon.identity()
        assert counters['drops']['ban-operator-prefix'] == banned
        # What stood in the killed worker's rings is lost, and counted: only that may be missing.
        assert clean['lost'] <= counters['workers']['lost'] <= 512, (clean, counters['workers'])
        assert daemon.ask('profile', '--seconds', 1)['interfaces'][bed.interface]['note'] == ''


@case('an interface that goes and comes back meanwhile is protected by the ordinary program')
def interface_gone():
    with unjudged('away') as (bed, daemon):
        ordinary, running = swapped(bed, daemon, 5)
        bed.host.run('ip', 'link', 'del', bed.interface)
        wait_for('its going', lambda: 'interface-gone' in daemon.event_kinds())
        bed.wire()
        wait_for('its return', lambda: 'interface-back' in daemon.event_kinds())
        daemon.ban(BANNED)
        here = program_in_place(bed)
        assert running.result()['interfaces'][bed.interface]['note'] != ''
        assert program_in_place(bed) == here, 'a program of the former interface was put in place'
        Traffic(bed).end()
        daemon.identity()


@case('without CAP_SYS_ADMIN the stages are told, and why the whole programs are not', alone=True)
def unprivileged():
    with unjudged('capable', start=False) as (bed, daemon):
        daemon.through = ('setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin')
        daemon.start()
        running = profile(daemon, 2)
        bed.send(source='31.0.0.1', dport=CLEAN, count=40000, rate=20000).result()
        told = running.result()
        assert 'CAP_SYS_ADMIN' in told['programs_note'], told['programs_note']
        one = told['interfaces'][bed.interface]
        assert one['programs'] == [] and one['stages']['packets'] > 50 and one['note'] == '', one
        assert 'CAP_SYS_ADMIN' in daemon.gabion('profile', '--seconds', '1').stdout
        daemon.identity()


@case('bad arguments are refused, with one line')
def arguments():
    with unjudged('arguments') as (bed, daemon):
        ordinary = program_in_place(bed)
        for seconds in ('0', '601', '99999', '-1', '1.5', 'text', ''):
            refused = daemon.gabion('profile', '--seconds', seconds, check=False)
            assert refused.returncode == 2 and len(refused.stderr.strip().splitlines()) == 1, (seconds, refused)
        assert program_in_place(bed) == ordinary and 'profile-began' not in daemon.event_kinds()
        text = daemon.gabion('profile', '--seconds', '1').stdout
        assert 'profiled for 1.0 s' in text and 'MAP' in text, text


main(at_once=3)
