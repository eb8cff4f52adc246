#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The traffic tools by themselves: a bed without Gabion loses nothing, so whatever a scenario finds missing is Gabion's doing."""
from gabion_lab import CLIENTS4, CLIENTS6, HOST4, HOST6, Bed, Lab
from scenario import case, main

FAMILIES = {'v4': ('31.0.1.0-31.0.1.99', HOST4), 'v6': ('2a00:31::1-2a00:31::64', HOST6)}


@case('paced packets all arrive, stamped and in order, v4', family='v4')
@case('paced packets all arrive, stamped and in order, v6', family='v6')
def paced(family):
    source, destination = FAMILIES[family]
    with Lab('paced') as lab:
        bed = Bed(lab)
        receiver = bed.receive(port=9000, expect=100000, quiet_ms=500)
        sent = bed.send(source=source, destination=destination, dport=9000, rate=200000, count=100000).result()
        got = receiver.result()
        assert sent['sent'] == 100000 and sent['seconds'] > 0.49, sent
        assert (got['unique'], got['lost'], got['duplicated'], got['unstamped']) == (100000, 0, 0, 0), got
        assert bed.host.nstat()['Udp.InCsumErrors'] == 0 and bed.host.nstat().get('Udp6InCsumErrors', 0) == 0
        return f'sent {sent}, got {got}'


@case('flood frames have right checksums and the sources asked for, UDP v4', source='91.0.0.0-91.0.1.43', v6=False)
@case('flood frames have right checksums and the sources asked for, UDP v6', source='2a00:91::1-2a00:91::12c', v6=True)
@case('flood frames have right checksums, random sources, UDP v4', source='91.0.0.0/16', v6=False)
@case('flood frames have right checksums, random sources, UDP v6', source='2a00:91::/64', v6=True)
def flood(source, v6):
    with Lab('flood') as lab:
        bed = Bed(lab)
        # Without an XDP program on it, the far end takes redirected frames only with GRO on.
        bed.host.run('ethtool', '-K', bed.interface, 'gro', 'on')
        receiver = bed.receive(port=9000, quiet_ms=500)
        sent = bed.flood(source=source, dport=9000, count=2000, size=90).result()
        got = receiver.result()
        counts = bed.host.nstat()
        assert counts['Udp.InCsumErrors'] == 0 and counts['Udp6InCsumErrors'] == 0 and counts['Ip.InHdrErrors'] == 0, counts
        assert got['received'] == sent['sent'] == 2000, (sent, got)


@case('a TCP flood is answered by the host: its checksums are right')
def tcp_flood():
    with Lab('synflood') as lab:
        bed = Bed(lab)
        bed.host.run('ethtool', '-K', bed.interface, 'gro', 'on')
        before = bed.host.nstat()['Tcp.OutRsts']
        for source in ('91.0.0.0/16', '2a00:91::/64'):
            bed.flood(source=source, protocol='tcp', tcp_flags='S', dport=81, count=500).result()
        counts = bed.host.nstat()
        assert counts['Tcp.InCsumErrors'] == 0 and counts['Tcp.InErrs'] == 0, counts
        assert counts['Tcp.OutRsts'] - before == 1000, counts['Tcp.OutRsts'] - before


@case('real clients get real answers, v4', source='31.0.0.1-31.0.3.232', server=HOST4)
@case('real clients get real answers, v6', source='2a00:31::1-2a00:31::3e8', server=HOST6)
def clients(source, server):
    with Lab('clients') as lab:
        bed = Bed(lab)
        service = bed.serve()
        runs = [bed.clients(source=source, kind=kind, port=port, rate=200, seconds=1, bytes=size)
                for kind, port, size in (('download', 80, 100000), ('upload', 80, 100000), ('udp', 53, 100), ('ping', 0, 56))]
        results = [one.result() for one in runs]
        service.stop()
        assert all(r['failed'] == 0 and r['ok'] >= 195 for r in results), results
        assert service.result()['requests'] == results[0]['ok']
        return f'{CLIENTS4} {CLIENTS6} {results}'


main()
