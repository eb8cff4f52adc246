#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Floods that the kernel stage triggers on and caps by itself, without gabiond: a stopped daemon learns and decides nothing."""
import signal
import time

from gabion_daemon import protected
from gabion_lab import wait_for
from scenario import case, main

PORT = 9000
STRANGERS = '50.0.0.0/12'
ALLOWED = '31.0.0.5'
TRIGGER, CAP = 20000, 5000


def capped(name, **caps):
    return protected(name, sampling={'one_in': 0}, detectors={'rate': {'enabled': False}, 'entropy': {'enabled': False}},
                     caps={'udp_trigger_pps': TRIGGER, 'udp_floor_pps': CAP, 'hold': '2s', **caps})


def learn(bed, daemon):
    """Ten calm seconds of traffic, so that there is a normal to cap at."""
    bed.send(source='31.0.0.9', dport=PORT, rate=300, seconds=12)
    wait_for('the rates to be learned', lambda: 'floods-learned' in daemon.event_kinds(), 15)


def held(daemon):
    """Dropped because there is too much of it: new sources first, and of what gets in what is above the cap."""
    return daemon.dropped_for('cap-udp') + daemon.dropped_for('new-source')


@case('a UDP flood is triggered and capped within milliseconds while gabiond is stopped, and what is allowed goes on')
def alone():
    with capped('alone') as (bed, daemon):
        learn(bed, daemon)
        daemon.gabion('allow', 'add', ALLOWED, '--skip', 'rates')
        time.sleep(1)
        before = held(daemon)
        daemon.signal(signal.SIGSTOP)
        spared, flooded = bed.receive(port=9001), bed.receive(port=PORT, bins_ms=20)
        stream = bed.send(source=ALLOWED, dport=9001, rate=2000, count=8000)
        time.sleep(0.5)
        sent = bed.send(source=STRANGERS, order='random', dport=PORT, rate=150000, seconds=2).result()['sent']
        stream.result()
        time.sleep(0.1)
        for receiver in (spared, flooded):
            receiver.stop()
        daemon.signal(signal.SIGCONT)
        got, kept = flooded.result(), spared.result()
        dropped = held(daemon) - before
        assert kept['received'] == 8000, kept
        # what the trigger lets go (20 ms of its rate), the cap's bucket (100 ms) and its rate, and each CPU's lots
        most = TRIGGER * 0.03 + CAP * 0.2 + CAP * 2.2 + 8 * 32
        assert got['received'] <= most and dropped >= sent - most, (sent, got['received'], dropped, most)
        first = [count for when, count in got['bins'] if count][:3]
        wait_for('the flood to be told', lambda: 'flood-began' in daemon.event_kinds())
        wait_for('the flood to be over', lambda: 'flood-ended' in daemon.event_kinds(), 5)
        return f'{got["received"]} of {sent} passed, {dropped} capped; the first 20 ms that had any: {first}; allowed 8000 of 8000'


@case('without anything learned and below the trigger nobody is capped: a legitimate client of 2,000 packets a second')
def calm():
    with protected('calm', sampling={'one_in': 0}) as (bed, daemon):
        receiver = bed.receive(port=PORT)
        bed.send(source='31.0.0.7', dport=PORT, rate=2000, count=8000).result()
        time.sleep(0.1)
        receiver.stop()
        assert receiver.result()['received'] == 8000
        assert daemon.identity()['packets']['dropped'] == 0


@case("a port's cap and the cap of a class hold always, and reload changes them")
def configured():
    with protected('configured', sampling={'one_in': 0}, caps={'port': [{'protocol': 'udp', 'port': PORT, 'pps': 1000}]}) as (bed, daemon):
        sent = bed.send(source=STRANGERS, dport=PORT, rate=10000, seconds=2).result()['sent']
        dropped = daemon.identity()['drops']['cap-port']
        assert 1800 <= sent - dropped <= 2500, (sent, dropped)
        daemon.change(caps={'port': [], 'udp_pps': 2000})
        daemon.gabion('reload')
        sent = bed.send(source=STRANGERS, dport=PORT, rate=10000, seconds=2).result()['sent']
        counters = daemon.identity()
        assert counters['drops']['cap-port'] == dropped
        assert 3600 <= sent - counters['drops']['cap-udp'] <= 4900, (sent, counters['drops'])
        daemon.change(caps={'udp_pps': 0})
        daemon.gabion('reload')
        before = daemon.settled()['packets']['dropped']
        bed.send(source=STRANGERS, dport=PORT, rate=10000, seconds=1).result()
        assert daemon.identity()['packets']['dropped'] == before


main()
