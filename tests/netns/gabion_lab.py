# SPDX-License-Identifier: Apache-2.0
"""Network namespaces with a protected host, a real gabiond in it, and traffic; used by the scenario tests, the demo and perf/.

A Lab owns everything it makes (namespaces, processes, a directory with a BPF file system of its own) and removes it at the end,
whatever happened; `Lab.leaks` then lists what is still there. Names begin with gbn- and hold this process's id.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('GABION_BUILD', ROOT / 'build'))
TOOLS = BUILD / 'tests/netns/tools'
LONG = os.environ.get('GABION_LONG') == '1'

# Addresses of the bed: the protected host, its gateway, and where ordinary clients live.
HOST4, HOST6 = '20.0.0.1', '2a00:20::1'
GATE4, GATE6 = '20.0.0.2', '2a00:20::2'
CLIENTS4, CLIENTS6 = '31.0.0.0/16', '2a00:31::/64'


class LabError(Exception):
    """Something that the test did not ask about went wrong: set-up, a tool, a time-out."""


def rounds(few, many):
    """How often to repeat: `few` in the daily run, `many` with tools/test --long."""
    return many if LONG else few


def run(*command, check=True, timeout=60, stdin=None):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout, input=stdin)
    if check and done.returncode != 0:
        raise LabError(f'{" ".join(map(str, command))}: status {done.returncode}: {done.stderr.strip()}')
    return done


def wait_for(what, condition, seconds=5.0, every=0.02):
    """The condition's first true value; raises LabError when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f'waited {seconds} s for {what}')
        time.sleep(every)


class Process:
    """A running program whose output is kept. `result` is the JSON in its last line of output."""

    def __init__(self, lab, command, name, env=None):
        self.name = name
        self.log = lab.directory / f'{len(lab.processes)}-{name}.err'
        self.output = lab.directory / f'{len(lab.processes)}-{name}.out'
        with open(self.output, 'wb') as out, open(self.log, 'wb') as err:
            self.popen = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                          env={**os.environ, **(env or {})})
        lab.processes.append(self)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def place(self, cpu=None, nice=0):
        """Keeps the program on one CPU, and says who goes first there. Returns the process."""
        if cpu is not None:
            os.sched_setaffinity(self.pid, {cpu})
        os.setpriority(os.PRIO_PROCESS, self.pid, nice)
        return self

    def wait_ready(self, seconds=10):
        def ready():
            if self.output.read_text().startswith('ready'):
                return True
            if not self.running():
                raise LabError(f'{self.name} ended: {self.log.read_text().strip()}')
            return False
        wait_for(f'{self.name} to be ready', ready, seconds)
        return self

    def stop(self, seconds=30, how=signal.SIGTERM):
        if self.running():
            self.popen.send_signal(how)
        return self.wait(seconds)

    def wait(self, seconds=60):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self.popen.kill()
            self.popen.wait()
            raise LabError(f'{self.name} did not end in {seconds} s') from error

    def lines(self):
        """Every line of JSON printed so far."""
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith('{') and line.endswith('}')]

    def result(self, seconds=60):
        status = self.wait(seconds)
        if status != 0 or not self.lines():
            raise LabError(f'{self.name}: status {status}: {self.log.read_text().strip()}')
        return self.lines()[-1]


class Namespace:
    def __init__(self, lab, name):
        self.lab = lab
        self.name = f'{lab.name}-{name}'
        run('ip', 'netns', 'add', self.name)
        self.run('ip', 'link', 'set', 'lo', 'up')

    def enter(self, *command):
        return ['nsenter', f'--net=/run/netns/{self.name}', '--', *command]

    def run(self, *command, **options):
        return run(*self.enter(*command), **options)

    def start(self, *command, name=None, env=None):
        return Process(self.lab, self.enter(*command), name or pathlib.Path(str(command[0])).name, env)

    def tool(self, name, **options):
        """Starts build/tests/netns/tools/gbn-NAME; options become --long-options, True a flag."""
        arguments = []
        for key, value in options.items():
            arguments += [f'--{key.replace("_", "-")}'] + ([] if value is True else [value])
        return self.start(TOOLS / f'gbn-{name}', *arguments, name=f'gbn-{name}')

    def sysctl(self, **values):
        for key, value in values.items():
            self.run('sysctl', '-qw', f'{key.replace("__", ".")}={value}')

    def mac(self, interface):
        return json.loads(self.run('ip', '-j', 'link', 'show', 'dev', interface).stdout)[0]['address']

    def link_counts(self, interface):
        return json.loads(self.run('ip', '-j', '-s', 'link', 'show', 'dev', interface).stdout)[0]['stats64']

    def nstat(self):
        """The stack's counters, v4 and v6, by name: Udp.InErrors, Ip6InReceives, TcpExt.ListenDrops, ..."""
        counts = {}
        for file in ('snmp', 'netstat'):
            lines = self.run('cat', f'/proc/net/{file}').stdout.splitlines()
            for names, values in zip(lines[::2], lines[1::2]):
                group = names.split(':')[0]
                counts.update({f'{group}.{n}': int(v) for n, v in zip(names.split()[1:], values.split()[1:])})
        for line in self.run('cat', '/proc/net/snmp6').stdout.splitlines():
            counts[line.split()[0]] = int(line.split()[1])
        return counts

    def remove(self):
        run('ip', 'netns', 'del', self.name, check=False)


