#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What tools/pktgen refuses, what it tells the kernel, and how it accounts; the generator itself runs in tests/image/test_image.py."""
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/netns'))
from scenario import case, main  # noqa: E402

loader = importlib.machinery.SourceFileLoader('pktgen', str(ROOT / 'tools/pktgen'))
pktgen = importlib.util.module_from_spec(importlib.util.spec_from_loader('pktgen', loader))
loader.exec_module(pktgen)
GOOD = {'interface': 'eth1', 'to-mac': '02:00:5e:10:00:01', 'destination': '192.0.2.10'}


def plan(**changes):
    """The plan for good arguments with these changes, on a machine with 4 CPUs and eth1 of 2 queues; eth2 is down, lo is no Ethernet."""
    with tempfile.TemporaryDirectory() as folder:
        for name, kind, flags in (('eth1', 1, '0x1003'), ('eth2', 1, '0x1002'), ('lo', 772, '0x9')):
            card = pathlib.Path(folder, name)
            for queue in ('tx-0', 'tx-1', 'rx-0'):
                (card / 'queues' / queue).mkdir(parents=True)
            (card / 'type').write_text(f'{kind}\n')
            (card / 'flags').write_text(f'{flags}\n')
            (card / 'address').write_text('02:00:5e:10:00:99\n')
        words = []
        for key, value in {**GOOD, **{key.replace('_', '-'): value for key, value in changes.items()}}.items():
            words.append(f'--{key}={value}')
        return pktgen.checked(pktgen.arguments(words), pathlib.Path(folder), cpus=4)


@case('nothing but one station, one host, and one interface that is there')
def refusals():
    plan()
    for changes, part in (({'to_mac': 'ff:ff:ff:ff:ff:ff'}, 'one station'), ({'to_mac': '01:00:5e:00:00:01'}, 'one station'),
                          ({'to_mac': '00:00:00:00:00:00'}, "nobody's"), ({'to_mac': '02:00:5e:10:00:99'}, 'own'), ({'to_mac': 'x'}, 'not a MAC'),
                          ({'interface': 'eth9'}, 'no such interface; there are eth1, eth2, lo'), ({'interface': 'eth2'}, 'is down'),
                          ({'interface': 'lo'}, 'not an Ethernet'), ({'interface': '../eth1'}, 'no such'), ({'destination': '224.0.0.1'}, 'single host'),
                          ({'destination': '255.255.255.255'}, 'single host'), ({'destination': 'ff02::1'}, 'single host'), ({'destination': 'x'}, 'not an IPv4'),
                          ({'source': '2001:db8::1'}, 'same kind'), ({'source': '192.0.2.9-192.0.2.1'}, 'in this order'), ({'count': 0}, '--count 0'),
                          ({'seconds': 0}, '--seconds'), ({'seconds': 7200}, '--seconds'), ({'flows': 0}, '--flows'), ({'size': '20'}, '60 to 1514'),
                          ({'size': '90-60'}, 'MIN is above MAX'), ({'size': 'x'}, 'BYTES'), ({'threads': 9}, '1 to 4'), ({'port': 70000}, '--port'),
                          ({'ssh': 'root@h'}, 'without --protected'), ({'ssh': '-oProxyCommand=x', 'protected': 'eth0'}, 'USER@HOST'),
                          ({'protected': 'a b'}, 'no name')):
        try:
            plan(**changes)
        except pktgen.Wrong as wrong:
            assert part in str(wrong), (changes, str(wrong))
        else:
            raise AssertionError(f'{changes} was accepted')


@case('one thread a queue, which shares the count and the rate')
def threads():
    made = plan(count=1001, rate=500, source='192.0.2.20-192.0.2.30')
    assert made['threads'] == 2
    first, second = pktgen.commands(made, 0), pktgen.commands(made, 1)
    assert 'count 501' in first and 'count 500' in second and 'ratep 250' in first
    assert 'queue_map_min 0' in first and 'queue_map_max 1' in second
    assert {'src_min 192.0.2.20', 'src_max 192.0.2.30', 'flag IPSRC_RND', 'dst_mac 02:00:5e:10:00:01'} <= set(first)


@case('IPv6: a source for each thread, and frames long enough')
def v6():
    made = plan(destination='2001:db8::1', source='2001:db8::20', size='62-1514')
    assert 'src6 2001:db8::20' in pktgen.commands(made, 0) and 'src6 2001:db8::21' in pktgen.commands(made, 1)
    assert 'dst6 2001:db8::1' in pktgen.commands(made, 0) and 'flag TXSIZE_RND' in pktgen.commands(made, 0)


def counted(received, passed=0, dropped=0, handed_over=0, handed_back=0, **discards):
    return {'counters': {'packets': {'received': received, 'passed': passed, 'forwarded': 0, 'answered': 0, 'handed_over': handed_over, 'dropped': dropped},
                         'drops': {'ban-operator': dropped}, 'workers': {'dropped': 0, 'handed_back': handed_back, 'lost': 0, 'drops': {}},
                         'identity': {'holds': True}}, 'discards': discards}


@case('offered = discarded + dropped + delivered; what is missing is told, what others sent, too')
def accounts():
    before = counted(10, passed=10, rx_missed_errors=1)
    whole = pktgen.account(1000, before, counted(990, passed=300, dropped=600, handed_over=90, handed_back=90, rx_missed_errors=21))
    assert (whole['discarded'], whole['dropped'], whole['delivered'], whole['unaccounted'], whole['others']) == (20, 600, 380, 0, 0), whole
    assert whole['identity'] and whole['drops'] == {'ban-operator': 600}
    assert pktgen.account(1000, before, counted(1000, passed=1000, rx_missed_errors=1))['unaccounted'] == 10
    assert pktgen.account(1000, before, counted(1015, passed=1015, rx_missed_errors=1))['others'] == 5
    twice = pktgen.account(100, counted(0), counted(90, passed=90, rx_missed_errors=10, **{'ethtool rx_discards': 10}))
    assert twice['unaccounted'] == twice['others'] == 0, 'the same packets under two names'
    assert not pktgen.account(10, counted(0), counted(10, passed=9))['identity']


main()
