#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input of every kind ends in a sentence that names it, and in nothing else."""
import json
import os
import socket
import time

from gabion_daemon import Daemon, protected
from gabion_lab import BUILD, Bed, Lab, run
from scenario import case, main

BROKEN = {
    'an unknown key': ('nonsense = 1', 'nonsense'),
    'an unknown section': ('[nonsense]\nkey = 1', 'nonsense'),
    'an unknown key in a section': ('[panic]\nmod = "on"', 'mod'),
    'a wrong type': ('[sampling]\none_in = "many"', 'one_in'),
    'a value out of range': ('[panic]\ndrop_ratio = 1.5', 'drop_ratio'),
    'a negative number': ('[sampling]\nbudget_pps = -1', 'budget_pps'),
    'a word that is not one of the allowed': ('[panic]\nmode = "sometimes"', 'mode'),
    'a bad address': ('[allow]\ntargets = ["31.0.0.256"]', '31.0.0.256'),
    'a bad duration': ('[bans]\nduration = "soon"', 'duration'),
    'TOML that does not parse': ('dry_run = = true', ''),
    'a key that stands twice': ('dry_run = true\ndry_run = false', 'dry_run'),
}


def refused(status_wanted, done, *words):
    text = done.stdout + done.stderr
    assert done.returncode == status_wanted, f'status {done.returncode}, wanted {status_wanted}: {text}'
    for word in words:
        assert word in text, f'"{word}" is not in: {text}'
    assert len(text.strip()) > 0 and 'terminate called' not in text, text


@case('configuration errors name file, line, column and key')
def configuration():
    with Lab('badconfig') as lab:
        file = lab.directory / 'gabion.toml'
        for what, (text, key) in BROKEN.items():
            file.write_text(f'{text}\n[[interface]]\nname = "prot0"\n')
            done = run(BUILD / 'gabiond', '--config', file, '--check', check=False)
            line = '2' if text.startswith('[') or 'twice' in what else '1'
            try:
                refused(1, done, 'gabion.toml', *([key] if key else []), f':{"1" if key == "nonsense" else line}')
            except AssertionError as error:
                raise AssertionError(f'{what}: {error}') from error
            assert run(BUILD / 'gabion', 'config', 'check', file, check=False).returncode == 1, what
        file.write_text('[[interface]]\nname = "prot0"\n')
        assert run(BUILD / 'gabiond', '--config', file, '--check', check=False).returncode == 0
        assert run(BUILD / 'gabion', 'config', 'check', file, check=False).returncode == 0


