# SPDX-License-Identifier: Apache-2.0
"""The root file system: Debian's packages, Gabion's, the files of config/image/root, and nothing that would differ between two builds or that two
machines must not share (host keys, machine id)."""
import os
import pathlib
import shutil
import subprocess

from manifest import files_below

SOURCE = pathlib.Path(__file__).resolve().parents[2]
IMAGE = SOURCE / 'config/image'
MIRRORS = ['deb http://deb.debian.org/debian bookworm main', 'deb http://deb.debian.org/debian bookworm-updates main',
           'deb http://deb.debian.org/debian-security bookworm-security main']
KERNELS = {'generic': 'linux-image-amd64', 'cloud': 'linux-image-cloud-amd64'}
UNITS_ON = ['gabion-state', 'gabion-firstboot', 'gabion-tune', 'gabiond', 'systemd-networkd', 'ssh', 'serial-getty@ttyS0']
# Debian's timers that would write to the root, and what waits for ports that may have no link.
UNITS_OFF = ['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'e2scrub_reap.service',
             'systemd-networkd-wait-online.service']
MOUNT_POINTS = ['state', 'etc/ssh/keys', 'etc/systemd/network', 'etc/default/grub.d', 'etc/gabion', 'var/lib/gabion']
# Whole folders and files that say when or where something was built, or that each machine makes for itself.
UNWANTED = ['etc/ssh/ssh_host_*', 'var/log/*', 'var/cache/*', 'var/lib/apt/lists/*', 'var/lib/systemd/*', 'var/lib/dpkg/*-old',
            'etc/*-', 'root/.*history', 'etc/systemd/network/*', 'tmp/*', 'run/*', 'var/lib/dbus/machine-id']


def listed(name):
    """The words of a list in config/image, without its comments."""
    return [line for line in (IMAGE / name).read_text().split('\n') if line and not line.startswith('#')]


def needed_by(deb):
    """The packages that another one depends on, by name; of alternatives the first."""
    depends = subprocess.run(['dpkg-deb', '-f', deb, 'Depends'], check=True, capture_output=True, text=True).stdout
    return [part.split('|')[0].split()[0] for part in depends.split(',') if part.strip()]


def mmdebstrap(root, deb, kernel, mirrors):
    packages = [KERNELS[kernel], *listed('packages'), *needed_by(deb)]
    left_out = [f'/lib/modules/*/{folder}/*' for folder in listed('modules_left_out')]
    left_out += ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*', '/usr/share/lintian/*']
    keep = ['/usr/share/doc/*/copyright', '/usr/share/doc/gabion/*']
    return ['mmdebstrap', '--variant=apt', '--mode=root', '--format=directory', '--quiet',
            '--include=' + ','.join(packages),
            *(f'--dpkgopt=path-exclude={pattern}' for pattern in left_out), *(f'--dpkgopt=path-include={pattern}' for pattern in keep),
            f'--customize-hook=upload {deb} /tmp/gabion.deb',
            '--customize-hook=chroot "$1" dpkg --install /tmp/gabion.deb',
            'bookworm', str(root), *mirrors]


def copy_tree(root):
    """config/image/root over the root; everything belongs to root, and is executable or not as in the source."""
    source = IMAGE / 'root'
    for path in sorted(source.rglob('*')):
        target = root / path.relative_to(source)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            shutil.copyfile(path, target)
            target.chmod(0o755 if os.access(path, os.X_OK) else 0o644)


def remove_unwanted(root):
    for pattern in UNWANTED:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def finish(root, password_hash):
    copy_tree(root)
    remove_unwanted(root)
    for folder in MOUNT_POINTS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / 'etc/machine-id').write_text('')
    (root / 'etc/hostname').write_text('gabion\n')
    (root / 'etc/hosts').write_text('127.0.0.1 localhost gabion\n::1 localhost gabion\n')
    (root / 'etc/resolv.conf').unlink(missing_ok=True)
    (root / 'etc/resolv.conf').symlink_to('/run/systemd/resolve/stub-resolv.conf')
    subprocess.run(['systemctl', '--quiet', f'--root={root}', 'disable', *UNITS_OFF], check=True)
    subprocess.run(['systemctl', '--quiet', f'--root={root}', 'enable', *UNITS_ON], check=True)
    shadow = (root / 'etc/shadow').read_text().split('\n')
    shadow = [':'.join(['root', password_hash, *line.split(':')[2:]]) if line.startswith('root:') else line for line in shadow]
    (root / 'etc/shadow').write_text('\n'.join(shadow))


def settle_times(root, epoch):
    """No file is younger than the inputs."""
    for path in [root, *files_below(root)]:
        if path.lstat().st_mtime > epoch:
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def make(root, deb, kernel, mirrors, password_hash, epoch):
    environment = {**os.environ, 'SOURCE_DATE_EPOCH': str(epoch), 'TZ': 'UTC', 'LC_ALL': 'C.UTF-8', 'DEBIAN_FRONTEND': 'noninteractive'}
    subprocess.run(mmdebstrap(root, deb, kernel, mirrors), check=True, env=environment, stdin=subprocess.DEVNULL)
    finish(root, password_hash)
