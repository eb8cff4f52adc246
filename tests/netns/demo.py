# SPDX-License-Identifier: Apache-2.0
"""tools/demo: ordinary clients of a protected host, through calm and three kinds of attack. See tools/demo for what it promises."""
import dataclasses
import os
import sys
import time

from gabion_daemon import Daemon
from gabion_lab import Bed, Lab, LabError

BREAKER_RATE = 25_000  # packets a second and CPU that go on: what a small machine's network stack stands
LEAST_SUCCESS = 0.99
CALM_SECONDS = 15  # learning takes 10 s

CLIENTS = (('IPv4', '31.0.0.1-31.0.0.200'), ('IPv6', '2a00:31::1-2a00:31::c8'))
KINDS = (('HTTP', {'kind': 'download', 'port': 80, 'bytes': 20000, 'rate': 40}),
         ('UDP', {'kind': 'udp', 'port': 53, 'bytes': 100, 'rate': 80}),
         ('ping', {'kind': 'ping', 'bytes': 56, 'rate': 20}))


@dataclasses.dataclass
class Phase:
    name: str
    seconds: float
    attack: dict | None
    rest: float = 0  # seconds of quiet behind it, not part of any phase


PHASES = (
    Phase('calm, learning', CALM_SECONDS, None),
    Phase('one heavy source', 10, {'source': '91.7.7.7', 'dport': 27015, 'ttl': '53', 'size': 400}, 4),
    Phase('botnet of 300 sources', 14, {'source': ','.join(f'91.{i}.8.10-91.{i}.8.59' for i in range(6)), 'dport': 80,
                                        'protocol': 'tcp', 'tcp_flags': 'A', 'ttl': '40-60'}, 4),
    Phase('spoofed flood', 12, {'source': 'any4', 'dport': 53, 'ttl': '30-250', 'size': 60}, 3),
    Phase('calm again', 5, None),
)


@dataclasses.dataclass
class Outcome:
    phase: Phase
    clients: dict  # (family, kind) -> gbn-clients' totals
    attack: dict | None
    latency_ms: float | None
    first_reason: str | None
    before: dict
    after: dict
    trips: int

    def arrived(self, calm):
        """Attack packets that the interface received: all but what the clients send in the same time."""
        ordinary = calm.delta('received') / calm.phase.seconds * self.phase.seconds
        return max(1, self.delta('received') - ordinary)

    def delta(self, name):
        return self.after['packets'][name] - self.before['packets'][name]

    def success(self):
        ok = sum(c['ok'] for c in self.clients.values())
        return ok / max(1, ok + sum(c['failed'] for c in self.clients.values()))

    def worst(self, kind, figure):
        return max(c[figure] for (_, k), c in self.clients.items() if k == kind) / 1000


class Screen:
    """One line a second; the heading again at each phase."""
    HEAD = f'{"time":>5} {"received/s":>12} {"passed/s":>10} {"dropped/s":>12}  {"most by":<20} {"cut off":>7} {"breaker":>8} ' \
           f'{"clients ok":>10} {"HTTP p99":>9}'

    def __init__(self):
        self.began = time.monotonic()

    def heading(self, phase):
        print(f'\n== {phase.name} ({phase.seconds:.0f} s)\n{self.HEAD}', flush=True)

    def line(self, before, after, seconds, status, clients):
        rate = {k: (after['packets'][k] - before['packets'][k]) / seconds for k in after['packets']}
        grown = {k: v - before['drops'].get(k, 0) for k, v in after['drops'].items()}
        most = max(grown, key=grown.get, default='') if any(grown.values()) else ''
        last = [lines[-1] for lines in (c.lines() for c in clients.values()) if lines]
        ok, failed = sum(x['ok'] for x in last), sum(x['failed'] for x in last)
        http = [c.lines()[-1]['p99_us'] for (_, kind), c in clients.items() if kind == 'HTTP' and c.lines()]
        share = f'{ok / (ok + failed):.1%}' if ok + failed else '-'
        latency = f'{max(http) / 1000:.1f} ms' if http else '-'
        passed = rate['passed'] + rate['handed_over']
        print(f'{time.monotonic() - self.began:4.0f}s {rate["received"]:12,.0f} {passed:10,.0f} {rate["dropped"]:12,.0f}  '
              f'{most:<20} {status["quarantined"]:7} {"TRIPPED" if status["panic"]["tripped"] else "-":>8} {share:>10} {latency:>9}',
              flush=True)


def run_phase(phase, bed, daemon, screen):
    screen.heading(phase)
    before, trips = daemon.settled(20), daemon.breaker()['trips']
    clients = {(family, kind): bed.clients(source=source, seconds=phase.seconds, timeout_ms=2000, live=True, **options)
               for family, source in CLIENTS for kind, options in KINDS}
    watch = flood = None
    if phase.attack:
        time.sleep(1)
        watch = bed.host.tool('watch', counters=daemon.pin / bed.interface / 'cpus', seconds=phase.seconds).wait_ready()
        flood = bed.flood(seconds=phase.seconds - 2, **phase.attack)
        # The attacker has a core of its own, as it has a machine of its own elsewhere.
        os.sched_setaffinity(flood.pid, {os.cpu_count() - 1})
    end = time.monotonic() + phase.seconds
    last, last_time = before, time.monotonic()
    while time.monotonic() < end - 0.2:
        time.sleep(min(1, max(0.1, end - time.monotonic())))
        now, now_time = daemon.counters(), time.monotonic()
        screen.line(last, now, now_time - last_time, daemon.status(), clients)
        last, last_time = now, now_time
    attack = flood.result() if flood else None
    seen = watch.result() if watch else None
    latency = (seen['first_drop_ns'] - attack['first_ns']) / 1e6 if seen and seen['first_drop_ns'] else None
    totals = {key: one.result() for key, one in clients.items()}
    outcome = Outcome(phase, totals, attack, latency, seen['reason'] if seen else None, before, daemon.settled(20),
                      daemon.breaker()['trips'] - trips)
    time.sleep(phase.rest)
    return outcome


