#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The appliance's disk, built and booted: run by `tools/test --image`. One virtual machine stands as an inline pair between two namespaces, with
real virtio ports; the cases go from its first boot to its upgrade, in this order, and share it. Another boots by UEFI, with nothing configured.

    GABION_BUILD=build python3 tests/image/test_image.py [part of a case's title]"""
import json
import os
import pathlib
import re
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'netns'))
from gabion_lab import BUILD, GATE4, GATE6, HOST4, HOST6, ROOT, Bed, Lab, LabError, run, wait_for  # noqa: E402
from machine import Machine, overlay  # noqa: E402
from scenario import case, main  # noqa: E402

OUTSIDE, INSIDE = 'ens4', 'ens5'
CONFIG = f'''[[interface]]
name = "{OUTSIDE}"
mode = "inline"
peer = "{INSIDE}"
[workers]
cpus = [1]
[sampling]
one_in = 64
'''
WORKER_CPU = 1
# Run in the machine: where each thread of a user-space program (the kernel's own have no memory) may run, and who serves the ports' receive queues in use.
WHO_RUNS_WHERE = f'''
import glob, json, os, re
threads = []
for path in glob.glob("/proc/[0-9]*/task/*/status"):
    try:
        status = dict(line.split(":", 1) for line in open(path))
    except OSError:
        continue
    if "VmSize" in status:
        threads.append((status["Name"].strip(), status["Cpus_allowed_list"].strip()))
interrupts = {{}}
for port in ("{OUTSIDE}", "{INSIDE}"):
    device = os.path.basename(os.path.realpath("/sys/class/net/" + port + "/device"))
    queues = len(glob.glob("/sys/class/net/" + port + "/queues/rx-*"))
    for line in open("/proc/interrupts"):
        found = re.search(r"^ *([0-9]+):.*" + device + r"-input\\.([0-9]+)", line)
        if found and int(found[2]) < queues:
            interrupts[port + " " + found[2]] = open("/proc/irq/" + found[1] + "/smp_affinity_list").read().strip()
print(json.dumps(dict(threads=threads, interrupts=interrupts)))
'''
BANNED4, BANNED6 = '91.0.0.7', '2a00:91::7'


class Bench:
    """What the cases share: the built image, and the machine between the two namespaces, booted when the first of them needs it."""

    def __init__(self, lab):
        self.lab = lab
        self.output = BUILD / 'image'
        self.key = lab.directory / 'key'
        run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', self.key)
        self.bed = None

    def build(self, *more):
        config = self.lab.directory / 'gabion.toml'
        config.write_text(CONFIG)
        begin = time.monotonic()
        run(ROOT / 'tools/build-image', '--kernel', 'cloud', '--output', self.output, '--ssh-key', f'{self.key}.pub', '--config', config, *more,
            timeout=1200)
        return time.monotonic() - begin

    def built(self, kind):
        found = sorted(self.output.glob(f'gabion-*.{kind}'), key=lambda path: path.stat().st_mtime)
        return found[-1] if found else None

    def machine(self):
        if self.bed is None:
            raise LabError('no machine: run the case that boots it, too')
        return self.bed.machine


class TapBed(Bed):
    """World and host on the two taps of a machine."""

    offloads = False
    machine = None

    def __init__(self, lab, boot):
        self.boot = boot
        super().__init__(lab, queues=4)

    def stand(self):
        self.box, self.host_port = None, 'in0'

    def connect(self):
        self.machine = self.boot((('net0', self.world), ('in0', self.host))).start()


bench = None


@case('the image builds from Debian packages, with a manifest beside it')
def builds():
    took = bench.build()
    manifest = bench.built('manifest').read_text()
    assert '\n# packages\n' in manifest and '/usr/sbin/gabiond ' in manifest, manifest[:500]
    assert 'ssh_host_' not in manifest, 'host keys that every machine would share'
    assert bench.built('raw').stat().st_size > 0 and bench.built('qcow2').stat().st_size > 0
    return f'built in {took:.0f} s'


@case('a build from the same inputs has the same manifest')
def reproducible():
    before = bench.built('manifest').read_text()
    deb = sorted(BUILD.glob('gabion_*.deb'), key=lambda path: path.stat().st_mtime)[-1]
    took = bench.build('--manifest-only', '--deb', deb)
    after = bench.built('manifest').read_text()
    different = sorted(set(before.split('\n')) ^ set(after.split('\n')), key=lambda line: line.split(' ', 2)[-1])
    assert not different, '\n'.join(different[:40])
    return f'built again in {took:.0f} s; {len(after.splitlines())} lines agree'


