#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A forged packet must not get an innocent cut off."""
import time

from gabion_daemon import protected
from gabion_lab import HOST4, HOST6
from scenario import case, main

RESOLVER4, RESOLVER6 = '77.77.7.7', '2a00:77::7'


FLOODS = {'UDP flood': {'protocol': 'udp', 'dport': 9}, 'TCP ACK flood': {'protocol': 'tcp', 'tcp_flags': 'A', 'dport': 80},
          'SYN flood': {'protocol': 'tcp', 'tcp_flags': 'S', 'dport': 80}}


@case('an ordinary client whose address is forged keeps its service, v4', clients='31.0.0.', crowd='31.0.0.1-31.0.0.40')
@case('an ordinary client whose address is forged keeps its service, v6', clients='2a00:31::', crowd='2a00:31::1-2a00:31::28')
def forged_client(clients, crowd):
    told = []
    with protected('forged') as (bed, daemon):
        # A SYN flood to an open port fills the listener's queue whatever filters it: cookies keep it answering.
        bed.host.sysctl(net__ipv4__tcp_syncookies=1, net__core__somaxconn=4096)
        bed.serve()
        calm = bed.clients(source=crowd, kind='download', bytes=2000, rate=40, seconds=12)
        assert calm.result()['failed'] == 0
        for number, (name, options) in enumerate(FLOODS.items(), 5):
            client = f'{clients}{number}'
            flood = bed.send(source=client, rate=200000, seconds=8, ttl='49', **options)
            time.sleep(1)
            # A connection every second or two is what an ordinary client makes; the others go on too.
            asked = bed.clients(source=client, kind='download', bytes=20000, rate=0.8, seconds=5, timeout_ms=3000)
            others = bed.clients(source=crowd, kind='download', bytes=2000, rate=20, seconds=5, timeout_ms=3000)
            mine, theirs = asked.result(), others.result()
            flood.stop()
            told.append(f'{name}: the client: {mine}; the crowd: {theirs}; {daemon.identity()["drops"]}; {daemon.ask("ban", "list")}')
            assert mine['ok'] > 0 and mine['failed'] == 0, told[-1]
            assert theirs['ok'] >= 0.98 * (theirs['ok'] + theirs['failed']), told[-1]
    return '\n'.join(told)


@case('a resolver nobody has seen answers the host, and can connect, while its address is forged, v4',
      resolver=RESOLVER4, own=HOST4)
@case('a resolver nobody has seen answers the host, and can connect, while its address is forged, v6',
      resolver=RESOLVER6, own=HOST6)
def forged_resolver(resolver, own):
    with protected('resolver', extra=(f'{RESOLVER4}/32', f'{RESOLVER6}/128')) as (bed, daemon):
        bed.serve()
        calm = bed.clients(source='31.0.0.1-31.0.0.40', kind='download', bytes=2000, rate=40, seconds=12)
        assert calm.result()['failed'] == 0
        bed.world.tool('serve', address=resolver, http=80, udp=53).wait_ready()
        flood = bed.send(source=resolver, destination=own, rate=200000, seconds=9, ttl='49', protocol='udp', sport='53',
                         dport='1024-65535', size='400')
        time.sleep(1.5)
        queries = bed.host.tool('clients', source=own, server=resolver, kind='udp', port=53, bytes=60, rate=10, seconds=5,
                                timeout_ms=1000)
        connects = bed.world.tool('clients', source=resolver, server=own, kind='download', port=80, bytes=2000, rate=0.8,
                                  seconds=5, timeout_ms=3000)
        asked, connected = queries.result(), connects.result()
        flood.stop()
        sent, drops = flood.result()['sent'], daemon.identity()['drops']
        told = f'flood: {sent}; queries: {asked}; connections: {connected}; {drops}; {daemon.ask("ban", "list")}'
        assert drops['quarantine'] > 0.9 * sent, told
        assert asked['ok'] >= 45 and asked['failed'] == 0, told
        assert connected['ok'] > 0 and connected['failed'] == 0, told
        return told


main(at_once=2)
