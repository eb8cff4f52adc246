# SPDX-License-Identifier: Apache-2.0
"""The disk: a GPT with GRUB for BIOS, GRUB for UEFI, the root and the state partition, put together in a file, without loop devices.

| partition   | holds |
|-------------|-------|
| gabion-bios | GRUB's core for BIOS, which the first sector loads |
| gabion-boot | FAT: GRUB for UEFI, where any firmware looks for it; the operator's folder gabion/ |
| gabion-root | ext4, read-only in operation: kernel, Debian, Gabion |
| gabion-state| ext4: everything that is to stay; grows with the disk |
"""
import os
import struct
import subprocess
import uuid

MIB = 1 << 20
SECTOR = 512
TYPES = {'bios': '21686148-6449-6E6F-744E-656564454649', 'boot': 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
         'root': '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709', 'state': '0FC63DAF-8483-4772-8E79-3D69D8477DE4'}
SIZES = {'bios': 1 * MIB, 'boot': 64 * MIB, 'root': 1536 * MIB, 'state': 512 * MIB}
GRUB_MODULES = ['part_gpt', 'ext2', 'fat', 'search', 'search_fs_uuid', 'search_label', 'normal', 'configfile', 'linux', 'test', 'echo', 'serial',
                'terminal', 'reboot', 'halt', 'ls', 'cat', 'minicmd', 'sleep']
# grub-bios-setup's part, for a disk that is a file. Offsets of GRUB's include/grub/i386/pc/boot.h and of diskboot.S's list of blocks.
BOOT_CODE_BYTES, BOOT_DRIVE_CHECK, BOOT_CORE_SECTOR, CORE_NEXT_SECTOR = 440, 0x66, 0x5c, SECTOR - 12


def run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, stdin=options.pop('stdin', subprocess.DEVNULL), **options)


class Disk:
    """`name` and the inputs behind it fix every UUID, so that two builds from the same inputs have the same ones."""

    def __init__(self, work, seed, state_bytes):
        self.work = work
        self.sizes = {**SIZES, 'state': state_bytes}
        self.ids = {name: str(uuid.uuid5(uuid.NAMESPACE_URL, f'{seed} {name}')) for name in ('disk', *TYPES)}
        self.starts, at = {}, MIB
        for name, size in self.sizes.items():
            self.starts[name], at = at, at + size
        self.bytes = at + MIB  # the table's copy is at the end

    def part(self, name):
        return self.work / f'{name}.part'

    def make_ext4(self, name, label, folder, epoch):
        environment = {**os.environ, 'E2FSPROGS_FAKE_TIME': str(epoch)}
        with open(self.part(name), 'wb') as file:
            file.truncate(self.sizes[name])
        run('mke2fs', '-q', '-t', 'ext4', '-F', '-m', '1', '-L', label, '-U', self.ids[name], '-E',
            f'hash_seed={self.ids["disk"]},lazy_itable_init=0,root_owner=0:0', '-d', folder, self.part(name), env=environment)

    def grub_core(self, form, target, more):
        """A core that knows the root by its UUID and finds the menu there."""
        early = self.work / 'early.cfg'
        early.write_text(f'search.fs_uuid {self.ids["root"]} root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n')
        run('grub-mkimage', '-O', form, '-o', target, '-c', early, '-p', '/boot/grub', *GRUB_MODULES, *more)

    def make_boot(self, carried):
        """The firmware's partition; `carried`: name in the operator's folder -> file."""
        core = self.work / 'bootx64.efi'
        self.grub_core('x86_64-efi', core, ['efi_gop'])
        with open(self.part('boot'), 'wb') as file:
            file.truncate(self.sizes['boot'])
        volume = self.ids['boot'].replace('-', '')[:8]
        run('mkfs.vfat', '--invariant', '-F', '32', '-n', 'GABION-BOOT', '-i', volume, self.part('boot'), stdout=subprocess.DEVNULL)
        image = ['-i', self.part('boot')]
        run('mmd', *image, '::/EFI', '::/EFI/BOOT', '::/gabion', '::/gabion/network')
        run('mcopy', *image, core, '::/EFI/BOOT/BOOTX64.EFI')
        for name, file in carried.items():
            run('mcopy', *image, file, f'::/gabion/{name}')

    def write_table(self, target):
        lines = ['label: gpt', f'label-id: {self.ids["disk"]}']
        lines += [f'start={self.starts[name] // SECTOR}, size={self.sizes[name] // SECTOR}, type={TYPES[name]}, uuid={self.ids[name]}, '
                  f'name="gabion-{name}"' for name in self.sizes]
        run('sfdisk', '--quiet', target, stdin=None, input='\n'.join(lines).encode())

    def write_bios_loader(self, disk):
        """The first sector's code, which loads the core from its partition, whose first sector loads the rest."""
        core_file = self.work / 'core.img'
        self.grub_core('i386-pc', core_file, ['biosdisk'])
        core = bytearray(core_file.read_bytes())
        if len(core) > self.sizes['bios']:
            raise RuntimeError(f"GRUB's core has {len(core)} bytes, its partition {self.sizes['bios']}")
        code = bytearray(open('/usr/lib/grub/i386-pc/boot.img', 'rb').read()[:BOOT_CODE_BYTES])
        first = self.starts['bios'] // SECTOR
        code[BOOT_DRIVE_CHECK:BOOT_DRIVE_CHECK + 2] = b'\x90\x90'
        struct.pack_into('<Q', code, BOOT_CORE_SECTOR, first)
        struct.pack_into('<Q', core, CORE_NEXT_SECTOR, first + 1)
        disk.seek(0)
        disk.write(code)
        disk.seek(self.starts['bios'])
        disk.write(core)

    def assemble(self, target):
        """All partitions into one file, with holes where there is nothing."""
        with open(target, 'wb') as disk:
            disk.truncate(self.bytes)
        self.write_table(target)
        with open(target, 'r+b') as disk:
            self.write_bios_loader(disk)
        for name in ('boot', 'root', 'state'):
            run('dd', f'if={self.part(name)}', f'of={target}', 'bs=1M', f'seek={self.starts[name] // MIB}', 'conv=notrunc,sparse', 'status=none')
            self.part(name).unlink()
