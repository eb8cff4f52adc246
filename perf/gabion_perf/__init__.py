# SPDX-License-Identifier: Apache-2.0
"""What perf/lab is made of: one module a section, and what they share (machine, source, rows, figures, charts, record)."""
