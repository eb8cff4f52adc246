# SPDX-License-Identifier: Apache-2.0
"""Runs a test file's cases and reports in TAP, so that each counts. `@case('title')` marks a function; `main()` ends the file.
Arguments choose cases by a part of their title. Without root everything is skipped, visibly.

A file whose cases leave most of the machine idle ends with `main(at_once=3)`: so many of them run at a time, each in a process of its
own. Those marked `@case('title', alone=True)` have the machine to themselves, after the others. In long runs all have."""
import multiprocessing
import os
import sys
import time
import traceback

from gabion_lab import LONG

_cases = []


class Skip(Exception):
    """Raised by a case that cannot run here, with the reason."""


def case(title, alone=False, **arguments):
    """Registers a case; may stand several times above a function, with different arguments."""
    def register(function):
        _cases.append((title, function, arguments, alone))
        return function
    return register


def perform(chosen):
    """What one case gives: how its line begins and ends, what it told, and how long it took."""
    _, function, arguments, _ = chosen
    begin = time.monotonic()
    try:
        told, verdict, reason = function(**arguments), 'ok', ''
    except Skip as skipped:
        told, verdict, reason = None, 'ok', f' # SKIP {skipped}'
    except Exception:  # a case may fail in any way; the next one still runs
        told, verdict, reason = traceback.format_exc(), 'not ok', ''
    told = [told] if isinstance(told, str) else list(told or [])
    return verdict, reason, [*told, f'{time.monotonic() - begin:.1f} s']


def outcomes(cases, at_once):
    """Each case with what it gives, in the order in which they are performed."""
    alone = [one for one in cases if at_once == 1 or LONG or one[3]]
    sharing = [one for one in cases if one not in alone]
    if sharing:
        with multiprocessing.get_context('fork').Pool(at_once, maxtasksperchild=1) as pool:
            yield from zip(sharing, pool.imap(perform, sharing))
    for one in alone:
        yield one, perform(one)


def main(at_once=1):
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        return
    chosen = [c for c in reversed(_cases) if not sys.argv[1:] or any(a in c[0] for a in sys.argv[1:])]
    chosen.sort(key=lambda c: c[1].__code__.co_firstlineno)
    print(f'1..{len(chosen)}', flush=True)
    failed = False
    for number, (one, (verdict, reason, told)) in enumerate(outcomes(chosen, at_once), 1):
        failed |= verdict != 'ok'
        print(f'{verdict} {number} - {one[0]}{reason}')
        for text in told:
            print('\n'.join('# ' + part for part in str(text).splitlines()), flush=True)
    sys.exit(1 if failed else 0)
