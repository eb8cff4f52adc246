# SPDX-License-Identifier: Apache-2.0
"""--check: a run's ratios beside the record's, and beside the bars. It fails for what got slower, and for a bar that the record meets and
this run does not."""
from gabion_perf import bars, record


class Guard:
    def __init__(self, folder):
        self.folder, self.sections = folder, record.read(folder / 'lab.json')
        self.recorded, self.measured, self.found = {}, {}, []
        for name, section in self.sections.items():
            self.recorded |= bars.reached(name, section['results'])

    def check(self, section, measure):
        """`measure()` runs the section and returns its results. The first run's ratios are compared with the record."""
        if section.name not in self.sections:
            self.found.append(f'{section.name}: nothing is recorded in {self.folder}')
        results = []

        def reach():
            results.append(measure())
            return bars.reached(section.name, results[-1])

        measured = bars.settled(self.recorded, reach)
        if section.name in self.sections:
            slower = record.worse(section.ratios(self.sections[section.name]['results']), section.ratios(results[0]))
            self.found += [f'slower: {each}' for each in slower]
        self.found += bars.complaints(self.recorded, measured)
        self.measured |= measured

    def text(self):
        told = '\n'.join(self.found) or 'nothing got slower by more than 10 %, and no bar that the record meets was missed'
        return f'\n{bars.table(self.recorded, self.measured)}\n\n{told}'
