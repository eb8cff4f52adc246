#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Spoofed SYNs at a port that listens: cookies, what they carry, who gets none, and the cap where they cannot be had."""
import time

from gabion_daemon import protected
from gabion_lab import HOST4, rounds, wait_for
from scenario import case, main
from syn_bed import CLIENTS, HOSTS, KEEPER, MPTCP, TALKER, answers_capped, begins, flooded, options_of, paced, served

@case('clients are served through a flood of forged SYNs, which leaves nothing in the host: v4', alone=True, version=4)
@case('clients are served through a flood of forged SYNs, which leaves nothing in the host: v6', alone=True, version=6)
def cookies(version):
    got, sent, waiting, drops, counters, packets, told = served(version, 'cookies', rounds(5, 20))
    assert got['ok'] >= 0.995 * (got['ok'] + got['failed']) and got['ok'] > 100, told
    assert waiting <= 60 and drops['ListenDrops'] == 0, told
    assert drops['opened'] <= got['ok'] + got['failed'] + 300, told
    assert counters['packets']['answered'] > 0.5 * counters['packets']['received'], told
    assert packets['rx'] <= packets['tx'], told
    return told


@case('the same with the stage off, as a number', alone=True)
def off():
    return served(4, 'off', rounds(5, 20))[-1]


@case('what is agreed on by a cookie is what the host agrees on without: v4', version=4, peers=('31.0.1.1', '31.0.1.2'))
@case('what is agreed on by a cookie is what the host agrees on without: v6', version=6, peers=('2a00:31::1:1', '2a00:31::1:2'))
def options(version, peers):
    told = []
    with protected('synopt', syn={'way': 'cookies', 'engage_pps': 500}) as (bed, daemon):
        bed.take_transmitted()
        bed.host.start('python3', '-c', KEEPER, HOSTS[version], 0, name='keeper').wait_ready()
        for sysctls in ({}, {'net__ipv4__tcp_timestamps': 0}, {'net__ipv4__tcp_sack': 0, 'net__ipv4__tcp_window_scaling': 0},
                        {'net__ipv4__tcp_ecn': 1}):
            defaults = {'net__ipv4__tcp_timestamps': 1, 'net__ipv4__tcp_sack': 1, 'net__ipv4__tcp_window_scaling': 1, 'net__ipv4__tcp_ecn': 2}
            bed.world.sysctl(**{**defaults, **sysctls})
            wait_for('the flood to be over', lambda: daemon.event_kinds().count('syn-flood-began') ==
                     daemon.event_kinds().count('syn-flood-ended'), 20)
            plain = bed.world.start('python3', '-c', TALKER, HOSTS[version], peers[0], name='talker').wait_ready()
            before, answered = daemon.event_kinds().count('syn-flood-began'), daemon.counters()['packets']['answered']
            flood = bed.send(source=f'any{version}', order='random', destination=HOSTS[version], protocol='tcp', tcp_flags='S',
                             dport=7000, rate=5000, seconds=4)
            wait_for('the flood to be told', lambda: daemon.event_kinds().count('syn-flood-began') > before, 5)
            by_cookie = bed.world.start('python3', '-c', TALKER, HOSTS[version], peers[1], name='talker').wait_ready()
            found = options_of(bed)
            flood.result()
            told.append(f'{sysctls}: {found[peers[0]]}, by a cookie {found[peers[1]]}')
            assert found[peers[0]] == found[peers[1]], told
            for talker in (plain, by_cookie):
                talker.stop()
            wait_for('both to be gone', lambda: peers[1] not in options_of(bed), 5)
    return told


@case('banned sources get no answer, and nobody more than his prefix may')
def capped_answers():
    return answers_capped('cookies')


@case('without cookies the cap holds the flood off the stack and clients get in with their second SYN', alone=True)
def cap():
    with protected('syncap', syn={'way': 'cap', 'hold': '5s'}) as (bed, daemon):
        bed.take_transmitted()
        bed.serve()
        assert not daemon.status()['features']['syn_cookies']
        flood = bed.send(source='any4', order='random', protocol='tcp', tcp_flags='S', dport=80, rate=20000, seconds=7)
        begins(daemon)
        got = bed.clients(source=CLIENTS[4], kind='download', bytes=2000, rate=20, seconds=4, timeout_ms=3000).result()
        sent = flood.result()['sent']
        counters = daemon.identity()
        dropped = counters['drops']['syn-first'] + counters['workers']['dropped']  # those had a look at it first
        told = f'{got}; {sent} sent; {dropped} first ones dropped; {counters["packets"]} { {k: v for k, v in counters["drops"].items() if v} }'
        assert counters['packets']['answered'] == 0 and dropped > 0.95 * sent, told
        assert got['ok'] >= 0.95 * (got['ok'] + got['failed']), told
        return told