@case('BIOS: the first boot takes over what the operator put on the disk, and comes up protecting by itself')
def boots():
    disk = overlay(bench.built('raw'), bench.lab.directory / 'bios.qcow2')
    begin = time.monotonic()
    bench.bed = TapBed(bench.lab, lambda taps: Machine(bench.lab, disk, bench.key, taps))
    status, _ = bench.machine().wait_until_protecting(1)
    took = time.monotonic() - begin
    modes = {one['name']: one['mode'] for one in status['interfaces']}
    assert modes[OUTSIDE] == 'inline', modes
    attached = {one['name']: one['attach'] for one in status['interfaces'] if one['name'] in (OUTSIDE, INSIDE)}
    assert set(attached.values()) == {'native'}, attached
    assert 'starting once more' in bench.machine().console.read_text(errors='replace'), 'CPUs are set apart by a second start'
    return f'two boots until protecting: {took:.0f} s; {attached}'


@case('the worker has its CPU for itself: no other program, and no interrupt of a port')
def isolated():
    machine = bench.machine()
    assert machine.told('cat /sys/devices/system/cpu/isolated') == str(WORKER_CPU)
    found = json.loads(machine.told('python3 -', stdin=WHO_RUNS_WHERE))
    there = [name for name, cpus in found['threads'] if str(WORKER_CPU) in cpus.replace('-', ',').split(',')]
    assert len(found['threads']) > 10 and there and all(re.fullmatch('gabion-q[0-9]+', name) for name in there), (there, found)
    irqs = found['interrupts']
    assert len(irqs) >= 2 and str(WORKER_CPU) not in irqs.values(), irqs
    return f'on CPU {WORKER_CPU}: {there}; interrupts: {irqs}'


@case('the root is read-only, state stands on its own partition and has grown, nothing failed, logs are bounded, keys alone log in')
def laid_out():
    machine = bench.machine()
    assert machine.told('findmnt -no OPTIONS /').split(',')[0] == 'ro'
    assert machine.ssh('touch /usr/x', check=False).returncode != 0
    assert machine.told('findmnt -no SOURCE /var/lib/gabion').startswith('/dev/vda4')
    assert int(machine.told('df --output=size -m /state | tail -1')) > 2000, 'the disk has 4 GiB'
    assert machine.told('findmnt -no FSTYPE /sys/fs/bpf') == 'bpf'
    failed = machine.told('systemctl --failed --plain --no-legend')
    assert not failed, failed
    settings = machine.told('sshd -T').lower()
    assert 'passwordauthentication no' in settings and 'permitrootlogin without-password' in settings and 'kbdinteractiveauthentication no' in settings
    assert machine.told('systemctl is-active serial-getty@ttyS0') == 'active'
    assert '128M' in machine.told('systemd-analyze cat-config systemd/journald.conf | grep ^SystemMaxUse')


@case("the unit's sandbox: an exposure of 3.0 or less")
def sandbox():
    told = bench.machine().told('systemd-analyze security gabiond --no-pager | tail -1')
    exposure = float(told.split('gabiond.service:')[1].split()[0])
    assert exposure <= 3.0, told
    return told


def pings(bed):
    for namespace, address in ((bed.world, HOST4), (bed.world, HOST6), (bed.host, GATE4), (bed.host, GATE6)):
        done = namespace.run('ping', '-c', 5, '-i', '0.3', '-W', 5, address, check=False, timeout=60)
        assert ' 0% packet loss' in done.stdout, done.stdout


def exchanged(bed, server, client, target4, target6, source4, source6):
    """Downloads, uploads and UDP queries from one end to the other."""
    service = server.tool('serve', http=80, udp=53).wait_ready()
    told = []
    for source, target in ((source4, target4), (source6, target6)):
        for kind, port, size in (('download', 80, 50000), ('upload', 80, 50000), ('udp', 53, 100)):
            result = client.tool('clients', source=source, server=target, kind=kind, port=port, bytes=size, rate=5, seconds=2).result(120)
            assert result['failed'] == 0 and result['ok'] >= 9, (source, kind, result)
            told.append(f'{kind} {source}: {result["ok"]}')
    service.stop()
    return told


