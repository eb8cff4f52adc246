#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`gabion doctor` finds faults that were really made, and each is gone when what it says was done; `gabion tune` does it and can
undo it. On a veth in a namespace; what it tunes of the machine itself, if anything, is put back."""
import contextlib
import json

from gabion_daemon import protected, to_toml
from gabion_lab import BUILD, TOOLS, Bed, Lab, wait_for
from scenario import case, main


class Host:
    """A protected host without a daemon, and the two commands in its namespace."""

    def __init__(self, bed):
        self.bed = bed
        self.namespace, self.interface = bed.host, bed.interface
        self.state = bed.lab.directory / 'state'
        self.file = bed.lab.directory / 'gabion.toml'
        self.file.write_text(to_toml({'interface': [{'name': bed.interface}], 'workers': {'cpus': [0, 1]},
                                      'state': {'directory': self.state, 'pin': bed.lab.directory / 'bpf/gabion'}}) + '\n')

    def gabion(self, *arguments, check=False):
        return self.namespace.run(BUILD / 'gabion', *arguments, '--config', self.file, check=check)

    def doctor(self):
        """What is found on the interface: {check: finding}, notes too. What is told of this machine is not this test's."""
        done = self.gabion('doctor', '--json')
        report = json.loads(done.stdout)
        assert done.returncode == (1 if report['findings'] else 0), done
        found = {f['check']: f for f in report['findings'] + report['notes'] if f['interface'] == self.interface}
        return {check: f for check, f in found.items() if check != 'zero-copy'}

    def mend(self, finding):
        """Does what the finding says, in a shell, as an operator would."""
        for command in finding['fix']:
            self.namespace.run('sh', '-ec', command)

    def features(self):
        return self.namespace.run('ethtool', '-k', self.interface).stdout

    def queues(self):
        return self.namespace.run('ethtool', '-l', self.interface).stdout.split('Current')[1]

    def ready(self):
        self.namespace.run('ethtool', '-K', self.interface, 'rxvlan', 'off', 'rx-vlan-stag-hw-parse', 'off')
        assert self.doctor() == {}, self.doctor()


@contextlib.contextmanager
def ready_host(name):
    with Lab(name) as lab:
        host = Host(Bed(lab))
        host.ready()
        yield host


def found_and_mended(host, check):
    found = host.doctor()
    assert check in found, f'{check} is not in {found}'
    host.mend(found[check])
    assert host.doctor() == {}, f'after {found[check]["fix"]}: {host.doctor()}'
    return found


@case('one queue for two workers', check='queues', fault=('ethtool', '-L', 'prot0', 'rx', '1'))
@case('VLAN tags stripped', check='offloads', fault=('ethtool', '-K', 'prot0', 'rxvlan', 'on'))
@case('another XDP program', check='foreign-program',
      fault=('ip', 'link', 'set', 'dev', 'prot0', 'xdp', 'obj', TOOLS / 'pass.bpf.o', 'sec', 'xdp'))
@case('another XDP program, attached generically', check='foreign-program',
      fault=('ip', 'link', 'set', 'dev', 'prot0', 'xdpgeneric', 'obj', TOOLS / 'pass.bpf.o', 'sec', 'xdp'))
@case('frames that are too long', check='mtu', fault=('ip', 'link', 'set', 'prot0', 'mtu', '9000'))
@case('the interface is down', check='interface', fault=('ip', 'link', 'set', 'prot0', 'down'))
def fault(check, fault):
    with ready_host('doctor') as host:
        host.namespace.run(*fault)
        found = found_and_mended(host, check)
        if check == 'queues':
            assert 'native-xdp' in found, 'the other end transmits on two queues: the kernel says no to native'
        if check == 'foreign-program':
            assert ' (id ' in found[check]['what'], found


@case('gabiond attached generically though the driver could; its own program is nobody else\'s')
def generic():
    with protected('doctored', attach='generic') as (bed, daemon):
        def found():
            report = json.loads(daemon.gabion('doctor', '--config', daemon.config_file, '--json', check=False).stdout)
            return {f['check'] for f in report['findings'] if f['interface'] == bed.interface}
        assert found() == {'generic-in-use'}, found()
        daemon.config['interface'][0]['attach'] = 'native'
        daemon.change()
        assert found() == {'generic-in-use'}, 'the configuration is right, what is in force is not'
        daemon.stop()
        daemon.start()
        assert found() == set(), found()


