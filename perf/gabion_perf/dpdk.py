# SPDX-License-Identifier: Apache-2.0
"""The DPDK backend beside dpdk-testpmd's plain forwarding: the same two virtual devices, one forwarding core, taking turns. Both programs are
the real ones. One device gives the same frames over and over as fast as they are taken, UDP from 1,000 sources, each copied into a new buffer
(net_pcap, infinite_rx); the other takes all (net_null). Then build/perf/lcore_bench: the same in memory, and the drop path, beside what
the kernel drops with the same bans and sources, and beside the same stages run packet by packet."""
import json
import re
import shutil
import signal
import statistics
import struct
import subprocess
import time

from gabion_daemon import Daemon
from gabion_lab import BUILD, Lab, LabError, run
from gabion_perf import bars
from gabion_perf.clean import PASSING
from gabion_perf.drop import DropTable, size_name
from gabion_perf.rows import Bare, Gabion
from gabion_perf.source import CPU

SOURCES = 1000
TESTPMD = 'dpdk-testpmd'
SINK = 'net_null0,no-rx=1'
HELD_AND_SENDING = 1_000_000, 64_000
KERNEL = {'bare': 'bare XDP_DROP', 'gabion': 'Gabion, 1M bans, 64k sources'}


def frame(index):
    """The IPv4 header's checksum is left out: nobody here asks for it."""
    ip = struct.pack('!BBHHHBBHI4B', 0x45, 0, 46, 0, 0, 64, 17, 0, 0x1f010000 + index, 20, 0, 0, 1)
    return bytes.fromhex('0200000000010200000000020800') + ip + struct.pack('!4H', 40000, 9, 26, 0) + bytes(18)


def capture(path):
    """In pcap's own format: what net_pcap reads."""
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for one in map(frame, range(SOURCES)):
            file.write(struct.pack('<IIII', 0, 0, len(one), len(one)) + one)


def endless(path):
    return f'net_pcap0,rx_pcap={path},infinite_rx=1'


class NoWireBed:
    """A namespace for gabiond, whose ports are virtual devices."""
    interface = 'wan'

    def __init__(self, lab, file):
        self.lab, self.box, self.file = lab, lab.namespace('box'), file

    def protects(self):
        return {'name': 'wan', 'mode': 'inline', 'peer': 'lan', 'backend': 'dpdk', 'device': endless(self.file), 'peer_device': SINK}

    @staticmethod
    def sections():
        return {'dpdk': {'cores': [CPU], 'huge_pages': False, 'memory_mib': 256}}


def gabiond(file, seconds, banned=None):
    """Frames a second that one lcore forwards."""
    with Lab('dpdk') as lab:
        daemon = Daemon(NoWireBed(lab, file), **PASSING).start()
        if banned:
            daemon.gabion('ban', 'load', banned)
        time.sleep(0.5)
        before, began = daemon.counters(), time.monotonic()
        time.sleep(seconds)
        after, ended = daemon.counters(), time.monotonic()
        if daemon.counters()['packets']['dropped']:
            raise LabError('frames were dropped: this did not measure forwarding')
        daemon.stop()
    return sum(after['packets'][how] - before['packets'][how] for how in ('forwarded', 'handed_over')) / (ended - began)


def testpmd(file, seconds):
    command = [TESTPMD, '-l', f'0,{CPU}', '--no-huge', '-m', '256', '--no-pci', '--no-telemetry', '--vdev', endless(file), '--vdev', SINK,
               '--', '--nb-cores=1', '--forward-mode=io', '--stats-period=1', '--total-num-mbufs=8192']
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        time.sleep(seconds + 2)  # the last whole second counts
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=30)
    rates = [int(rate) for rate in re.findall(r'Tx-pps:\s+(\d+)', told)]
    if not rates or not max(rates):
        raise LabError(f'{TESTPMD} forwarded nothing: {told[-500:]}')
    return max(rates[-2:])


def row(name, values):
    return {'name': name, 'pps': statistics.median(values), 'least': min(values), 'most': max(values)}


class DpdkSection:
    name = 'dpdk'
    help = "the DPDK backend beside dpdk-testpmd, and what looking a burst ahead is worth"

    @staticmethod
    def run(options, tell):
        results = {}
        if shutil.which(TESTPMD):
            tell('  gabiond and dpdk-testpmd')
            seconds, rows = options.seconds or 2, {'testpmd': [], 'gabiond': [], 'gabiond-100k': []}
            with Lab('frames') as lab:
                file, banned = lab.directory / 'frames.pcap', lab.directory / 'bans'
                capture(file)
                banned.write_text('\n'.join(f'60.{n >> 16}.{n >> 8 & 255}.{n & 255}' for n in range(100_000)) + '\n')
                for _ in range(options.rounds or 5):
                    rows['testpmd'].append(testpmd(file, seconds))
                    rows['gabiond'].append(gabiond(file, seconds))
                    rows['gabiond-100k'].append(gabiond(file, seconds, banned))
            names = {'testpmd': 'dpdk-testpmd, io forwarding', 'gabiond': 'gabiond, nothing banned', 'gabiond-100k': 'gabiond, 100k bans'}
            results = {key: row(names[key], values) for key, values in rows.items()}
        else:
            tell(f'  without {TESTPMD}, which is not installed (package dpdk-dev)')
        kernel = DropTable(4, [HELD_AND_SENDING], options.rounds, options.seconds, (Bare, Gabion)).run(tell)
        for key, one in kernel[size_name(*HELD_AND_SENDING)]['rows'].items():
            results[f'kernel-{key}'] = {'name': f'in the kernel: {KERNEL[key]}', 'pps': one['mpps'] * 1e6,
                                        'least': one['mpps_least'] * 1e6, 'most': one['mpps_most'] * 1e6}
        tell('  an lcore in memory')
        done = run('taskset', '-c', CPU, BUILD / 'perf/lcore_bench', '--json', '--rounds', options.rounds or 21, timeout=600)
        return {**results, **json.loads(done.stdout)}

    @staticmethod
    def ratios(results):
        return {name: (reach.value, True) for name, reach in bars.of_dpdk(results).items()}

    @staticmethod
    def text(results):
        lines = [f'  {one["name"]:<40} {one["pps"] / 1e6:7.2f} Mpps ({one["least"] / 1e6:.2f} to {one["most"] / 1e6:.2f}) '
                 f'{1e9 / one["pps"]:6.1f} ns a packet' for one in results.values()]
        lines += [f'  {name}: {reach.value:.2f}, {reach.bar:g} wanted{"" if reach.met else ": missed"}'
                  for name, reach in bars.of_dpdk(results).items()]
        return '\n'.join(lines)

    @staticmethod
    def charts(results):
        return {}
