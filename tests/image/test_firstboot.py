#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the appliance's first boot decides, from a tree of files that stands for a machine."""
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/netns'))
from scenario import case, main  # noqa: E402

loader = importlib.machinery.SourceFileLoader('firstboot', str(ROOT / 'config/image/root/usr/lib/gabion/firstboot'))
firstboot = importlib.util.module_from_spec(importlib.util.spec_from_loader('firstboot', loader))
loader.exec_module(firstboot)
IDENTITY = '0123456789abcdef0123456789abcdef'


class Tree:
    """A machine with these ports (name: NUMA node), CPUs and kernel options."""

    def __init__(self, folder, ports, online='0-3', options='', nodes=None, channels=8):
        self.root = pathlib.Path(folder)
        self.put('proc/cmdline', options)
        self.put('sys/devices/system/cpu/online', online + '\n')
        for node, cpus in (nodes or {}).items():
            self.put(f'sys/devices/system/node/node{node}/cpulist', cpus + '\n')
        (self.root / 'sys/class/net').mkdir(parents=True, exist_ok=True)
        for port, node in ports.items():
            self.put(f'sys/class/net/{port}/type', '1\n')
            self.put(f'sys/class/net/{port}/device/numa_node', f'{node}\n')
        for folder in ('state/boot', 'etc/gabion'):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.machine = firstboot.Machine(self.root, channels=lambda port: channels)

    def put(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def configured(self):
        firstboot.configure(self.machine)
        return tomllib.loads(self.machine.read(firstboot.CONFIG))


@case('all Ethernet ports in host mode, none joined unasked; no wireless, no virtual device')
def host_mode():
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(folder, {'ens10': -1, 'ens9': -1})
        tree.put('sys/class/net/wlan0/type', '1\n')
        tree.put('sys/class/net/wlan0/device/x', '')
        tree.put('sys/class/net/wlan0/phy80211/x', '')
        tree.put('sys/class/net/br0/type', '1\n')
        tree.put('sys/class/net/lo/type', '772\n')
        config = tree.configured()
        assert config['interface'] == [{'name': 'ens9'}, {'name': 'ens10'}], config
        assert config['workers'] == {'cpus': [2, 3]}, config


@case('gabion.inline= joins two ports; one that is not there joins none')
def inline():
    for asked, expected in (('ens1,ens2', [{'name': 'ens1', 'mode': 'inline', 'peer': 'ens2'}, {'name': 'ens0'}]),
                            ('ens1,ens7', None), ('ens1', None), ('ens1,ens1', None)):
        with tempfile.TemporaryDirectory() as folder:
            config = Tree(folder, {'ens0': -1, 'ens1': -1, 'ens2': -1}, options=f'quiet gabion.inline={asked}').configured()
            names = sorted(config['interface'], key=lambda one: one['name'])
            wanted = sorted(expected or [{'name': f'ens{i}'} for i in range(3)], key=lambda one: one['name'])
            assert names == wanted, (asked, names)


@case('CPUs for workers: half, no more than queues, on the ports\' node, none of one')
def cpus():
    for online, channels, nodes, expected in (('0', 8, {}, []), ('0-1', 8, {}, [1]), ('0-2', 8, {}, [2]), ('0-7', 2, {}, [4, 5]),
                                              ('0-7', 1, {}, [4]), ('0-15', 64, {0: '0-7', 1: '8-15'}, [4, 5, 6, 7])):
        with tempfile.TemporaryDirectory() as folder:
            tree = Tree(folder, {'ens1': 0 if nodes else -1}, online, nodes=nodes, channels=channels)
            assert firstboot.worker_cpus(tree.machine, tree.machine.ports()) == expected, (online, channels, nodes)


@case("the operator's configuration stays; its own follows the ports that are there")
def keeps():
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(folder, {'ens1': -1})
        assert len(tree.configured()['interface']) == 1
        tree.put('sys/class/net/ens2/type', '1\n')
        tree.put('sys/class/net/ens2/device/x', '')
        assert len(tree.configured()['interface']) == 2, 'a port that came late'
        edited = tree.machine.read(firstboot.CONFIG).replace('ens2', 'eth7')
        tree.put(firstboot.CONFIG, edited)
        tree.configured()
        assert tree.machine.read(firstboot.CONFIG) == edited


@case('the boot loader is told once; a machine that does not get its options is not started again and again')
def boot_loader():
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(folder, {'ens1': -1}, options='ro quiet')
        tree.put('etc/machine-id', IDENTITY + '\n')
        options = 'isolcpus=managed_irq,domain,2-3 rcu_nocbs=2-3'
        assert firstboot.tell_boot_loader(tree.machine, options)
        assert tree.machine.read('state/boot/options.cfg') == f'set gabion_options="{options} systemd.machine_id={IDENTITY}"\n'
        assert not firstboot.tell_boot_loader(tree.machine, options), 'tried already'
        tree.machine.options = ('ro quiet ' + options).split()
        assert not firstboot.tell_boot_loader(tree.machine, options)
        assert firstboot.tell_boot_loader(tree.machine, ''), 'no CPU is set apart any more'


@case('what the operator put on the disk is moved to its place')
def carried():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as disk:
        tree, disk = Tree(folder, {'ens1': -1}), pathlib.Path(disk)
        (disk / 'network').mkdir()
        (disk / 'network/5-lan.network').write_text('[Match]\n')
        (disk / 'authorized_keys').write_text('ssh-ed25519 AAAA me\n')
        firstboot.carry_in(tree.machine, disk)
        assert tree.machine.read('etc/ssh/keys/authorized_keys') == 'ssh-ed25519 AAAA me\n'
        assert (tree.root / 'etc/ssh/keys/authorized_keys').stat().st_mode & 0o777 == 0o600
        assert tree.machine.read('etc/systemd/network/5-lan.network') == '[Match]\n'
        assert not (disk / 'authorized_keys').exists() and not list(disk.glob('network/*'))


main()
