# SPDX-License-Identifier: Apache-2.0
"""The rows of the drop table: each holds the same banned addresses in a bed of its own, by its own means, and says what arrived and
what went on to where a dropped packet must not come."""
import pathlib
import shutil

from gabion_daemon import Daemon
from gabion_lab import BUILD, Bed, run
from gabion_perf.source import veth_counts


class Unable(Exception):
    """The row cannot be measured here; the text says why and stands in the table."""


class Row:
    name = key = ''
    programs = ()    # executables it needs
    most = None      # bans that it can hold

    def __init__(self, lab, version, file, bans, bed=None):
        missing = [program for program in self.programs if shutil.which(program) is None]
        if missing:
            raise Unable(f'{", ".join(missing)} not installed')
        if self.most is not None and bans > self.most:
            raise Unable(f'holds {self.most:,} at most')
        self.lab, self.version, self.bans = lab, version, bans
        self.bed = bed or Bed(lab)
        self.prepare(pathlib.Path(file))

    def prepare(self, file):
        raise NotImplementedError

    def counts(self):
        """(packets that arrived, those of them that went on), since the bed was made."""
        counts = veth_counts(self.bed.host, self.bed.interface)
        return counts['xdp_packets'], counts['xdp_packets'] - counts['xdp_drops']

    def finish(self):
        """Ends what must end in order; the Lab removes the rest."""

    def undo(self):
        """Leaves an interface that goes on existing as it was."""


class Plain(Row):
    """A program that does nothing else, attached natively."""
    program = 'drop'

    def prepare(self, file):
        options = ['--bans', f'@{file}'] if self.program == 'hash' else []
        self.process = self.bed.host.start(BUILD / 'perf/gbn-plain', '--program', self.program, '--interface', self.bed.interface,
                                           *options, name='gbn-plain').wait_ready(60)

    def undo(self):
        self.process.stop()


class Bare(Plain):
    name, key = 'bare XDP_DROP', 'bare'


class Read(Plain):
    """No list at all: what a program pays for looking at the packet."""
    name, key, program = 'reads the source alone', 'read', 'read'


class HashMap(Plain):
    name, key, program = 'BPF hash map', 'hash', 'hash'


class Gabion(Row):
    name, key = 'Gabion', 'gabion'

    def prepare(self, file):
        self.daemon = Daemon(self.bed, bans={'capacity': max(1 << 20, self.bans)}, daemon={'on_stop': 'detach'}).start()
        self.daemon.gabion('ban', 'load', file, timeout=120)

    def finish(self):
        self.daemon.identity()
        self.undo()

    def undo(self):
        self.daemon.stop()


class XdpFilter(Row):
    name, key, programs, most = 'xdp-filter', 'xdp-filter', ('xdp-filter',), 10000  # its maps' max_entries, xdp-tools 1.3

    def prepare(self, file):
        self.script('xdp-filter load -m native -p allow -f ipv4,ipv6 "$2" && '
                    'while read -r address; do xdp-filter ip -m src "$address" || exit 1; done <"$3"', file)

    def script(self, text, *arguments):
        """It pins under /sys/fs/bpf: there its own process sees this lab's file system."""
        self.bed.host.run('unshare', '--mount', 'sh', '-c', 'mount --bind "$1" /sys/fs/bpf && ' + text, 'sh',
                          self.lab.directory / 'bpf', self.bed.interface, *arguments, timeout=120)

    def undo(self):
        self.script('xdp-filter unload "$2"')


class InTheStack(Row):
    """Rows whose drop stands in the stack: the frames become packets on the way, by the driver's poll."""
    counter = {4: '', 6: ''}  # of the stack, behind the drop

    def prepare(self, file):
        if isinstance(self.bed, Bed):  # a veth polls only with GRO on; a real port is left as it is
            self.bed.host.run('ethtool', '-K', self.bed.interface, 'gro', 'on')
        self.fill(file)

    def fill(self, file):
        raise NotImplementedError

    def counts(self):
        arrived = veth_counts(self.bed.host, self.bed.interface)['xdp_packets']
        return arrived, self.bed.host.nstat()[self.counter[self.version]]

    @property
    def ip(self):
        return 'ip6' if self.version == 6 else 'ip'


class Nft(InTheStack):
    """A set of fixed size, the fast kind of hash, asked in one chain of one table."""
    programs = ('nft',)

    def table(self):
        raise NotImplementedError

    def hook(self):
        raise NotImplementedError

    def fill(self, file):
        kind = 'ipv6_addr' if self.version == 6 else 'ipv4_addr'
        elements = ',\n'.join(file.read_text().split())
        self.bed.host.run('nft', '-f', '-', timeout=120, stdin=(
            f'table {self.table()} lab {{ set banned {{ type {kind}; size {self.bans}; elements = {{ {elements} }} }}\n'
            f'chain drops {{ type filter hook {self.hook()}; {self.ip} saddr @banned drop\n}}\n}}\n'))

    def undo(self):
        self.bed.host.run('nft', 'delete', 'table', self.table(), 'lab')


class NftIngress(Nft):
    name, key = 'nftables netdev ingress', 'nft-ingress'
    counter = {4: 'Ip.InReceives', 6: 'Ip6InReceives'}

    def table(self):
        return 'netdev'

    def hook(self):
        return f'ingress device "{self.bed.interface}" priority 0'


class NftRaw(Nft):
    name, key = 'nftables raw prerouting', 'nft-raw'
    counter = {4: 'Ip.InDelivers', 6: 'Ip6InDelivers'}

    def table(self):
        return self.ip

    def hook(self):
        return 'prerouting priority raw'


class IpSet(InTheStack):
    name, key, programs = 'iptables raw + ipset', 'ipset', ('iptables', 'ip6tables', 'ipset')
    counter = {4: 'Ip.InDelivers', 6: 'Ip6InDelivers'}

    def fill(self, file):
        family = 'inet6' if self.version == 6 else 'inet'
        lines = [f'create banned hash:ip family {family} hashsize {max(1024, self.bans)} maxelem {self.bans}']
        lines += [f'add banned {address}' for address in file.read_text().split()]
        self.bed.host.run('ipset', 'restore', stdin='\n'.join(lines) + '\n', timeout=120)
        self.rule('-A')

    def rule(self, action):
        self.bed.host.run(f'{self.ip}tables', '-t', 'raw', action, 'PREROUTING', '-m', 'set',
                          '--match-set', 'banned', 'src', '-j', 'DROP')

    def undo(self):
        self.rule('-D')
        self.bed.host.run('ipset', 'destroy', 'banned')


ROWS = (Bare, Gabion, HashMap, Read, XdpFilter, NftIngress, NftRaw, IpSet)