class Lab:
    """`with Lab('bans') as lab:` ... everything that was made is gone behind it."""

    def __init__(self, name):
        self.name = f'gbn-{name}-{os.getpid()}'
        self.directory = None
        self.namespaces = []
        self.processes = []

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=self.name + '-'))
        (self.directory / 'bpf').mkdir()
        try:
            run('mount', '-t', 'bpf', 'bpf', self.directory / 'bpf')
        except LabError:
            shutil.rmtree(self.directory)
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.running():
                process.popen.send_signal(signal.SIGCONT)
                process.popen.kill()
            process.popen.wait()
        for namespace in self.namespaces:
            namespace.remove()
        run('umount', self.directory / 'bpf', check=False)
        left = self.leaks()
        if not left:
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            raise LabError('left behind: ' + ', '.join(left))

    def namespace(self, name):
        namespace = Namespace(self, name)
        self.namespaces.append(namespace)
        return namespace

    def veth(self, one, one_name, other, other_name, queues=2):
        sizes = ['numrxqueues', queues, 'numtxqueues', queues]
        one.run('ip', 'link', 'add', one_name, *sizes, 'type', 'veth', 'peer', 'name', other_name, *sizes, 'netns', other.name)
        for namespace, interface in ((one, one_name), (other, other_name)):
            namespace.sysctl(**{f'net__ipv6__conf__{interface}__accept_dad': 0, f'net__ipv6__conf__{interface}__accept_ra': 0})
            namespace.run('ip', 'link', 'set', interface, 'up')

    def release_pins(self):
        """Unmounts the BPF file system: what only its pins held is gone."""
        run('umount', self.directory / 'bpf')

    def leaks(self):
        """What bears this lab's name and is still there: processes, namespaces, mounts, interfaces."""
        left = [f'namespace {n}' for n in os.listdir('/run/netns') if n.startswith(self.name)] if os.path.isdir('/run/netns') else []
        left += [f'mount {line.split()[1]}' for line in open('/proc/mounts') if self.name in line.split()[1]]
        for entry in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
            try:
                command = entry.read_bytes().decode(errors='replace').replace('\0', ' ')
            except OSError:
                continue
            if str(self.directory) in command and int(entry.parent.name) != os.getpid():
                left.append(f'process {entry.parent.name} ({command.strip()})')
        return left


