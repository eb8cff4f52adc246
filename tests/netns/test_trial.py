#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""gabiond for a limited time: what nobody confirms goes away, however the daemon ends; and `gabiond --detach`."""
import json
import signal
import time

from delivery import delivered
from gabion_daemon import protected
from gabion_lab import BUILD, wait_for
from scenario import case, main

BANNED = '91.0.0.7'


def left_in_force(bed, daemon):
    """What of gabiond is still on the interface and among the pins."""
    box, left = bed.box, []
    if 'xdp' in box.run('ip', 'link', 'show', 'dev', bed.interface).stdout:
        left.append('an XDP program')
    if 'clsact' in box.run('tc', 'qdisc', 'show', 'dev', bed.interface).stdout:
        left.append('clsact')
    veths = [link['ifname'] for link in json.loads(box.run('ip', '-j', 'link', 'show', 'type', 'veth').stdout)]
    left += [name for name in veths if name != bed.interface]  # the private pair
    if daemon.pin.exists():
        left.append('pins')
    return left


def all_is_off(bed, daemon, seconds=10):
    wait_for('everything to be taken off', lambda: not left_in_force(bed, daemon), seconds, every=0.1)


def offloads(bed):
    return bed.box.run('ethtool', '-k', bed.interface).stdout


@case('nobody confirms: when the time is over everything is off, as if it had never been there')
def unconfirmed():
    with protected('unconfirmed', start=False) as (bed, daemon):
        before = offloads(bed)
        daemon.options = ('--for', '3s')
        daemon.start()
        assert 1 <= daemon.status()['trial_left_s'] <= 3
        assert 'TRIAL: in ' in daemon.gabion('status').stdout
        daemon.ban(BANNED)
        assert delivered(bed, BANNED) == 0
        assert daemon.process.wait(20) == 0
        assert left_in_force(bed, daemon) == [] and offloads(bed) == before
        assert delivered(bed, BANNED) == 100
        assert 'trial-over' in daemon.errors(), daemon.errors()
        daemon.options = ()
        daemon.start()
        assert [ban['target'] for ban in daemon.ask('ban', 'list')] == [BANNED], 'what was ordered is saved all the same'


@case('confirmed: it stays, also when it is killed afterwards; confirming again does no harm')
def confirmed():
    with protected('confirmed', start=False) as (bed, daemon):
        daemon.options = ('--for', '3s')
        daemon.start()
        daemon.ban(BANNED)
        assert daemon.ask('confirm') == {'confirmed': True}
        assert daemon.status()['trial_left_s'] is None and 'trial-confirmed' in daemon.event_kinds()
        again = daemon.gabion('confirm')
        assert again.returncode == 0 and 'nothing to confirm' in again.stdout, again
        time.sleep(3.5)
        assert daemon.process.running(), 'it ended though it was confirmed'
        daemon.kill()
        assert left_in_force(bed, daemon) and delivered(bed, BANNED) == 0


@case('killed meanwhile: everything is taken off at once', how=signal.SIGKILL)
@case('stopped meanwhile: everything is taken off, whatever on_stop says', how=signal.SIGTERM)
@case('about to be restarted meanwhile: everything is taken off, whoever comes', how=signal.SIGUSR1)
def ended(how):
    with protected('trialends', start=False, daemon={'on_stop': 'keep'}) as (bed, daemon):
        before = offloads(bed)
        daemon.options = ('--for', '5m')
        daemon.start()
        daemon.ban(BANNED)
        assert delivered(bed, BANNED) == 0
        daemon.process.stop(how=how)
        all_is_off(bed, daemon)
        assert delivered(bed, BANNED) == 100 and offloads(bed) == before


@case('a trial that cannot begin leaves what was in force before')
def cannot_begin():
    with protected('trialfails') as (bed, daemon):
        daemon.ban(BANNED)
        daemon.stop()
        daemon.config['interface'] = [{'name': 'nosuch0'}]
        daemon.change()
        process = bed.box.start(BUILD / 'gabiond', '--config', daemon.config_file, '--for', '5m', name='gabiond-fails')
        assert process.wait(60) == 1 and 'nosuch0' in process.log.read_text()
        assert left_in_force(bed, daemon) and delivered(bed, BANNED) == 0


@case('outside of a trial there is nothing to confirm, and status says nothing of one')
def no_trial():
    with protected('notrial') as (bed, daemon):
        assert daemon.ask('confirm') == {'confirmed': False}
        assert daemon.status()['trial_left_s'] is None and 'TRIAL' not in daemon.gabion('status').stdout


@case('wrong times are refused with what is allowed, and nothing is begun')
def wrong_times():
    with protected('wrongtimes', start=False) as (bed, daemon):
        for wrong, told in (('0s', '1s to 7d'), ('8d', '1s to 7d'), ('soon', 'soon'), ('5', 'unit')):
            done = bed.box.run(BUILD / 'gabiond', '--config', daemon.config_file, '--for', wrong, check=False)
            assert done.returncode == 2 and '--for' in done.stderr and told in done.stderr, done
        assert left_in_force(bed, daemon) == []


@case('--detach takes off what a stopped or killed gabiond left, and refuses while one runs')
def detach():
    with protected('detach') as (bed, daemon):
        def detach():
            return bed.box.run(BUILD / 'gabiond', '--detach', '--config', daemon.config_file, check=False)
        daemon.ban(BANNED)
        refused = detach()
        assert refused.returncode == 1 and 'stop it first' in refused.stderr, refused
        assert delivered(bed, BANNED) == 0
        daemon.kill()
        assert left_in_force(bed, daemon) and delivered(bed, BANNED) == 0
        done = detach()
        assert done.returncode == 0 and done.stdout == f'{bed.interface} is no longer protected\n', done
        assert left_in_force(bed, daemon) == [] and delivered(bed, BANNED) == 100
        assert detach().stdout == 'nothing was in force\n' and left_in_force(bed, daemon) == []


main(at_once=3)
