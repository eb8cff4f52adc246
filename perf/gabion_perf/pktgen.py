# SPDX-License-Identifier: Apache-2.0
"""The kernel's packet generator on a real port: Documentation/networking/pktgen.rst says what each command means."""
import os
import pathlib
import re
import shutil
import subprocess
import time

from gabion_lab import LabError

ROOT = pathlib.Path('/proc/net/pktgen')
DESTINATION = '198.18.0.42'  # RFC 2544: for benchmarks; nobody's


class Pktgen:
    """Sends from one port by as many threads as half of the processors, the last ones; the others are left to the receiving port."""

    def __init__(self, interface, to_mac):
        if not (ROOT / 'pgctrl').exists() and shutil.which('modprobe'):
            subprocess.run(['modprobe', 'pktgen'], capture_output=True, check=False)
        if not (ROOT / 'pgctrl').exists():
            raise LabError('--wire needs pktgen, and this kernel has none: neither built in nor as a module (CONFIG_NET_PKTGEN; '
                           "Debian's kernels bring it)")
        cpus = sorted(os.sched_getaffinity(1))
        self.cpus = cpus[-max(1, len(cpus) // 2):]
        self.devices = {cpu: f'{interface}@{cpu}' for cpu in self.cpus}
        self.to_mac = to_mac

    @staticmethod
    def tell(file, command):
        try:
            (ROOT / file).write_text(command + '\n')
        except OSError as error:
            raise LabError(f'pktgen refuses "{command}" for {file}: {error.strerror}') from error

    def prepare(self, first, last, count=0):
        """Sources from `first` to `last`, in turn; each thread its own share of them, in a queue of its own."""
        self.tell('pgctrl', 'reset')
        for cpu, device in self.devices.items():
            self.tell(f'kpktgend_{cpu}', 'rem_device_all')
            self.tell(f'kpktgend_{cpu}', f'add_device {device}')
            for command in (f'count {count}', 'clone_skb 0', 'pkt_size 60', 'delay 0', 'flag NO_TIMESTAMP', 'flag QUEUE_MAP_CPU',
                            f'dst_mac {self.to_mac}', f'dst_min {DESTINATION}', f'dst_max {DESTINATION}', f'src_min {first}',
                            f'src_max {last}', 'udp_src_min 1024', 'udp_src_max 65000', 'udp_dst_min 9', 'udp_dst_max 9',
                            'flag UDPSRC_RND'):
                self.tell(device, command)

    def run(self, seconds):
        """Sends for so long, or until the count is reached. Returns how many went out, all threads together."""
        starter = subprocess.Popen(['sh', '-c', f'echo start >{ROOT}/pgctrl'], stderr=subprocess.DEVNULL)
        end = time.monotonic() + seconds
        while time.monotonic() < end and starter.poll() is None:
            time.sleep(0.02)
        if starter.poll() is None:
            self.tell('pgctrl', 'stop')
        starter.wait(10)
        sent = [re.search(r'pkts-sofar: (\d+)', (ROOT / device).read_text()) for device in self.devices.values()]
        return sum(int(found.group(1)) for found in sent)

    def close(self):
        self.tell('pgctrl', 'reset')
