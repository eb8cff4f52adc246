# SPDX-License-Identifier: Apache-2.0
"""What the detectors cost a worker for each packet that they see, by how many sources there are (perf/detect_bench). Beside it the
least that a detector of heavy sources could do: each packet counted by its source in a plain hash table. Repetitions of all of them
come in random order, on the last CPU."""
import json
import pathlib
import statistics
import tempfile

from gabion_lab import BUILD, run
from gabion_perf.source import CPU

REFERENCE = 'plain_count'
NAMES = {REFERENCE: 'sources counted in a hash table', 'sketches_only': 'heavy sources alone', 'all_detectors': 'all detectors',
         'all_detectors_ipv6': 'all detectors, IPv6'}
SOURCES = {'1': '1', '300': '300', '10000': '10,000', '0': 'each packet another'}  # by detect_bench's argument


def figures(repetitions):
    """`repetitions`: (name/sources, ns) of each. The reference with the same number of sources is what a ratio is to."""
    times = {}
    for name, ns in repetitions:
        times.setdefault(name, []).append(ns)
    middle = {name: statistics.median(each) for name, each in times.items()}
    return {name: {'ns': round(middle[name], 1), 'least': round(min(each), 1), 'most': round(max(each), 1), 'repetitions': len(each),
                   'ratio': round(middle[name] / middle[f'{REFERENCE}/{name.split("/")[1]}'], 2)} for name, each in times.items()}


class DetectorsSection:
    name = 'detectors'
    help = 'what the detectors cost for each packet that they see'

    @staticmethod
    def run(options, tell):
        tell('  perf/detect_bench')
        with tempfile.TemporaryDirectory(prefix='gbn-lab-') as folder:
            file = pathlib.Path(folder) / 'rows.json'
            run('taskset', '-c', CPU, BUILD / 'perf/detect_bench', f'--benchmark_filter=^({"|".join(NAMES)})/',
                f'--benchmark_repetitions={options.rounds or 45}', f'--benchmark_min_time={options.seconds or 0.02}',
                '--benchmark_enable_random_interleaving=true', f'--benchmark_out={file}', '--benchmark_out_format=json', timeout=200)
            rows = json.loads(file.read_text())['benchmarks']
        measured = figures((row['run_name'], row['cpu_time']) for row in rows if row['run_type'] == 'iteration')
        return {name: measured[name] for name in (f'{kind}/{sources}' for kind in NAMES for sources in SOURCES) if name in measured}

    @staticmethod
    def text(results):
        lines = [f'  {"a packet seen":<32} {"sources":<20} {"median ns":>9} {"least":>7} {"most":>7} {"ratio":>6}']
        for name, row in results.items():
            kind, sources = name.split('/')
            lines.append(f'  {NAMES[kind]:<32} {SOURCES[sources]:<20} {row["ns"]:9.1f} {row["least"]:7.1f} {row["most"]:7.1f} '
                         f'{row["ratio"]:6.2f}')
        return '\n'.join(lines)

    @staticmethod
    def charts(_results):
        return {}

    @staticmethod
    def ratios(results):
        return {f'detectors {name}': (row['ratio'], False) for name, row in results.items() if not name.startswith(REFERENCE)}
