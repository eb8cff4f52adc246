# SPDX-License-Identifier: Apache-2.0
"""gabiond and gabion as an operator uses them: a generated configuration, a start that waits for READY=1, the command line's
JSON, and the accounting identity."""
import contextlib
import json
import socket
import time

from gabion_lab import BUILD, Bed, Lab, LabError, wait_for


def to_toml(config, within=''):
    """Just what gabion.toml needs: tables within tables, arrays of tables, strings, numbers, booleans, lists."""
    def value(item):
        if isinstance(item, bool):
            return 'true' if item else 'false'
        if isinstance(item, list):
            return '[' + ', '.join(value(part) for part in item) + ']'
        return str(item) if isinstance(item, (int, float)) else json.dumps(str(item))
    plain = [f'{key} = {value(item)}' for key, item in config.items()
             if not isinstance(item, dict) and not (isinstance(item, list) and item and isinstance(item[0], dict))]
    for key, item in config.items():
        if isinstance(item, dict):
            plain += ['', f'[{within}{key}]', to_toml(item, f'{within}{key}.')]
        elif isinstance(item, list) and item and isinstance(item[0], dict):
            for table in item:
                plain += ['', f'[[{within}{key}]]', to_toml(table)]
    return '\n'.join(plain)


class Daemon:
    """gabiond in a namespace, with a configuration, socket, state and pins of its own, and `gabion` to talk to it."""

    def __init__(self, bed, name='gabion', attach='auto', **sections):
        self.lab, self.bed = bed.lab, bed
        self.base = bed.lab.directory / name
        self.base.mkdir(exist_ok=True)
        self.socket = self.base / 'control.sock'
        self.pin = bed.lab.directory / 'bpf' / name
        self.config_file = self.base / 'gabion.toml'
        self.config = {'interface': [{**bed.protects(), 'attach': attach}],
                       'control': {'socket': self.socket}, 'state': {'directory': self.base / 'state', 'pin': self.pin}}
        self.change(**bed.sections())
        self.change(**sections)
        self.process = None
        self.program = BUILD / 'gabiond'
        self.through = ()  # a program that starts gabiond, with its arguments
        self.options = ()  # gabiond's own, beside the configuration

    def change(self, **sections):
        """Merges into the configuration and writes the file; `reload` or a start makes it count."""
        for key, item in sections.items():
            if isinstance(item, dict):
                self.config.setdefault(key, {}).update(item)
            else:
                self.config[key] = item
        self.config_file.write_text(to_toml(self.config) + '\n')

    def start(self, seconds=60):
        """Returns once the daemon has said READY=1."""
        path = self.base / 'notify.sock'
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(0.1)
            self.process = self.bed.box.start(*self.through, self.program, '--config', self.config_file, *self.options,
                                               name='gabiond', env={'NOTIFY_SOCKET': str(path)})
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    if b'READY=1' in notify.recv(4096):
                        return self
                except socket.timeout:
                    if not self.process.running():
                        break
        raise LabError(f'gabiond not ready: {self.errors()}')

    def errors(self):
        return self.process.log.read_text().strip()[-2000:] + self.process.output.read_text().strip()[-2000:]

    def stop(self, seconds=60):
        return self.process.stop(seconds)

    def kill(self):
        self.process.popen.kill()
        self.process.popen.wait()

    def signal(self, number):
        self.process.popen.send_signal(number)

    def gabion(self, *arguments, check=True, timeout=60, stdin=None):
        return self.bed.box.run(BUILD / 'gabion', '--socket', self.socket, *arguments, check=check, timeout=timeout, stdin=stdin)

    def ask(self, *arguments, timeout=60):
        """The command's JSON."""
        text = self.gabion(*arguments, '--json', timeout=timeout).stdout
        try:
            return json.loads(text)
        except ValueError:
            return [json.loads(line) for line in text.splitlines() if line.strip()]

    def status(self):
        return self.ask('status')

    def events(self):
        return self.ask('events')

    def counters(self):
        return self.ask('counters')

    def settled(self, seconds=5):
        """The counters once they rest: two equal reads and nothing in flight."""
        seen = [None]

        def rest():
            now = self.counters()
            same = seen[0] == now and now['workers']['in_flight'] == 0
            seen[0] = now
            return now if same else None
        return wait_for(f'the counters to rest: {seen}', rest, seconds, every=0.15)

    def identity(self):
        """Asserts section 7 of the design, exactly, computed here; returns the counters."""
        counters = self.settled()
        for name, one in {'all': counters, **counters['interfaces']}.items():
            packets, workers = one['packets'], one['workers']
            out = sum(packets[k] for k in ('passed', 'forwarded', 'answered', 'handed_over', 'dropped'))
            assert packets['received'] == out, f'{name}: received {packets["received"]} but accounted {out}'
            back = sum(workers[k] for k in ('handed_back', 'dropped', 'in_flight', 'lost'))
            assert packets['handed_over'] == back, f'{name}: handed over {packets["handed_over"]} but accounted {back}'
            assert sum(one['drops'].values()) == packets['dropped'], f'{name}: drops do not add up'
            assert sum(one['workers']['drops'].values()) == one['workers']['dropped'], f"{name}: workers' drops do not add up"
            assert one['identity']['holds'] and one['identity']['off_by'] == 0, f'{name}: the daemon says {one["identity"]}'
        return counters

    def event_kinds(self):
        return [event['kind'] for event in self.events()]

    def ban(self, *targets, **options):
        for target in targets:
            self.gabion('ban', 'add', target, *sum(([f'--{k}', v] for k, v in options.items()), []))

    def dropped_for(self, reason):
        """By the program, and by workers once they had looked; at rest."""
        counters = self.identity()
        return counters['drops'].get(reason, 0) + counters['workers']['drops'].get(reason, 0)

    def drops(self):
        return self.counters()['drops']

    def breaker(self):
        return self.bed.box.tool('watch', counters=self.pin / self.bed.interface / 'cpus', breaker=True).result()

    def attach_mode(self):
        return self.status()['interfaces'][0]['attach']


@contextlib.contextmanager
def protected(name, queues=2, extra=(), attach='auto', start=True, bed=Bed, **sections):
    """A bed with a running gabiond; at the end the daemon must stop in order. What it wrote is shown when the case fails."""
    with Lab(name) as lab:
        daemon = Daemon(bed(lab, queues, extra), attach=attach, **sections)
        try:
            if start:
                daemon.start()
            yield daemon.bed, daemon
            if daemon.process is not None and daemon.process.running():
                status = daemon.stop()
                assert status == 0, f'gabiond ended with status {status}'
        except BaseException:
            if daemon.process is not None:
                print('\n'.join('# gabiond: ' + line for line in daemon.errors().splitlines()[-30:]), flush=True)
            raise