@case('TCP, UDP and ping pass both ways, v4 and v6')
def passes():
    bed = bench.bed
    pings(bed)
    told = exchanged(bed, bed.host, bed.world, HOST4, HOST6, '31.0.0.1', '2a00:31::1')
    return told + exchanged(bed, bed.world, bed.host, GATE4, GATE6, HOST4, HOST6)


def identity(machine):
    """Asserts the sums of the accounting identity once the counters rest; returns the counters."""
    seen = [None]

    def rest():
        now, before = machine.ask('counters'), seen[0]
        seen[0] = now
        return now if before == now else None
    counters = wait_for('the counters to rest', rest, 60, every=1)
    for name, one in counters['interfaces'].items():
        packets, workers = one['packets'], one['workers']
        assert packets['received'] == sum(packets[k] for k in ('passed', 'forwarded', 'answered', 'handed_over', 'dropped')), (name, packets)
        assert packets['handed_over'] == sum(workers[k] for k in ('handed_back', 'dropped', 'in_flight', 'lost')), (name, packets, workers)
        assert one['identity']['holds'], (name, one['identity'])
    return counters


def dropped(machine, reason):
    return identity(machine)['interfaces'][OUTSIDE]['drops'].get(reason, 0)


@case('floods from banned sources are dropped to the last packet, others arrive; the identity holds')
def bans():
    bed, machine = bench.bed, bench.machine()
    machine.ssh(f'gabion ban add {BANNED4} && gabion ban add {BANNED6}')
    for banned, free, target in ((BANNED4, '31.0.0.9', HOST4), (BANNED6, '2a00:31::9', HOST6)):
        before = dropped(machine, 'ban-operator')
        receiver = bed.host.tool('recv', port=9000, quiet_ms=4000).wait_ready()
        flood = bed.send(source=banned, destination=target, dport=9000, rate=2000, count=6000)
        calm = bed.send(source=free, destination=target, dport=9000, rate=100, count=300).result(120)
        flood = flood.result(120)
        got = receiver.result(120)
        assert dropped(machine, 'ban-operator') - before == flood['sent'] == 6000, (flood, identity(machine))
        assert got['unique'] == calm['sent'] == 300, got


@case('a kill of the daemon stops neither forwarding nor bans; it comes back by itself')
def killed():
    bed, machine = bench.bed, bench.machine()
    before, banned_before = machine.told('systemctl show -P MainPID gabiond'), dropped(machine, 'ban-operator')
    receiver = bed.host.tool('recv', port=9000, quiet_ms=4000).wait_ready()
    sender = bed.send(source='31.0.0.9', destination=HOST4, dport=9000, rate=100, count=1500)
    flood = bed.send(source=BANNED4, destination=HOST4, dport=9001, rate=200, count=3000)
    machine.ssh('systemctl kill -s KILL gabiond')
    sent, banned, got = sender.result(120), flood.result(120), receiver.result(120)
    lost = sent['sent'] - got['unique']
    assert lost <= 256, (sent, got, 'more than what a worker may have held')
    wait_for('gabiond to come back', lambda: machine.told('systemctl show -P MainPID gabiond') not in (before, '0'), 60, every=1)
    machine.wait_until_protecting(1)
    assert dropped(machine, 'ban-operator') - banned_before == banned['sent'], identity(machine)
    return f'{lost} of {sent["sent"]} packets were with the killed worker'