def report(outcomes):
    calm = outcomes[0]
    print('\n\n== Report\n')
    print(f'{"phase":<23} {"attack packets":>15} {"dropped":>13} {"share":>7} {"first drop":>24} {"trips":>6}   '
          f'{"clients ok":>10} {"HTTP p50/p99 ms":>16} {"UDP p50/p99":>13} {"ping p50/p99":>13}')
    for o in outcomes:
        offered, dropped = (o.attack['sent'], o.delta('dropped')) if o.attack else (0, o.delta('dropped'))
        share = f'{min(1, dropped / o.arrived(calm)):.2%}' if offered else '-'
        first = f'{o.latency_ms:.0f} ms, {o.first_reason}' if o.latency_ms is not None else '-'
        latencies = [f'{o.worst(k, "p50_us"):.2f}/{o.worst(k, "p99_us"):.2f}' for k in ('HTTP', 'UDP', 'ping')]
        print(f'{o.phase.name:<23} {offered:15,} {dropped:13,} {share:>7} {first:>24} {o.trips:6}   {o.success():>10.2%} '
              f'{latencies[0]:>16} {latencies[1]:>13} {latencies[2]:>13}')
    print('\n"share" is of the attack packets that reached the interface; "first drop" the time from the first of them to the first '
          'drop; "trips" the\nbreaker\'s. Latencies are the worse of IPv4 and IPv6.')
    for o in outcomes[1:]:
        grown = {k: v - o.before['drops'].get(k, 0) for k, v in o.after['drops'].items()}
        told = ', '.join(f'{k} {v:,}' for k, v in sorted(grown.items(), key=lambda x: -x[1]) if v)
        print(f'  {o.phase.name}: {told or "nothing dropped"}')


def complaints(outcomes, daemon):
    """What is not as it should be."""
    found = []
    for o in outcomes:
        if o.success() < LEAST_SUCCESS:
            failed = {f'{f} {k}': f'{c["failed"]} of {c["failed"] + c["ok"]}' for (f, k), c in o.clients.items() if c['failed']}
            found.append(f'{o.phase.name}: clients suffered: {o.success():.2%} of their requests succeeded; failed: {failed}')
        limit = max(10 * outcomes[0].worst('HTTP', 'p99_us'), 250)
        if o.worst('HTTP', 'p99_us') > limit:
            found.append(f'{o.phase.name}: clients suffered: HTTP p99 {o.worst("HTTP", "p99_us"):.0f} ms, {limit:.0f} ms allowed')
        if o.attack and o.latency_ms is None:
            found.append(f'{o.phase.name}: nothing was dropped')
        if not o.attack and o.delta('dropped') > 0:
            found.append(f'{o.phase.name}: {o.delta("dropped")} packets dropped without an attack')
        if 'spoofed' in o.phase.name and o.delta('dropped') < 0.9 * o.delta('received'):
            found.append(f'{o.phase.name}: more than a tenth of what came got in')
    try:
        counters = daemon.identity()
        packets, workers = counters['packets'], counters['workers']
        print(f'\nIdentity: received {packets["received"]:,} = passed {packets["passed"]:,} + handed over {packets["handed_over"]:,} '
              f'+ dropped {packets["dropped"]:,}\n          handed over {packets["handed_over"]:,} = handed back '
              f'{workers["handed_back"]:,} + dropped {workers["dropped"]:,} + lost {workers["lost"]:,}: holds')
    except (AssertionError, LabError) as error:
        found.append(f'the accounting identity fails: {error}')
    return found


def main():
    with Lab('demo') as lab:
        bed = Bed(lab)
        bed.set_cores_apart()
        bed.serve()
        daemon = Daemon(bed, panic={'mode': 'auto', 'rate_pps': BREAKER_RATE, 'drop_ratio': 0.8}).start()
        interface = daemon.status()['interfaces'][0]
        print(f'A host (20.0.0.1, 2a00:20::1) behind {interface["name"]}, {interface["attach"]} XDP, {len(interface["workers"])} '
              f'workers; {200 * len(CLIENTS)} clients, IPv4 and IPv6: HTTP over TCP, UDP request and answer, ping.')
        screen = Screen()
        outcomes = [run_phase(phase, bed, daemon, screen) for phase in PHASES]
        report(outcomes)
        print('\nWhat gabiond told (gabion events):')
        print('\n'.join('  ' + line for line in daemon.gabion('events').stdout.splitlines()[-25:]))
        found = complaints(outcomes, daemon)
        print('\n' + ('\n'.join('FAILED: ' + f for f in found) if found else 'The clients were served throughout.'))
        daemon.stop()
        return 1 if found else 0


sys.exit(main())
