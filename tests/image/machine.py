# SPDX-License-Identifier: Apache-2.0
"""A virtual machine that boots the appliance's disk under QEMU's software emulation, with real virtio ports: one for administration, which QEMU itself
serves, and one for each tap, which stands in a namespace of the lab. What is asked of it goes over ssh, as an operator would ask."""
import json
import pathlib
import re
import subprocess
import time

from gabion_lab import LabError, run, wait_for

SSH_PORT = 2222
BOOT_SECONDS = 900  # software emulation on a busy machine; on an idle one it takes a tenth
FIRMWARE = '/usr/share/OVMF/OVMF_CODE.fd'


class Machine:
    def __init__(self, lab, disk, key, taps=(), cpus=2, queues=4, uefi=False):
        self.lab, self.disk, self.key, self.taps, self.cpus, self.queues, self.uefi = lab, disk, key, taps, cpus, queues, uefi
        self.form = 'qcow2'
        self.place = lab.namespace('vmm-uefi' if uefi else 'vmm')  # QEMU's own network, so that its forwarded port is nobody else's
        self.console = lab.directory / 'console.log'
        self.process = None

    def command(self):
        command = ['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', self.cpus, '-m', 1536, '-display', 'none',
                   '-chardev', f'file,id=console,path={self.console}', '-serial', 'chardev:console', '-monitor', 'none', '-drive', f'file={self.disk},if=virtio,format={self.form},cache=unsafe',
                   '-netdev', f'user,id=admin,hostfwd=tcp:127.0.0.1:{SSH_PORT}-:22', '-device', 'virtio-net-pci,netdev=admin,romfile=,addr=3']
        if self.uefi:
            command += ['-drive', f'if=pflash,format=raw,readonly=on,file={FIRMWARE}']
        for number, (tap, _) in enumerate(self.taps):
            command += ['-netdev', f'tap,id={tap},ifname={tap},script=no,downscript=no,queues={self.queues}',
                        '-device', f'virtio-net-pci,netdev={tap},romfile=,addr={4 + number},mq=on,vectors={2 * self.queues + 2},'
                        f'mac=02:00:00:00:00:0{number + 1}']
        return command

    def start(self):
        for tap, _ in self.taps:
            self.place.run('ip', 'tuntap', 'add', tap, 'mode', 'tap', 'multi_queue', 'vnet_hdr')
        self.process = self.place.start(*self.command(), name='qemu')
        for tap, namespace in self.taps:  # QEMU opened them; they may go where they belong
            wait_for(f'QEMU to open {tap}', lambda tap=tap: 'NO-CARRIER' not in self.link(tap) or not self.process.running(), 20)
            self.place.run('ip', 'link', 'set', tap, 'netns', namespace.name)
            namespace.run('ip', 'link', 'set', tap, 'up')
        return self

    def link(self, tap):
        self.place.run('ip', 'link', 'set', tap, 'up')
        return self.place.run('ip', 'link', 'show', tap).stdout

    def ssh(self, command, check=True, timeout=120, stdin=None):
        return self.place.run('ssh', '-i', self.key, '-p', SSH_PORT, '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
                              '-o', 'LogLevel=ERROR', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', 'root@127.0.0.1', command,
                              check=check, timeout=timeout, stdin=stdin)

    def told(self, command, **options):
        return self.ssh(command, **options).stdout.strip()

    def ask(self, command):
        return json.loads(self.told(f'gabion {command} --json'))

    def copy(self, file, target):
        with open(file, 'rb') as content:
            subprocess.run(self.place.enter('ssh', '-i', str(self.key), '-p', str(SSH_PORT), '-o', 'StrictHostKeyChecking=no', '-o',
                                            'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', 'root@127.0.0.1', f'cat >{target}'),
                           check=True, stdin=content, timeout=120)

    def answers(self):
        if not self.process.running():
            raise LabError(f'QEMU ended: {self.process.log.read_text()}')
        return self.boot_id() is not None

    def boot_id(self):
        """Of the boot that answers; nothing while none does."""
        try:
            return self.ssh('cat /proc/sys/kernel/random/boot_id', check=False, timeout=60).stdout.strip() or None
        except subprocess.TimeoutExpired:
            return None

    def wait_until_protecting(self, workers):
        """Until every worker of the interfaces that have workers is alive; returns the status."""
        def protecting():
            done = self.ssh('gabion status --json', check=False)
            if done.returncode != 0:
                return None
            status = json.loads(done.stdout)
            alive = sum(worker['alive'] for one in status['interfaces'] for worker in one['workers'])
            return status if alive >= workers else None
        begin = time.monotonic()
        wait_for('the machine to answer: ' + self.end_of_console(), self.answers, BOOT_SECONDS, every=2)
        status = wait_for('the workers', protecting, 300, every=2)
        return status, time.monotonic() - begin

    def reboot(self):
        before = self.boot_id()
        self.ssh('systemctl --no-block reboot', check=False)
        wait_for('the machine to come back', lambda: self.boot_id() not in (None, before), BOOT_SECONDS, every=3)

    def end_of_console(self):
        text = self.console.read_text(errors='replace') if self.console.exists() else ''
        return re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', text)[-1500:]

    def stop(self):
        if self.process and self.process.running():
            self.ssh('systemctl poweroff', check=False)
            try:
                self.process.wait(120)
            except LabError:
                pass


def overlay(disk, target, mebibytes=4096):
    """A disk of its own on top of the built one, larger, as after writing the image to a real one."""
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', pathlib.Path(disk).suffix[1:], '-b', pathlib.Path(disk).resolve(), target, f'{mebibytes}M')
    return target
