#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Configured interfaces that are not there when gabiond starts: they keep nobody else from being protected."""
from delivery import delivered
from gabion_daemon import protected
from gabion_lab import BUILD, wait_for
from scenario import case, main

BANNED = '91.0.0.7'


def attached(daemon, name):
    return next(one['attach'] for one in daemon.status()['interfaces'] if one['name'] == name)


def in_force(daemon, name):
    wait_for(f'{name} to be protected', lambda: attached(daemon, name) == 'generic', 20)
    link = daemon.bed.host.run('ip', 'link', 'show', 'dev', name).stdout
    assert 'xdpgeneric' in link, link


@case('one of two is missing: the other is protected, and it too as soon as it comes')
def one_of_two():
    with protected('absent', start=False) as (bed, daemon):
        daemon.config['interface'].append({'name': 'late0', 'attach': 'generic'})
        daemon.change()
        daemon.start()
        assert 'interface-missing' in daemon.event_kinds() and attached(daemon, 'late0') == 'none', daemon.status()
        daemon.ban(BANNED)
        assert delivered(bed, BANNED) == 0
        daemon.identity()
        bed.host.run('ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1')
        in_force(daemon, 'late0')
        daemon.ask('reload')


@case('the inside port of a pair is missing: the pair is protected as soon as it comes')
def inside_port():
    with protected('absentinside', start=False) as (bed, daemon):
        bed.host.run('ip', 'link', 'add', 'out0', 'type', 'veth', 'peer', 'name', 'out1')
        daemon.config['interface'].append({'name': 'out0', 'mode': 'inline', 'peer': 'in0', 'attach': 'generic'})
        daemon.change()
        daemon.start()
        assert 'interface-missing' in daemon.event_kinds()
        daemon.ban(BANNED)
        assert delivered(bed, BANNED) == 0
        bed.host.run('ip', 'link', 'add', 'in0', 'type', 'veth', 'peer', 'name', 'in1')
        in_force(daemon, 'out0')
        daemon.identity()


@case('none is there: gabiond says which, and ends')
def none():
    with protected('absentall', start=False) as (bed, daemon):
        daemon.config['interface'] = [{'name': 'nosuch0'}, {'name': 'nosuch1'}]
        daemon.change()
        process = bed.host.start(BUILD / 'gabiond', '--config', daemon.config_file, name='gabiond-absent')
        assert process.wait(60) == 1 and 'nosuch0' in process.log.read_text(), process.log.read_text()
        assert not daemon.pin.exists() or not list(daemon.pin.iterdir())


main()
