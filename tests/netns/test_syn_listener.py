#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SYNs answered with cookies of the listener's own, as on kernels before 6.9: who is served, what is agreed on, and what becomes of the
sysctl that this needs. And both ways when the daemon is killed."""
import time

from gabion_daemon import protected
from gabion_lab import HOST4, rounds, wait_for
from scenario import case, main
from syn_bed import CLIENTS, HOSTS, KEEPER, MPTCP, TALKER, answers_capped, begins, flooded, options_of, paced, served, syncookies


def forced(bed):
    wait_for('the sysctl to be 2', lambda: syncookies(bed) == 2, 5)


def all_served(got):
    return got['ok'] >= 0.995 * (got['ok'] + got['failed']) and got['ok'] > 50


@case('clients are served by cookies of the listener through a flood, which leaves no requests behind: v4', alone=True, version=4)
@case('clients are served by cookies of the listener through a flood, which leaves no requests behind: v6', alone=True, version=6)
@case('the same, attached in generic mode', alone=True, version=4, attach='generic')
def cookies(version, attach='auto'):
    got, sent, waiting, drops, counters, packets, told = served(version, 'listener', rounds(4, 20), attach)
    assert all_served(got), told
    assert waiting <= 400, told  # what came before the port was engaged: a tenth of a second of the rate, and what one tick lets through
    assert drops['SyncookiesRecv'] >= 0.9 * got['ok'], told  # the listener's own judgement
    assert counters['packets']['answered'] > 0.5 * counters['packets']['received'], told
    assert packets['rx'] <= packets['tx'], told
    return told


@case("our own cookies serve in generic mode, too", alone=True)
def generic():
    got, sent, waiting, drops, counters, packets, told = served(4, 'cookies', rounds(4, 20), 'generic')
    assert all_served(got) and waiting <= 60, told
    assert counters['packets']['answered'] > 0.5 * counters['packets']['received'], told
    return told


@case('such a cookie agrees to an MSS and to nothing else: v4', version=4, peer='31.0.1.2', mss=1460)
@case('such a cookie agrees to an MSS and to nothing else: v6', version=6, peer='2a00:31::1:2', mss=1440)
def options(version, peer, mss):
    with protected('synlopt', syn={'way': 'listener', 'engage_pps': 500}) as (bed, daemon):
        bed.take_transmitted()
        bed.serve()
        bed.host.start('python3', '-c', KEEPER, HOSTS[version], 0, name='keeper').wait_ready()
        for port in (7000, 80):
            paced(bed, 8, source=f'any{version}', destination=HOSTS[version], dport=port, rate=5000)
        forced(bed)
        bed.world.start('python3', '-c', TALKER, HOSTS[version], peer, name='talker').wait_ready()
        found = options_of(bed)
        assert found[peer] == (set(), mss), found
        # Megabytes get through a window that both ends understand alike.
        got = bed.clients(source=CLIENTS[version], kind='download', bytes=2000000, rate=4, seconds=2, timeout_ms=5000).result()
        assert got['ok'] >= 7 and got['failed'] == 0, got
        return f'{found}; {got}'


@case('banned sources get no answer, and nobody more than his prefix may')
def capped_answers():
    return answers_capped('listener')


@case('a listener that takes none of our cookies (MPTCP) takes his own', alone=True)
def mptcp():
    with protected('synlmp', syn={'way': 'listener', 'engage_pps': 500}) as (bed, daemon):
        bed.take_transmitted()
        bed.host.start('python3', '-c', KEEPER, HOST4, MPTCP, name='keeper').wait_ready()
        paced(bed, 6, dport=7000, rate=5000)
        forced(bed)
        before, answered = bed.host.nstat()['TcpExt.SyncookiesRecv'], daemon.counters()['packets']['answered']
        bed.world.start('python3', '-c', TALKER, HOST4, '31.0.1.1', name='talker').wait_ready()
        wait_for('the keeper to have him', lambda: '31.0.1.1' in options_of(bed), 2)
        assert bed.host.nstat()['TcpExt.SyncookiesRecv'] == before + 1 and daemon.counters()['packets']['answered'] > answered


@case('the sysctl is put back by an orderly stop, and the stack goes on serving', alone=True)
def stopped():
    with protected('synlstop', syn={'way': 'listener'}) as (bed, daemon):
        bed.take_transmitted()
        bed.serve()
        flood = paced(bed, 8)
        forced(bed)
        assert daemon.stop() == 0
        assert syncookies(bed) == 1
        got = bed.clients(source=CLIENTS[4], kind='download', bytes=2000, rate=30, seconds=3, timeout_ms=3000).result()
        flood.stop()
        assert all_served(got), got
        return str(got)


@case('killed, the daemon leaves clients served; what it changed is put back by the next one, and not before the flood is over', alone=True)
def killed():
    with protected('synlkill', syn={'way': 'listener', 'hold': '3s'}) as (bed, daemon):
        bed.take_transmitted()
        bed.serve()
        flood = paced(bed, 30)
        forced(bed)
        daemon.kill()
        begin = daemon.bed.host.nstat()['TcpExt.SyncookiesRecv']
        got = bed.clients(source=CLIENTS[4], kind='download', bytes=2000, rate=30, seconds=3, timeout_ms=3000).result()
        assert all_served(got) and syncookies(bed) == 2, got
        assert bed.host.nstat()['TcpExt.SyncookiesRecv'] - begin >= 0.9 * got['ok']
        daemon.start()
        time.sleep(0.5)
        assert syncookies(bed) == 2, 'the flood goes on'
        daemon.kill()
        flood.stop()
        time.sleep(3.5)
        assert syncookies(bed) == 2, 'nobody is there'
        daemon.start()
        assert syncookies(bed) == 1
        return str(got)


@case('killed while our own cookies are out: clients go on being served', alone=True)
def killed_own():
    with protected('synkill', syn={'way': 'cookies'}) as (bed, daemon):
        bed.take_transmitted()
        bed.serve()
        flood = flooded(bed, seconds=8)
        begins(daemon)
        daemon.kill()
        got = bed.clients(source=CLIENTS[4], kind='download', bytes=2000, rate=30, seconds=4, timeout_ms=3000).result()
        flood.stop()
        daemon.start()
        counters = daemon.identity()
        assert all_served(got) and counters['packets']['answered'] > 100000, (got, counters)
        return f'{got}; {counters["packets"]}'


@case('neither a dry run nor the word of an operator who wants no cookies is overruled', alone=True)
def left_alone():
    with protected('synldry', syn={'way': 'listener', 'hold': '2s'}, dry_run=True) as (bed, daemon):
        bed.take_transmitted()
        bed.serve()
        paced(bed, 2).result()
        assert 'syn-flood-began' in daemon.event_kinds() and 'syn-sysctl' not in daemon.event_kinds()
        assert daemon.counters()['packets']['answered'] == 0
        daemon.change(dry_run=False)
        daemon.gabion('reload')
        flood = paced(bed, 4)
        forced(bed)
        bed.host.sysctl(net__ipv4__tcp_syncookies=0)
        flood.result()
        wait_for('the end of it', lambda: daemon.event_kinds().count('syn-flood-ended') == daemon.event_kinds().count('syn-flood-began'), 10)
        status = daemon.status()
        assert syncookies(bed) == 0 and 'tcp_syncookies is 0' in status['feature_notes']['syn_cookies'], status
        bed.host.sysctl(net__ipv4__tcp_syncookies=1)
        wait_for('cookies to be back', lambda: daemon.status()['features']['syn_cookies'], 5)
        note = daemon.status()['feature_notes']['syn_cookies']
        assert 'lack window scale, SACK, timestamps and ECN' in note, note
        return note


main(at_once=3)