@case("the kernel's packet generator in the machine: every packet accounted for, banned and free sources, v4 and v6")
def pktgen():
    machine = bench.machine()
    machine.copy(ROOT / 'tools/pktgen', '/run/pktgen')
    machine.ssh('modprobe pktgen; ip link add pg0 type veth peer name pg1; ip link set pg0 up; ip link set pg1 up; ethtool -K pg0 gro on; '
                'echo "[[interface]]\nname = \\"pg1\\"" >>/etc/gabion/gabion.toml; systemctl restart gabiond; '
                'ip address add 20.9.0.1/24 dev pg1; ip address add 2a00:9::1/64 dev pg1 nodad; ip route add blackhole 91.0.0.0/16')
    wait_for('pg1 to be protected', lambda: any(one['name'] == 'pg1' and one['workers'] for one in machine.ask('status')['interfaces']), 60, every=1)
    mac = machine.told('cat /sys/class/net/pg1/address')
    told = []
    for source, target, all_dropped in ((BANNED4, '20.9.0.1', True), ('91.0.1.1-91.0.8.1', '20.9.0.1', False), (BANNED6, '2a00:9::1', True),
                                        ('2a00:91::99', '2a00:9::1', False)):
        size = '62-512' if ':' in target else '60-512'
        done = machine.ssh(f'python3 /run/pktgen --interface pg0 --to-mac {mac} --destination {target} --source {source} --size {size} --threads 1 '
                           f'--count 20000 --seconds 60 --rate 5000 --protected pg1 --json', check=False, timeout=200)
        assert done.returncode == 0, (done.stdout, done.stderr)
        report = json.loads(done.stdout)
        assert report['sent'] == 20000 and report['unaccounted'] == 0, report
        banned = report['drops'].get('ban-operator', 0)
        assert banned == 20000 if all_dropped else banned == 0, report
        told.append(f'{source}: {report}')
    refused = machine.ssh('python3 /run/pktgen --interface pg0 --to-mac ff:ff:ff:ff:ff:ff --destination 20.9.0.1', check=False)
    assert refused.returncode == 2 and 'one station' in refused.stderr, refused.stderr
    machine.ssh("sed -i '$d' /etc/gabion/gabion.toml; sed -i '$d' /etc/gabion/gabion.toml; systemctl restart gabiond; ip link del pg0")
    machine.wait_until_protecting(1)
    return told


@case('a package of a higher version takes over: bans stay, forwarding goes on, the root is read-only again')
def upgraded():
    bed, machine = bench.bed, bench.machine()
    deb = pathlib.Path(run(ROOT / 'tools/build-deb', '--version', '99.1', BUILD, timeout=900).stdout.strip().split('\n')[-1])
    machine.copy(deb, '/run/new.deb')
    deb.unlink()
    before = machine.told('systemctl show -P MainPID gabiond')
    receiver = bed.host.tool('recv', port=9000, quiet_ms=10000).wait_ready()
    sender = bed.send(source='31.0.0.9', destination=HOST4, dport=9000, rate=50, seconds=60)
    machine.ssh('gabion-install /run/new.deb', timeout=300)
    sent, got = sender.result(200), receiver.result(200)
    assert machine.told("dpkg-query -W -f '${Version}' gabion") == '99.1'
    machine.wait_until_protecting(1)
    assert machine.told('systemctl show -P MainPID gabiond') != before
    assert sent['sent'] == got['unique'], (sent, got)
    assert {one['target'] for one in machine.ask('ban list')} >= {BANNED4, BANNED6}
    assert machine.told('findmnt -no OPTIONS /').split(',')[0] == 'ro'


@case('a reboot keeps bans, and needs no third start')
def rebooted():
    bed, machine = bench.bed, bench.machine()
    machine.reboot()
    machine.wait_until_protecting(1)
    assert {one['target'] for one in machine.ask('ban list')} >= {BANNED4, BANNED6}
    pings(bed)
    before = dropped(machine, 'ban-operator')
    sent = bed.send(source=BANNED4, destination=HOST4, dport=9000, rate=500, count=500).result(60)
    assert dropped(machine, 'ban-operator') - before == sent['sent']
    machine.stop()
    bench.bed = None


@case('UEFI: with nothing configured, the only port is protected in host mode by itself')
def uefi():
    disk = overlay(bench.built('qcow2'), bench.lab.directory / 'uefi.qcow2', 3072)
    lab = bench.lab
    small = Machine(lab, disk, bench.key, cpus=1, uefi=True)
    # What the build put there for the other machine.
    run('qemu-img', 'convert', '-O', 'raw', disk, lab.directory / 'uefi.raw')
    run('mdel', '-i', f'{lab.directory}/uefi.raw@@2M', '::/gabion/gabion.toml')
    small.disk, small.form = lab.directory / 'uefi.raw', 'raw'
    begin = time.monotonic()
    status, _ = small.start().wait_until_protecting(1)
    took = time.monotonic() - begin
    assert [(one['name'], one['mode']) for one in status['interfaces']] == [('ens3', 'host')], status
    assert small.ssh('[ -d /sys/firmware/efi ]', check=False).returncode == 0
    small.stop()
    return f'protecting after {took:.0f} s'


with Lab('image') as lab:
    if os.geteuid() == 0:
        missing = [name for name in ('qemu-system-x86_64', 'ssh', 'mdel') if not shutil.which(name)]
        if missing:
            sys.exit(f'not installed: {", ".join(missing)}: tools/setup --image')
    bench = Bench(lab)
    main()
