#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""perf/lab works: a tiny drop table with its record and chart, and a guard that sees when something got slower."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree

from gabion_lab import BUILD, ROOT, Lab
from scenario import Skip, case, main

TINY = ('drop', '--family', '4', '--sizes', '1k/1k', '--rows', 'gabion,hash,nft-ingress', '--rounds', '2', '--seconds', '0.05')


def lab(*arguments):
    return subprocess.run(['/usr/bin/python3', ROOT / 'perf/lab', *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, 'GABION_BUILD': str(BUILD)})


@case('a tiny drop table: every row dropped what arrived, the record and the chart hold it, the guard compares with it')
def tiny():
    with tempfile.TemporaryDirectory(prefix='gbn-perf-') as folder:
        folder = pathlib.Path(folder)
        done = lab(*TINY, '--output', folder)
        assert done.returncode == 0, done.stderr
        record = json.loads((folder / 'lab.json').read_text())['drop']
        assert record['machine']['kernel'] == os.uname().release and record['machine']['versions']['gabion'].startswith('gabion')
        size = record['results']['IPv4']['1k/1k']
        rows = size['rows']
        assert {'bare', 'gabion', 'hash'} <= set(rows) and set(rows) | set(size['unable']) == {'bare', 'gabion', 'hash', 'nft-ingress'}
        for name, row in rows.items():
            assert row['arrived'] >= 50_000 and row['dropped'] >= 0.999 * row['arrived'], (name, row)
            assert row['mpps_least'] <= row['mpps'] <= row['mpps_most'] and row['mpps'] > 0.05, (name, row)
        assert rows['bare']['ratio'] == 1 and rows['bare']['added_ns'] == 0
        assert 'Gabion' in done.stdout and all(f'{row["mpps"]:.2f}' in done.stdout for row in rows.values()), done.stdout
        chart = xml.etree.ElementTree.parse(folder / 'drop-ipv4.svg')
        assert any('Gabion' == element.text for element in chart.iter()), 'the chart does not name Gabion'
        guard(folder, record)
        return done.stdout


def guard(folder, record):
    """The same tiny run against records that make it look ten times slower, and ten times faster."""
    whole = {'drop': record}
    gabion = record['results']['IPv4']['1k/1k']['rows']['gabion']
    for ratio, status in ((10.0, 1), (0.01, 0)):
        gabion['ratio'] = ratio
        (folder / 'lab.json').write_text(json.dumps(whole))
        done = lab('--check', *TINY, '--output', folder)
        assert done.returncode == status and ('slower: drop IPv4 1k/1k gabion' in done.stdout) == bool(status), (ratio, done.stdout)
    assert json.loads((folder / 'lab.json').read_text()) == whole, 'a check changed the record'


@case('what it does not know it refuses, with the choice')
def refusals():
    for arguments, told in ((('speed',), 'no section "speed"'), (('--rounds', '0'), '--rounds'), (('--sizes', '5k/1k'), '1M/64k'),
                            (('--rows', 'pf'), 'nft-raw')):
        done = lab(*arguments)
        assert done.returncode == 2 and told in done.stderr, (arguments, done.stderr)


@case('--wire says what is missing: a port, its peer, pktgen; it does not cut off the default route')
def wire():
    with Lab('wire') as lab:
        here = lab.namespace('here')
        here.run('ip', 'link', 'add', 'tx0', 'type', 'veth', 'peer', 'name', 'rx0')

        def told(*arguments):
            done = here.run('/usr/bin/python3', ROOT / 'perf/lab', '--wire', *arguments, '--output', lab.directory / 'out', check=False)
            assert done.returncode == 1, done
            return done.stderr

        assert 'there is no interface rx9' in told('tx0', 'rx9')
        here.run('ip', 'link', 'set', 'rx0', 'up')
        assert 'rx0 is not up, or has no peer' in told('rx0', 'rx0')
        here.run('ip', 'link', 'set', 'tx0', 'up')
        here.run('ip', 'address', 'add', '10.9.0.1/24', 'dev', 'rx0')
        here.run('ip', 'route', 'add', 'default', 'via', '10.9.0.2')
        assert "default route goes through rx0" in told('tx0', 'rx0')
        if not pathlib.Path('/proc/net/pktgen').exists():
            assert 'this kernel has none' in told('tx0', 'rx0', '--wire-anyway')
        assert not (lab.directory / 'out').exists()



@case('tools/flamegraph draws what runs, and says what is wrong')
def flamegraph():
    if not shutil.which('perf'):
        raise Skip('perf is not installed: tools/setup --lab')

    def draw(*arguments):
        return subprocess.run([ROOT / 'tools/flamegraph', *arguments], capture_output=True, text=True, timeout=60)

    with tempfile.TemporaryDirectory(prefix='gbn-flame-') as folder, \
            subprocess.Popen(['/usr/bin/python3', '-c', 'while True: pass']) as busy:
        picture = pathlib.Path(folder) / 'flame.svg'
        done = draw('--seconds', '1', '--pid', str(busy.pid), '--output', str(picture))
        busy.kill()
        assert done.returncode == 0 and 'samples' in done.stdout, done
        titles = [e.text for e in xml.etree.ElementTree.parse(picture).iter('{http://www.w3.org/2000/svg}title')]
        assert any(title.startswith('python3') and title.endswith('100.00 %') for title in titles), titles[:9]
    assert draw('--cpu', '0', '--pid', '1').returncode == 2
    assert draw('--seconds', '0').returncode == 2


main()