@case('files that are no configuration: missing, a directory, binary, 100 MB')
def files():
    with Lab('badfile') as lab:
        directory = lab.directory
        (directory / 'binary').write_bytes(os.urandom(100000))
        (directory / 'zeros').write_bytes(bytes(1000))
        with open(directory / 'large', 'wb') as large:
            large.write(b'# much\n' * (100 * 1024 * 1024 // 7))
        for name in ('missing', '.', 'binary', 'zeros', 'large'):
            begin = time.monotonic()
            refused(1, run(BUILD / 'gabiond', '--config', directory / name, '--check', check=False), name if name != '.' else '')
            assert time.monotonic() - begin < 10, name


@case('wrong usage of the command line: status 2 and a sentence')
def usage():
    with protected('usage') as (_, daemon):
        wrong = [('nonsense',), ('ban',), ('ban', 'add'), ('ban', 'nonsense'), ('ban', 'add', '31.0.0.1', '--for', 'soon'),
                 ('panic', 'sometimes'), ('allow', 'add', '31.0.0.1', '--skip', 'everything'), ('why',), ('--nonsense',),
                 ('status', 'too', 'much')]
        for arguments in wrong:
            done = daemon.gabion(*arguments, check=False)
            assert done.returncode == 2, f'{arguments}: status {done.returncode}: {done.stderr}{done.stdout}'
            assert done.stderr.strip(), arguments
        for target in ('31.0.0.256', '31.0.0.1/33', '31.0.0.1/8', '::ffff:31.0.0.1', 'host.example', '', '2a00::/129', '31.0.0.1 '):
            done = daemon.gabion('ban', 'add', target, check=False)
            assert done.returncode in (1, 2) and done.stderr.strip(), f'{target!r}: {done}'
        assert daemon.status()['bans'] == 0
        missing = daemon.gabion('ban', 'load', '/nowhere/list', check=False)
        assert missing.returncode in (1, 2) and '/nowhere/list' in missing.stderr, missing
        assert run(BUILD / 'gabiond', '--nonsense', check=False).returncode == 2


@case('no daemon: the command line says so, and where it looked')
def nobody():
    with Lab('nobody') as lab:
        refused(1, run(BUILD / 'gabion', '--socket', lab.directory / 'none.sock', 'status', check=False), 'none.sock')


@case('an interface that does not exist is named')
def no_interface():
    with Lab('noif') as lab:
        bed = Bed(lab)
        daemon = Daemon(bed)
        daemon.change(interface=[{'name': 'nowhere0'}])
        process = bed.host.start(BUILD / 'gabiond', '--config', daemon.config_file)
        # Either it refuses, or it waits for the interface to come and says so; both name it.
        time.sleep(2)
        text = process.log.read_text() + process.output.read_text()
        process.stop()
        assert 'nowhere0' in text, text


@case('a foreign XDP program is left alone: refused and named')
def foreign():
    with protected('foreign', start=False) as (bed, daemon):
        flood = BUILD / 'tests/netns/tools/flood.bpf.o'
        bed.host.run('ip', 'link', 'set', 'dev', bed.interface, 'xdp', 'obj', flood, 'sec', 'xdp')
        process = bed.host.start(BUILD / 'gabiond', '--config', daemon.config_file)
        status = process.wait(60)
        text = process.log.read_text() + process.output.read_text()
        assert status == 1 and bed.interface in text and 'gbn_flood' in text, (status, text)
        assert 'xdp' in bed.host.run('ip', 'link', 'show', bed.interface).stdout, 'the foreign program is gone'
        bed.host.run('ip', 'link', 'set', 'dev', bed.interface, 'xdp', 'off')


@case('two daemons on one interface: the second is refused, the first goes on')
def two():
    with protected('two') as (bed, daemon):
        other = Daemon(bed, name='other')
        process = bed.host.start(BUILD / 'gabiond', '--config', other.config_file)
        status = process.wait(60)
        text = process.log.read_text() + process.output.read_text()
        assert status == 1 and bed.interface in text, (status, text)
        # The same socket, state and pins: refused too.
        process = bed.host.start(BUILD / 'gabiond', '--config', daemon.config_file)
        assert process.wait(60) == 1
        assert daemon.status()['interfaces'][0]['workers'][0]['alive']
        bed.send(source='31.0.0.1', dport=9, count=100, rate=1000).result()
        daemon.identity()


@case('without root: refused, with what it needs')
def no_root():
    with protected('noroot', start=False) as (bed, daemon):
        daemon.base.chmod(0o777)
        bed.lab.directory.chmod(0o755)
        done = bed.host.run('setpriv', '--reuid', 65534, '--regid', 65534, '--clear-groups', BUILD / 'gabiond', '--config',
                            daemon.config_file, check=False)
        refused(1, done)
        assert any(word in (done.stdout + done.stderr).lower() for word in ('root', 'cap_', 'privilege', 'permitted')), done.stderr


def raw_client(daemon):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    client.connect(str(daemon.socket))
    return client


@case('hostile clients hurt nobody else: silence, half a line, 10 MB on a line, never reading, rubbish')
def hostile():
    with protected('hostile') as (bed, daemon):
        silent = [raw_client(daemon) for _ in range(20)]
        half = raw_client(daemon)
        half.sendall(b'{"jsonrpc":"2.0","id":1,"me')
        long = raw_client(daemon)
        try:
            long.sendall(b'{"jsonrpc":"2.0","id":1,"method":"' + b'x' * 10_000_000)
        except OSError:
            pass
        deaf = raw_client(daemon)
        deaf.setblocking(False)
        request = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'status'}).encode() + b'\n'
        try:
            for _ in range(20000):
                deaf.send(request)
        except OSError:
            pass
        rubbish = raw_client(daemon)
        rubbish.sendall(os.urandom(5000).replace(b'\n', b'') + b'\n[[[[\n{}\n[]\nnull\n{"jsonrpc":"2.0","method":7}\n')
        begin = time.monotonic()
        for _ in range(20):
            assert daemon.status()['interfaces']
        assert time.monotonic() - begin < 5, 'the daemon became slow'
        resident = int(open(f'/proc/{daemon.process.pid}/statm').read().split()[1]) * 4096
        for client in (*silent, half, long, deaf, rubbish):
            client.close()
        daemon.ban('31.0.0.1')
        daemon.identity()
        return f'resident {resident / 1e6:.0f} MB'


main()
