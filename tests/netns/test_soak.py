#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Half an hour of mixed load, deeds and faults (soak.py), only in long runs; tools/soak takes other times and a seed."""
import random

from gabion_lab import LONG, Lab
from scenario import Skip, case, main
from soak import Soak

MINUTES = 30


@case('30 minutes of mixed load with random bans, reloads, restarts and kills: memory flat, identity exact, no banned packet delivered')
def half_an_hour():
    if not LONG:
        raise Skip('half an hour: tools/test --long, or tools/soak')
    seed, told = random.randrange(1 << 32), []
    with Lab('soak') as lab:
        try:
            return Soak(lab, seed, told.append).run(MINUTES)
        except BaseException:
            print('\n'.join(f'# {line}' for line in [f'seed {seed}', *told]), flush=True)
            raise


main()