@case('a listener that takes no cookies (MPTCP) is found out, and its SYNs reach the stack under the cap')
def refused():
    with protected('synmp', syn={'way': 'cookies', 'engage_pps': 500, 'hold': '10s'}) as (bed, daemon):
        bed.take_transmitted()
        bed.host.start('python3', '-c', KEEPER, HOST4, MPTCP, name='keeper').wait_ready()
        bed.send(source='any4', order='random', protocol='tcp', tcp_flags='S', dport=7000, rate=3000, seconds=9)
        begins(daemon)
        bed.world.start('python3', '-c', TALKER, HOST4, '31.0.1.1', name='talker')  # finds it out, and may fail
        wait_for('the listener to be found out', lambda: daemon.counters()['drops'].get('syn-first', 0), 5)
        bed.world.start('python3', '-c', TALKER, HOST4, '31.0.1.2', name='talker').wait_ready(8)
        return f'{daemon.drops()["syn-first"]} first SYNs dropped meanwhile'


@case('a veth, which may lose the answers, gets the cap unless the operator says that it does not', alone=True)
def doubt():
    with protected('syndoubt') as (bed, daemon):
        status = daemon.status()
        assert not status['features']['syn_cookies'] and 'a veth loses' in status['feature_notes']['syn_cookies'], status
        daemon.change(syn={'way': 'cookies'})
        daemon.gabion('reload')
        wait_for('cookies', lambda: daemon.status()['features']['syn_cookies'], 5)


@case('answers that do not get out are found out within seconds, clients get in without, and a reload tries again', alone=True)
def lost():
    with protected('synlost', syn={'way': 'cookies', 'hold': '2s'}) as (bed, daemon):
        bed.serve()
        flood = paced(bed, 12)
        wait_for('the loss to be told', lambda: 'answers-lost' in daemon.event_kinds(), 5)
        wait_for('the cap', lambda: not daemon.status()['features']['syn_cookies'], 3)
        note = daemon.status()['feature_notes']['syn_cookies']
        assert 'what XDP sends back is lost' in note, note
        got = bed.clients(source=CLIENTS[4], kind='download', bytes=2000, rate=20, seconds=3, timeout_ms=3000).result()
        assert got['ok'] > 50 and got['failed'] == 0, got
        bed.take_transmitted()
        daemon.gabion('reload')
        answered = daemon.counters()['packets']['answered']
        wait_for('answers', lambda: daemon.counters()['packets']['answered'] > answered + 10000, 5)
        time.sleep(1.2)  # once more it is looked whether they get out
        flood.stop()
        assert daemon.status()['features']['syn_cookies'] and daemon.event_kinds().count('answers-lost') == 1, daemon.events()
        return f'{got}; {note}'


@case('what the host cannot do is told, and no sysctl is changed')
def told_by_status():
    with protected('synsay', syn={'way': 'cookies'}) as (bed, daemon):
        note = lambda: daemon.status()['feature_notes'].get('syn_cookies', '')
        names = [f'net.ipv4.{name}' for name in ('tcp_syncookies', 'tcp_timestamps', 'tcp_sack', 'tcp_window_scaling', 'tcp_ecn')]
        before = bed.host.run('sysctl', *names).stdout
        assert daemon.status()['features']['syn_cookies'] and 'all options' in note(), note()
        bed.host.sysctl(net__ipv4__tcp_timestamps=0)
        wait_for('the missing option to be told', lambda: 'timestamps' in note(), 5)
        bed.host.sysctl(net__ipv4__tcp_timestamps=1, net__ipv4__tcp_syncookies=0)
        wait_for('the cap to be told', lambda: 'tcp_syncookies is 0' in note() and not daemon.status()['features']['syn_cookies'], 5)
        bed.host.sysctl(net__ipv4__tcp_syncookies=1)
        wait_for('cookies to be back', lambda: daemon.status()['features']['syn_cookies'], 5)
        assert bed.host.run('sysctl', *names).stdout == before
        return note()


main(at_once=3)
