# SPDX-License-Identifier: Apache-2.0
"""Frames of many kinds through a box with two ports, as they are on the wire."""
import pathlib

RAW = pathlib.Path(__file__).with_name('raw_frames.py')
A, B = '0200000000aa', '0200000000bb'


def frames():
    """Kinds of frames by name, between two stations that are not the box's ports."""
    ip = '4500001c000100004011' + 'f0cc' + '1f000001' + '14000001' + '9c40' + '2328' + '0008' + '0000'
    arp = '0001080006040001' + A + '1f000001' + '000000000000' + '14000001'
    to = B + A
    return {'IPv4 to another MAC': to + '0800' + ip.ljust(92, '0'),
            'one tag': to + '81002064' + '0800' + ip.ljust(92, '0'),
            'two tags': to + '88a80064' + '8100e065' + '0800' + ip.ljust(92, '0'),
            'ARP to all': 'ffffffffffff' + A + '0806' + arp.ljust(92, '0'),
            'ARP in a VLAN': 'ffffffffffff' + A + '81000007' + '0806' + arp.ljust(92, '0'),
            'MPLS': to + '8847' + '00' * 46,
            'LLDP': '0180c200000e' + A + '88cc' + '0207' * 23,
            'STP': '0180c2000000' + A + '0026' + '424203' + '00' * 43,
            'the longest, tagged': to + '81000064' + '0800' + ('450005dc' + ip[8:]).ljust(3000, '5')}


def exchange(sent, out, into, arriving):
    """What of these frames arrives at the other end; so many are waited for."""
    (sender, one), (taker, other) = out, into
    receiver = taker.start('python3', RAW, 'receive', other, arriving, A, name='receive').wait_ready()
    sender.run('python3', RAW, 'send', one, *sent)
    return receiver.result()['frames']