class Bed:
    """A host behind one interface, prot0, and the rest of the world behind the other end of the wire, net0.

    The world has every address of CLIENTS4, CLIENTS6 and of `extra` as its own, so that real sockets can use any of them."""

    offloads = True  # the ends of the wire leave checksums and segments to whoever receives them, as veths do

    def __init__(self, lab, queues=2, extra=(), interface='prot0', host=None, world='world'):
        self.lab = lab
        self.interface = interface
        self.host = host or lab.namespace('host')  # given: another one's, which gets one more interface
        self.world = lab.namespace(world)
        self.queues = queues
        self.extra = extra
        self.stand()
        self.wire()

    def stand(self):
        """Where gabiond runs (box), and the host's end of the wire (host_port)."""
        self.box, self.host_port = self.host, self.interface

    def protects(self):
        """The interface's table in the configuration."""
        return {'name': self.interface, 'mode': 'host'}

    def sections(self):
        """What else the configuration says in this bed."""
        return {}

    def attached(self, asked):
        """What status says of an interface that was asked to attach so."""
        return asked

    @staticmethod
    def place_sender(sender):
        """Where a fast sender has the least to do with whoever has to keep up with it, since a veth receives in its sender's context."""
        return sender.place(os.cpu_count() - 1, -10)

    def connect(self):
        self.lab.veth(self.box, self.interface, self.world, 'net0', self.queues)

    def wire(self):
        self.connect()
        host, world = self.host, self.world
        host.sysctl(net__ipv4__conf__all__rp_filter=1, **{f'net__ipv4__conf__{self.host_port}__rp_filter': 1})
        # The tests' own traffic must not meet the kernel's limits on what it answers.
        host.sysctl(net__ipv4__icmp_ratelimit=0, net__ipv6__icmp__ratelimit=0, net__ipv4__icmp_msgs_per_sec=1000000)
        self.address_host()
        self.address_world()
        world.sysctl(net__ipv4__ip_nonlocal_bind=1, net__ipv6__ip_nonlocal_bind=1,
                     net__ipv4__ping_group_range='0 2147483647', net__ipv4__conf__all__rp_filter=0)
        for prefix in (CLIENTS4, CLIENTS6, *self.extra):
            world.run('ip', *(['-6'] if ':' in prefix else []), 'route', 'replace', 'local', prefix, 'dev', 'lo')
        # What the world gets for forged addresses is nobody's: drop it silently.
        world.run('ip', 'route', 'replace', 'blackhole', 'default')
        world.run('ip', '-6', 'route', 'replace', 'blackhole', 'default')
        self.learn_neighbours()

    def address_host(self):
        self.address(self.host, self.host_port, HOST4, HOST6)
        self.host.run('ip', 'route', 'add', 'default', 'via', GATE4)
        self.host.run('ip', '-6', 'route', 'add', 'default', 'via', GATE6)

    def address_world(self):
        self.address(self.world, 'net0', GATE4, GATE6)

    @staticmethod
    def address(namespace, interface, v4, v6):
        namespace.run('ip', 'addr', 'add', f'{v4}/24', 'dev', interface)
        namespace.run('ip', 'addr', 'add', f'{v6}/64', 'dev', interface, 'nodad')

    def wait_for_the_wire(self):
        """What the world's sockets send waits for room in the wire's ring, as on a real interface (kernels before 6.16 drop it)."""
        self.world.run('tc', 'qdisc', 'replace', 'dev', 'net0', 'root', 'mq' if self.queues > 1 else 'pfifo_fast')

    def take_transmitted(self):
        """A veth takes what XDP transmits on its other end only where a program runs, as a real interface always does."""
        self.world.run('ip', 'link', 'set', 'dev', 'net0', 'xdp', 'obj', TOOLS / 'pass.bpf.o', 'sec', 'xdp')

    def learn_neighbours(self):
        """Both ends know each other's MAC for good: floods then measure Gabion and not the neighbour table."""
        self.host_mac, self.world_mac = self.host.mac(self.host_port), self.world.mac('net0')
        for namespace, interface, mac, addresses in ((self.host, self.host_port, self.world_mac, (GATE4, GATE6)),
                                                     (self.world, 'net0', self.host_mac, (HOST4, HOST6))):
            for address in addresses:
                namespace.run('ip', 'neigh', 'replace', address, 'lladdr', mac, 'dev', interface, 'nud', 'permanent')

    def set_cores_apart(self):
        """The attacker gets the last core and the queue that belongs to it, everything else the others: elsewhere it would have
        a machine of its own, and ordinary clients would not have to share one full ring with it."""
        if (cores := os.cpu_count()) < 2:
            return
        os.sched_setaffinity(0, set(range(cores - 1)))
        for queue, mask in ((0, (1 << (cores - 1)) - 1), (1, 1 << (cores - 1))):
            run('ip', 'netns', 'exec', self.world.name, 'sh', '-c',
                f'echo {mask:x} >/sys/class/net/net0/queues/tx-{queue}/xps_cpus')

    def send(self, **options):
        options.setdefault('destination', HOST6 if ':' in options.get('source', '') or options.get('source') == 'any6' else HOST4)
        return self.world.tool('send', interface='net0', to_mac=self.host_mac, **options)

    def flood(self, **options):
        options.setdefault('destination', HOST6 if ':' in options.get('source', '') or options.get('source') == 'any6' else HOST4)
        return self.world.tool('flood', interface='net0', to_mac=self.host_mac, **options)

    def reflect(self, **options):
        options.setdefault('destination', HOST4)
        return self.world.tool('reflect', interface='net0', to_mac=self.host_mac, **options)

    def receive(self, **options):
        return self.host.tool('recv', **options).wait_ready()

    def serve(self, http=80, udp=53):
        return self.host.tool('serve', http=http, udp=udp).wait_ready()

    def clients(self, **options):
        server = HOST6 if ':' in options['source'] else HOST4
        return self.world.tool('clients', server=options.pop('server', server), **options)
