# SPDX-License-Identifier: Apache-2.0
"""What was measured on: stands above every result, in the text and in the record."""
import datetime
import os
import pathlib
import platform
import subprocess

from gabion_lab import BUILD, ROOT

VERSIONS = {'gabion': (BUILD / 'gabion', '--version'), 'nftables': ('nft', '--version'), 'iptables': ('iptables', '--version'),
            'ipset': ('ipset', '--version'), 'xdp-tools': ('dpkg-query', '-W', '-f', '${Version}', 'xdp-tools')}


NOTHING = 'not installed'


def first_line(command):
    """Of what a program prints; NOTHING when it is not there or prints nothing."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=10)
    except OSError:
        return NOTHING
    return done.stdout.strip().splitlines()[0].strip() if done.returncode == 0 and done.stdout.strip() else NOTHING


def commit():
    """The sources' state; what docs/ holds does not matter."""
    at = first_line(('git', '-C', ROOT, 'rev-parse', '--short', 'HEAD'))
    changed = first_line(('git', '-C', ROOT, 'status', '--porcelain', '--', '.', ':!docs'))
    return at if changed == NOTHING else f'{at}, changed'


def processor():
    with open('/proc/cpuinfo') as info:
        return next((line.split(':')[1].strip() for line in info if line.startswith('model name')), platform.machine())


def mitigations():
    """What the processor is guarded against, in the kernel's words; what does not concern it is left out."""
    found = {}
    for path in sorted(pathlib.Path('/sys/devices/system/cpu/vulnerabilities').glob('*')):
        told = path.read_text().strip()
        if told != 'Not affected':
            found[path.name] = told
    return found


def describe():
    with open('/proc/cpuinfo') as info:
        guest = any(line.startswith('flags') and ' hypervisor' in line for line in info)
    return {'when': datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC'), 'kernel': platform.release(),
            'processor': processor(), 'processors': os.cpu_count(), 'virtual': guest, 'mitigations': mitigations(),
            'versions': {**{name: first_line(command) for name, command in VERSIONS.items()}, 'commit': commit()}}


def text(machine):
    kind = 'virtual ' if machine['virtual'] else ''
    lines = [f'{machine["when"]}: Linux {machine["kernel"]}, {machine["processors"]} {kind}x {machine["processor"]}',
             'versions: ' + ', '.join(f'{name} {version}' for name, version in machine['versions'].items())]
    lines += ['mitigations: ' + ('; '.join(f'{name}: {told}' for name, told in machine['mitigations'].items()) or 'none needed')]
    return '\n'.join(lines)
