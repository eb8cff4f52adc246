# SPDX-License-Identifier: Apache-2.0
"""The record, lab.json: each section's results with the machine that they were measured on. A run replaces what it measured and keeps
the rest; `worse` compares a run with it."""
import json

ALLOWED = 0.10  # what may be lost before it is named


def read(path):
    return json.loads(path.read_text()) if path.exists() else {}


def merge(old, new):
    """`new` over `old`, dictionary by dictionary."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: merge(old[key], value) if key in old else value for key, value in new.items()}}


def write(path, section, machine, results):
    record = read(path)
    before = record.get(section, {})
    record[section] = {'machine': machine, 'results': merge(before.get('results', {}), results)}
    path.write_text(json.dumps(record, indent=1) + '\n')


def worse(recorded, measured):
    """Complaints about every ratio that got worse by more than is allowed. Both: name -> (value, True when more is better)."""
    found = []
    for name, (now, more_is_better) in measured.items():
        if name not in recorded:
            continue
        before = recorded[name][0]
        change = now / before - 1 if before else 0
        if (change < -ALLOWED) if more_is_better else (change > ALLOWED):
            found.append(f'{name}: {now:.3f}, recorded {before:.3f} ({change:+.0%})')
    return found
