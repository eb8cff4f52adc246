#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What reflectors send is dropped, while the host's own questions are answered and its own connections go on."""
import os
import pathlib
import time

from gabion_daemon import protected
from gabion_lab import HOST4, HOST6, wait_for
from own_traffic import OwnTraffic
from scenario import Skip, case, main

CAPTURES = os.environ.get('GABION_CAPTURES')


@case('answers of every known amplifier, v4', alone=True, v6=False)
@case('answers of every known amplifier, v6', alone=True, v6=True)
def answers(v6):
    with protected('answers') as (bed, daemon):
        own = OwnTraffic(bed, 5, v6)
        flood = bed.reflect(answers=200000, rate=50000, destination=HOST6 if v6 else HOST4).result(60)
        told = own.assert_undisturbed()
        dropped = daemon.dropped_for('amplification')
        assert dropped >= 0.999 * flood['sent'], (dropped, flood, daemon.drops())
        return f'{dropped} of {flood["sent"]} of {flood["kinds"]} kinds dropped; {told}'


@case('a rule of the operator\'s own is in force after a reload, and gone after the next')
def own_rule():
    with protected('ownrule') as (bed, daemon):
        def flood():
            before = daemon.dropped_for('amplification')
            bed.send(source='31.0.0.7', sport='9999', dport=40000, rate=10000, count=2000).result()
            return daemon.dropped_for('amplification') - before
        assert flood() == 0
        daemon.change(amplification={'rule': [{'name': 'mine', 'port': 9999, 'shortest': 8}]})
        daemon.gabion('reload')
        assert flood() == 2000
        daemon.change(amplification={'rule': []})
        daemon.gabion('reload')
        assert flood() == 0


def capture(name):
    if not CAPTURES:
        raise Skip('GABION_CAPTURES does not say where captures of real attacks are')
    path = pathlib.Path(CAPTURES) / name
    if not path.exists():
        raise Skip(f'there is no {path}')
    return path


@case('a captured attack at ten times its speed: SNMP', name='amp.UDP.snmp.src161.pcapng')
@case('a captured attack at ten times its speed: ISAKMP', name='amp.UDP.isakmp.pcap')
def captured(name):
    path = capture(name)
    with protected('captured') as (bed, daemon):
        own = OwnTraffic(bed, 4)
        # the SNMP capture holds ICMP errors too, which routers sent for what did not arrive: no reflector's
        sent = sum(bed.reflect(file=path, filter='udp', speed=10).result(60)['sent'] for _ in range(3))
        told = own.assert_undisturbed()
        dropped = daemon.dropped_for('amplification')
        assert dropped >= 0.999 * sent, (dropped, sent, daemon.drops())
        return f'{dropped} of {sent} dropped; {told}'


def all_dropped(counters):
    return counters['packets']['dropped'] + counters['workers']['dropped']


@case('a captured attack at ten times its speed: SYN-ACK, once the flood is on')
def syn_ack():
    path = capture('amp.TCP.reflection.SYNACK.pcap')
    with protected('synack', caps={'tcp_trigger_pps': 20000}) as (bed, daemon):
        own = OwnTraffic(bed, 6)
        # some UDP and ICMP of others is in the capture, too
        first = bed.reflect(file=path, filter='tcp', speed=10).result(60)['sent']
        wait_for('the flood to be noticed', lambda: daemon.drops().get('synack-unasked', 0), 4, every=0.1)
        time.sleep(0.5)
        before = all_dropped(daemon.counters())
        sent = sum(bed.reflect(file=path, filter='tcp', speed=10).result(60)['sent'] for _ in range(3))
        told = own.assert_undisturbed()
        dropped = all_dropped(daemon.identity()) - before
        assert dropped >= 0.999 * sent, (dropped, sent, daemon.drops())
        return f'{dropped} of {sent} dropped, {first - before} of the first {first} not, before the flood was on; {told}'


main(at_once=3)
