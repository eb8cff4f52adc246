#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Segments of no connection are dropped while a flood of them is on, and no connection of the host is lost by it."""
import json

from gabion_daemon import protected
from gabion_lab import HOST4, HOST6, run, wait_for
from scenario import case, main
from talk import echo

FLOODS = {'R': 'rst-unknown', 'SA': 'synack-unasked', 'FA': 'ack-unknown', 'A': 'ack-unknown'}
TALKER = '''
import os, socket, sys, time
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
talk = socket.socket(family); talk.settimeout(10)
talk.bind((sys.argv[2], 0)); talk.connect((sys.argv[1], 7000))
def say(word):
    talk.sendall(word); got = talk.recv(64); assert got == word, got
say(b'hello'); print('ready', flush=True)
while not os.path.exists(sys.argv[3]):
    time.sleep(0.1)
say(b'still there?'); print('{"ok": true}', flush=True)
'''


class Talk:
    """A connection that says something at its beginning and nothing until it is asked to."""

    def __init__(self, bed, host, client):
        self.go = bed.lab.directory / f'go-{client.replace(":", "_")}-{len(bed.lab.processes)}'
        self.process = bed.world.start('python3', '-c', TALKER, host, client, self.go, name='talker').wait_ready()

    def goes_on(self):
        self.go.touch()
        return self.process.result(20)['ok']


def recycle_flows(daemon):
    """Takes every note out of the table of flows, as a crowd of other connections does in time."""
    pin = daemon.pin / 'flows'
    entries = json.loads(run('bpftool', '-j', 'map', 'show', 'pinned', pin).stdout)['max_entries']
    batch = daemon.base / 'recycle'
    batch.write_text(''.join(
        f'map update pinned {pin} key hex {" ".join(f"{byte:02x}" for byte in index.to_bytes(4, "little"))} value hex {"00 " * 64}\n'
        for index in range(entries)))
    run('bpftool', 'batch', 'file', batch)


@case('blind segments are dropped, connections live on: v4', host=HOST4, crowd='31.0.0.1-31.0.0.20', own='31.0.9.9')
@case('blind segments are dropped, connections live on: v6', host=HOST6, crowd='2a00:31::1-2a00:31::14', own='2a00:31::99')
@case('blind segments are dropped, connections live on: v4, generic', host=HOST4, crowd='31.0.0.1-31.0.0.20', own='31.0.9.9',
      attach='generic', floods=('A',))
def blind(host, crowd, own, attach='auto', floods=tuple(FLOODS)):
    told = []
    idle = ('31.0.7.1', '31.0.7.2') if ':' not in host else ('2a00:31::7:1', '2a00:31::7:2')
    with protected('conn', attach=attach, start=False, connections={'capacity': 1024}, detectors={'learning': '2s'}) as (bed, daemon):
        bed.serve()
        echo(bed, host)
        bed.world.tool('serve', address=own, http=80, udp=53).wait_ready()
        talks = [Talk(bed, host, idle[0])]  # opened before gabiond is there
        daemon.start()
        assert daemon.status()['features']['connections']
        talks.append(Talk(bed, host, idle[1]))
        assert bed.clients(source=crowd, kind='download', bytes=2000, rate=40, seconds=5).result()['failed'] == 0

        def flood(flags, seconds):
            return bed.send(source='any6' if ':' in host else 'any4', order='random', destination=host, protocol='tcp',
                            tcp_flags=flags, dport='80', rate=60000, seconds=seconds)
        first = flood('A', 4)
        wait_for('the flood to be noticed', lambda: daemon.drops().get('ack-unknown', 0), 4, every=0.1)
        recycle_flows(daemon)
        first.result()
        for flags in floods:
            before = daemon.dropped_for(FLOODS[flags])
            blind_ones = flood(flags, 3)
            theirs = bed.clients(source=crowd, kind='download', bytes=2000, rate=20, seconds=2.5, timeout_ms=3000)
            mine = bed.host.tool('clients', source=host, server=own, kind='download', port=80, bytes=2000, rate=5, seconds=2.5,
                                 timeout_ms=3000)
            theirs, mine, sent = theirs.result(), mine.result(), blind_ones.result()['sent']
            dropped = daemon.dropped_for(FLOODS[flags]) - before
            told.append(f'{flags}: {dropped} of {sent} dropped; clients {theirs["ok"]} and {theirs["failed"]} failed; '
                        f'the host\'s own {mine["ok"]} and {mine["failed"]} failed')
            assert dropped >= 0.999 * sent, told
            assert theirs['failed'] == 0 and theirs['ok'] > 0, told
            assert mine['failed'] == 0 and mine['ok'] > 0, told
        assert all(talk.goes_on() for talk in talks), told
        told.append(f'{daemon.identity()["drops"]}')
    return told


main()
