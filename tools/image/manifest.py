# SPDX-License-Identifier: Apache-2.0
"""What an image holds: every package with its version, every file with its mode, owner, length and hash. Two builds from the same
inputs have the same manifest."""
import hashlib
import os
import pathlib
import stat
import subprocess


def packages(root):
    listed = subprocess.run(['dpkg-query', f'--admindir={root}/var/lib/dpkg', '-W', '-f', '${Package} ${Version} ${Architecture}\n'],
                            check=True, capture_output=True, text=True)
    return sorted(listed.stdout.splitlines())


def files_below(root):
    for folder, folders, files in os.walk(root):
        yield from (pathlib.Path(folder, name) for name in folders + files)


def describe(path, root):
    status = path.lstat()
    kind, content = stat.filemode(status.st_mode), '-'
    if stat.S_ISLNK(status.st_mode):
        content = '-> ' + os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        content = f'{status.st_size} {hashlib.sha256(path.read_bytes()).hexdigest()}'
    return f'{kind} {status.st_uid}:{status.st_gid} /{path.relative_to(root)} {content}'


def write(root, target, inputs):
    """`inputs`: what was built from, as (name, value)."""
    lines = ['# inputs', *(f'{name}: {value}' for name, value in inputs), '# packages', *packages(root), '# files']
    lines += sorted((describe(path, root) for path in files_below(root)), key=lambda line: line.split(' ', 2)[2])
    target.write_text('\n'.join(lines) + '\n')