@case('strict rp_filter where packets come by one way and are answered by another, once it really drops')
def reverse_path():
    with ready_host('rpfilter') as host:
        space = host.namespace
        space.run('ip', 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1')
        space.run('ip', 'link', 'set', 'other1', 'up')
        space.run('ip', 'addr', 'add', '198.18.0.1/24', 'dev', 'other0')
        space.run('ip', 'link', 'set', 'other0', 'up')
        space.run('ip', 'route', 'replace', 'default', 'via', '20.0.0.2', 'metric', '200')
        space.run('ip', 'route', 'del', 'default', 'metric', '0', check=False)
        space.run('ip', 'route', 'add', 'default', 'via', '198.18.0.2', 'metric', '100')
        space.sysctl(net__ipv4__conf__all__rp_filter=0)
        assert host.doctor()['rp-filter']['rank'] == 'note', host.doctor()
        receiver = host.bed.receive(port=9000)
        host.bed.send(source='31.0.0.1', dport=9000, count=50, rate=10000).result()
        wait_for('drops by rp_filter', lambda: space.nstat().get('TcpExt.IPReversePathFilter', 0) >= 50)
        finding = host.doctor()['rp-filter']
        assert finding['rank'] == 'loss' and '50 packets' in finding['cost'], finding
        host.gabion('tune', check=True)
        assert 'rp-filter' not in host.doctor()
        host.bed.send(source='31.0.0.1', dport=9000, count=50, rate=10000).result()
        receiver.stop()
        assert receiver.result()['received'] == 50, 'loosened, and it still does not arrive'
        host.gabion('tune', '--undo', check=True)
        assert space.run('cat', '/proc/sys/net/ipv4/conf/prot0/rp_filter').stdout.strip() == '1'


@case('tune says what it would do, does it once, and takes all of it back')
def tune():
    with ready_host('tune') as host:
        space = host.namespace
        space.run('ethtool', '-L', 'prot0', 'rx', '1')
        space.run('ethtool', '-K', 'prot0', 'rxvlan', 'on')
        space.run('ip', 'link', 'add', 'mine0', 'type', 'veth', 'peer', 'name', 'mine1')
        before, others = (host.features(), host.queues()), space.run('ethtool', '-k', 'mine0').stdout
        said = host.gabion('tune', '--dry-run', check=True).stdout
        assert 'ethtool -L prot0 rx 2' in said and 'ethtool -K prot0 rx-vlan-hw-parse off' in said, said
        assert (host.features(), host.queues()) == before and not host.state.exists(), 'a rehearsal changed something'
        done = json.loads(host.gabion('tune', '--json', check=True).stdout)
        assert {d['command'] for d in done['done']} >= {'ethtool -L prot0 rx 2', 'ethtool -K prot0 rx-vlan-hw-parse off'}, done
        assert host.doctor() == {}, host.doctor()
        record = host.state / 'tune.json'
        assert record.stat().st_mode & 0o777 == 0o600
        kept = record.read_text()
        again = json.loads(host.gabion('tune', '--json', check=True).stdout)
        assert again['done'] == [] and again['failed'] == [] and record.read_text() == kept, again
        assert space.run('ethtool', '-k', 'mine0').stdout == others, 'an interface that nobody named was touched'
        undone = json.loads(host.gabion('tune', '--undo', '--json', check=True).stdout)
        assert len(undone['done']) == len(done['done']) and not undone['failed'], undone
        assert (host.features(), host.queues()) == before and not record.exists()
        assert 'nothing to put back' in host.gabion('tune', '--undo', check=True).stdout


@case('what could not be undone is not begun')
def no_record():
    with ready_host('norecord') as host:
        host.namespace.run('ethtool', '-K', 'prot0', 'rxvlan', 'on')
        before = host.features()
        host.file.write_text(host.file.read_text().replace(str(host.state), '/proc/nowhere'))
        done = host.gabion('tune')
        assert done.returncode == 1 and '/proc/nowhere' in done.stderr, done
        assert host.features() == before, 'changed, though it could not have been undone'


@case('nobody but root learns everything, and everybody is told what was not looked at')
def unprivileged():
    with ready_host('nobody') as host:
        host.bed.lab.directory.chmod(0o755)
        host.namespace.run('ip', 'link', 'set', 'dev', 'prot0', 'xdp', 'obj', TOOLS / 'pass.bpf.o', 'sec', 'xdp')
        done = host.namespace.run('setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', BUILD / 'gabion', 'doctor',
                                  '--json', '--config', host.file, check=False)
        report = json.loads(done.stdout)
        assert not any(f['check'] in ('foreign-program', 'bpf-features') for f in report['findings']), report
        told = '\n'.join(report['not_looked_at'])
        assert 'helpers' in told and 'XDP program' in told, told
        tuned = host.namespace.run('setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', BUILD / 'gabion', 'tune',
                                   '--config', host.file, check=False)
        assert tuned.returncode == 1 and tuned.stderr.strip(), tuned


@case('wrong usage is status 2, for doctor a configuration that cannot be read too')
def usage():
    with Lab('doctorusage') as lab:
        gabion = BUILD / 'gabion'
        space = lab.namespace('host')
        for arguments in (('doctor', '--nonsense'), ('tune', '--undo', '--dry-run'), ('tune', '--undo', '--boot'),
                          ('doctor', '--config', lab.directory / 'none.toml'), ('doctor', 'a/b')):
            done = space.run(gabion, *arguments, check=False)
            assert done.returncode == 2 and done.stderr.strip() and not done.stdout, f'{arguments}: {done}'
        named = space.run(gabion, 'doctor', 'nosuch0', check=False)
        assert named.returncode == 1 and 'no interface nosuch0' in named.stdout, named


main()
