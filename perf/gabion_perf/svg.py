# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG text: grouped bars and lines. Their colours follow the reader's light or dark scheme."""
import html
import math

WIDTH, HEIGHT = 820, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 84, 52
COLOURS = ('#2563eb', '#d97706', '#059669', '#dc2626', '#7c3aed', '#0891b2', '#64748b', '#be185d')
STYLE = ('text{font:12px sans-serif;fill:#1f2937}.title{font-size:15px;font-weight:bold}.grid{stroke:#9ca3af;stroke-opacity:.35}'
         '.back{fill:#ffffff}@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.back{fill:#0d1117}}')


def nice_steps(most, count=5):
    """Round numbers from 0 to beyond `most`."""
    raw = most / count
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999)
    return [step * index for index in range(math.ceil(most / step - 1e-9) + 1)]


def number(value):
    for size, letter in ((1e9, 'G'), (1e6, 'M'), (1e3, 'k')):
        if abs(value) >= size:
            return f'{value / size:g}{letter}'
    return f'{value:g}'


class Canvas:
    """The frame of a chart: title, legend, vertical axis; `x` and `y` give places."""

    def __init__(self, title, y_title, names, most, least=None):
        """With `least` the axis is logarithmic, in powers of ten."""
        self.log = least is not None
        self.steps = [10.0 ** power for power in range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)] \
            if self.log else nice_steps(most)
        self.parts = [f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>', self.label(LEFT, 20, title, 'title')]
        at, row = LEFT, 40
        for index, name in enumerate(names):
            if at + 22 + 7 * len(name) > WIDTH - RIGHT:
                at, row = LEFT, row + 18
            self.parts += [f'<rect x="{at}" y="{row - 10}" width="12" height="12" fill="{COLOURS[index % len(COLOURS)]}"/>',
                           self.label(at + 16, row, name)]
            at += 34 + 7 * len(name)
        for step in self.steps:
            self.parts += [f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.y(step):.1f}" y2="{self.y(step):.1f}"/>',
                           self.label(LEFT - 8, self.y(step) + 4, number(round(step, 9)), anchor='end')]
        self.parts.append(f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
                          f'text-anchor="middle">{html.escape(y_title)}</text>')

    @staticmethod
    def label(x, y, text, kind='', anchor='start'):
        attribute = f' class="{kind}"' if kind else ''
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attribute}>{html.escape(text)}</text>'

    def y(self, value):
        share = value / self.steps[-1]
        if self.log:
            share = math.log(max(value, self.steps[0]) / self.steps[0]) / math.log(self.steps[-1] / self.steps[0])
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(1, share)

    def below(self, x, text, row=0):
        self.parts.append(self.label(x, HEIGHT - BOTTOM + 18 + 18 * row, text, anchor='middle'))

    def text(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><style>{STYLE}</style>\n'
                + '\n'.join(self.parts) + '\n</svg>\n')


def bars(title, y_title, groups, names, values, most=0):
    """values[group][name] = (median, low, high), or None where nothing was measured. The axis goes to `most` at least."""
    shown = [value for group in groups for value in values[group].values() if value]
    canvas = Canvas(title, y_title, names, max([most] + [value[2] for value in shown]))
    room = (WIDTH - LEFT - RIGHT) / len(groups)
    width = room * 0.84 / len(names)
    for place, group in enumerate(groups):
        canvas.below(LEFT + room * (place + 0.5), group)
        for index, name in enumerate(names):
            value = values[group].get(name)
            x = LEFT + room * (place + 0.08) + width * index
            if value is None:
                canvas.parts.append(canvas.label(x + width / 2, canvas.y(0) - 4, '–', anchor='middle'))
                continue
            middle = x + width * 0.46
            canvas.parts += [
                f'<rect x="{x:.1f}" y="{canvas.y(value[0]):.1f}" width="{width * 0.92:.1f}" '
                f'height="{canvas.y(0) - canvas.y(value[0]):.1f}" fill="{COLOURS[index % len(COLOURS)]}"/>',
                f'<line class="grid" stroke-width="2" style="stroke-opacity:.9" x1="{middle:.1f}" x2="{middle:.1f}" '
                f'y1="{canvas.y(value[1]):.1f}" y2="{canvas.y(value[2]):.1f}"/>']
    return canvas.text()


def lines(title, x_title, y_title, places, series, log=False):
    """series[name] = a value for each of the places, which stand evenly apart; None where nothing was measured."""
    shown = [y for values in series.values() for y in values if y is not None]
    least = max(min(y for y in shown if y > 0), max(shown) / 1e6) if log else None
    canvas = Canvas(title, y_title, list(series), max(shown), least)
    span = (WIDTH - LEFT - RIGHT - 60) / max(1, len(places) - 1)
    for index, place in enumerate(places):
        canvas.below(LEFT + 30 + span * index, place)
    canvas.below((LEFT + WIDTH - RIGHT) / 2, x_title, 1)
    for index, values in enumerate(series.values()):
        colour = COLOURS[index % len(COLOURS)]
        points = [(LEFT + 30 + span * at, canvas.y(y)) for at, y in enumerate(values) if y is not None]
        path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)
        canvas.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        canvas.parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
    return canvas.text()
