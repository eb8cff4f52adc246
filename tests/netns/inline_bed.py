# SPDX-License-Identifier: Apache-2.0
"""A bed with two ports: a box without an address between the world and the host."""
import os

from gabion_lab import Bed
from scenario import Skip


class InlineBed(Bed):
    """The same, with a box between the two: world net0 - prot0 box prot1 - in0 host. Both far ends are made to behave as the end of a
    cable does: they poll, without which a veth takes no redirected frames, and send whole frames with their checksums in them.
    Between veths a sum may be left open and a segment uncut, which is told beside the frame, and redirection forgets what is beside it."""

    peer, host_end, offloads = 'prot1', 'in0', False
    rewritten = ()  # kinds of frames (raw_exchange.py) that come out otherwise, for which the bed is to blame

    def stand(self):
        self.box, self.host_port = self.lab.namespace('box'), self.host_end

    def protects(self):
        return {'name': self.interface, 'mode': 'inline', 'peer': self.peer}

    def connect(self):
        self.connect_outside()
        self.connect_inside()

    def connect_outside(self):
        super().connect()
        self.without_address(self.interface)
        self.like_a_cable(self.world, 'net0')

    def connect_inside(self):
        self.lab.veth(self.box, self.peer, self.host, self.host_port, self.queues)
        self.without_address(self.peer)
        self.like_a_cable(self.host, self.host_port)

    def connect_again(self, port):
        """A port that was deleted, and with it the far end of its cable, as they were."""
        if port == self.interface:
            self.connect_outside()
            self.address_world()
        else:
            self.connect_inside()
            self.address_host()
        self.learn_neighbours()

    def without_address(self, port):
        self.box.sysctl(**{f'net__ipv6__conf__{port}__disable_ipv6': 1})

    @staticmethod
    def apply(daemon):
        """A setting of the interface that was changed in the configuration."""
        daemon.gabion('reload')

    @staticmethod
    def like_a_cable(namespace, interface):
        namespace.run('ethtool', '-K', interface, 'gro', 'on', 'tx', 'off')


class DpdkBed(InlineBed):
    """The two ports of the box are polled by threads of gabiond, through packet sockets: no card is there to be taken from the kernel."""

    cores = [1]
    # What a packet socket is given has its outer tag taken out, and the driver puts back the usual one whichever it was.
    rewritten = ('two tags',)

    def protects(self):
        if os.environ.get('GABION_DPDK') == 'no':
            raise Skip('gabiond was built without DPDK')
        return {**super().protects(), 'backend': 'dpdk', 'device': self.device(0, self.interface),
                'peer_device': self.device(1, self.peer)}

    @staticmethod
    def device(number, interface):
        """With room for what comes while a busy machine keeps the thread from its CPU: the driver counts nothing that is lost there."""
        return f'net_af_packet{number},iface={interface},framecnt=8192'

    def attached(self, asked):
        return 'poll-mode'

    @staticmethod
    def place_sender(sender):
        """A ring is between it and the thread that polls."""
        return sender

    @staticmethod
    def apply(daemon):
        daemon.stop()
        daemon.start()

    def sections(self):
        return {'dpdk': {'cores': self.cores, 'huge_pages': False, 'memory_mib': 128, 'idle_us': 50}}


class TwoThreadsBed(DpdkBed):
    """Two threads, each with a queue of both ports."""

    cores = [0, 1]

    @staticmethod
    def device(number, interface):
        return DpdkBed.device(number, interface) + ',qpairs=2'


class OneWayBed(InlineBed):
    """The inside port has one queue to send by, fewer than the outside one receives on."""

    def connect_inside(self):
        super().connect_inside()
        self.box.run('ethtool', '-L', self.peer, 'tx', 1)
