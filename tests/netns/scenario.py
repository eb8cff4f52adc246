# SPDX-License-Identifier: Apache-2.0
"""Runs a test file's cases and reports in TAP, so that each counts. `@case('title')` marks a function; `main(__file__)` ends the
file. Arguments choose cases by a part of their title. Without root everything is skipped, visibly."""
import os
import sys
import time
import traceback

_cases = []


class Skip(Exception):
    """Raised by a case that cannot run here, with the reason."""


def case(title, **arguments):
    """Registers a case; may stand several times above a function, with different arguments."""
    def register(function):
        _cases.append((title, function, arguments))
        return function
    return register


def main():
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        return
    chosen = [c for c in reversed(_cases) if not sys.argv[1:] or any(a in c[0] for a in sys.argv[1:])]
    chosen.sort(key=lambda c: c[1].__code__.co_firstlineno)
    print(f'1..{len(chosen)}', flush=True)
    failed = False
    for number, (title, function, arguments) in enumerate(chosen, 1):
        begin = time.monotonic()
        try:
            told = function(**arguments)
            line = f'ok {number} - {title}'
        except Skip as reason:
            told, line = None, f'ok {number} - {title} # SKIP {reason}'
        except Exception:  # a case may fail in any way; the next one still runs
            told, line = traceback.format_exc(), f'not ok {number} - {title}'
            failed = True
        print(line)
        for text in ([told] if isinstance(told, str) else told or []) + [f'{time.monotonic() - begin:.1f} s']:
            print('\n'.join('# ' + part for part in str(text).splitlines()), flush=True)
    sys.exit(1 if failed else 0)
