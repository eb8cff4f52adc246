#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What of building the appliance's disk needs no Debian packages: what tools/build-image refuses, the table of partitions, the manifest."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/netns'))
from scenario import case, main  # noqa: E402

sys.path.insert(0, str(ROOT / 'tools/image'))
import disk  # noqa: E402
import manifest  # noqa: E402


def refused(*words):
    done = subprocess.run([ROOT / 'tools/build-image', *words], capture_output=True, text=True)
    return done.returncode == 2 and done.stderr


@case('bad input is refused before anything is built')
def refusals():
    with tempfile.TemporaryDirectory() as folder:
        private, empty = pathlib.Path(folder, 'private'), pathlib.Path(folder, 'empty')
        private.write_text('-----BEGIN OPENSSH PRIVATE KEY-----\n')
        empty.write_text('')
        for words, part in ((('--ssh-key', private), 'public keys'), (('--ssh-key', empty), 'public keys'), (('--ssh-key', folder + '/x'), 'no such file'),
                            (('--config', folder + '/x'), 'no such file'), (('--append', 'a"; b'), '--append'), (('--append', 'a\nb'), '--append'),
                            (('--state-mib', '10'), '256 or more'), (('--network', empty), '.network'), (('--root-password-hash', 'a:b'), '/etc/shadow'),
                            (('--kernel', 'own'), 'generic'), (('--state-mib', 'x'), 'invalid int')):
            told = refused(*words)
            assert told and part in told, (words, told)


@case('partitions follow one another, and two builds from the same inputs name them alike')
def partitions():
    with tempfile.TemporaryDirectory() as folder:
        one, again, other = (disk.Disk(pathlib.Path(folder), seed, 256 * disk.MIB) for seed in ('a', 'a', 'b'))
        assert one.ids == again.ids and not set(one.ids.values()) & set(other.ids.values())
        ends = [one.starts[name] + one.sizes[name] for name in one.sizes]
        assert list(one.starts.values())[1:] == ends[:-1] and one.bytes == ends[-1] + disk.MIB


@case('a manifest tells what a file is, to the byte')
def listing():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / 'etc').mkdir()
        (root / 'etc/x').write_text('abc')
        (root / 'etc/x').chmod(0o640)
        (root / 'etc/y').symlink_to('x')
        # `printf abc | sha256sum`
        told = [manifest.describe(path, root) for path in sorted(manifest.files_below(root))]
        assert told[1] == '-rw-r----- 0:0 /etc/x 3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', told
        assert told[0].startswith('drwx') and told[2].endswith('/etc/y -> x'), told


@case('every shell script of the image is one')
def parts():
    image = ROOT / 'config/image/root'
    for script in ('usr/lib/gabion/state', 'usr/sbin/gabion-install'):
        done = subprocess.run(['sh', '-n', image / script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    used = subprocess.run([image / 'usr/sbin/gabion-install'], capture_output=True, text=True)
    assert used.returncode == 2 and 'usage' in used.stderr
    missing = subprocess.run([image / 'usr/sbin/gabion-install', '/nowhere/x.deb'], capture_output=True, text=True)
    assert missing.returncode == 2 and 'no such file' in missing.stderr


main()
