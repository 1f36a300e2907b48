# SPDX-License-Identifier: GPL-2.0-only
"""The benchmark's arithmetic: what the guests print, ratios, means, baselines, wanted figures."""

import math
import re

from workshop.common import Failure

LINE = re.compile(r"\bbench: (\S+) (\d+) (\d+) (\d+) (\d+) (\d+)$")
STALL = re.compile(r"\bbench-stall: (\d+) (free|stuck) (\d+) (\d+) (\d+)$")
LOCK = re.compile(r"lock_stat:\s*(\S.*?)(?:#\d+)?(?:/\d+)?(?:-[RW])?:\s+(\d+)\s+(\d+)"
                  r"(?:\s+[\d.]+){4}\s+(\d+)\s+(\d+)\s")
TOLERANCE = 0.02
# Rows that depend on which pages happen to be free, side by side or not, or on how far a
# worker has come: any change of the kernel moves them. Twice as much is still a regression.
UNSTEADY = re.compile(r"udmabuf/\S+-M/\d+|heap/alloc\+close-pool-K/\d+")
UNSTEADY_TOLERANCE = 1.0


class Sample:
    """One row of one run: the least and the quartiles, per operation."""

    def __init__(self, ops, values):
        if not ops:
            raise Failure("a row counts for no operation")
        self.least, self.lower, self.median, self.upper = (value / ops for value in values)


def parse(lines):
    """{row: Sample} of what a guest printed."""
    rows = {}
    for line in lines:
        match = LINE.search(line.strip())
        if match:
            ops, *values = map(int, match.groups()[1:])
            rows[match.group(1)] = Sample(ops, values)
    return rows


def parse_stall(lines):
    """{(threads, "free" | "stuck"): (turns of all, turns of the slowest, milliseconds)}."""
    rows = {}
    for line in lines:
        match = STALL.search(line.strip())
        if match:
            threads, state, *numbers = match.groups()
            rows[int(threads), state] = tuple(map(int, numbers))
    return rows


def parse_locks(lines):
    """{class of locks: [contentions, acquisitions on another CPU than before, acquisitions]}."""
    locks = {}
    for line in lines:
        match = LOCK.match(line.strip())
        if match:
            _, *numbers = map(int, match.groups()[1:])
            known = locks.setdefault(match.group(1), [0, 0, 0])
            locks[match.group(1)] = [sum(pair) for pair in zip(known, numbers)]
    return locks


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def ratio(stock, this):
    """How this stands to stock; None where there is nothing to compare."""
    if stock is None or this is None or stock <= 0:
        return None
    return this / stock


def geometric_mean(values):
    """Of all that is there. What costs nothing at all counts as a hundredth."""
    logarithms = [math.log(max(value, 0.01)) for value in values if value is not None]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else None


def worst(ratios):
    """(row, ratio) of the greatest ratio; None if there is none."""
    known = [(value, row) for row, value in ratios.items() if value is not None]
    if not known:
        return None
    value, row = max(known)
    return row, value


def paired(stock_runs, this_runs):
    """For each row, what pairs of runs say: medians of both, and median, least, most of the ratio."""
    result = {}
    for row in stock_runs[0] if stock_runs else ():
        pairs = [(one[row].median, two[row].median)
                 for one, two in zip(stock_runs, this_runs) if row in one and row in two]
        ratios = [value for value in (ratio(*pair) for pair in pairs) if value is not None]
        if ratios:
            result[row] = (median([pair[0] for pair in pairs]), median([pair[1] for pair in pairs]),
                           median(ratios), min(ratios), max(ratios))
    return result


def number(text):
    """A figure of a table; None where there is none."""
    return float(text) if text else None


def read_table(text):
    """A committed table: its "# key: value" lines and {row: [figures]}."""
    notes, rows = {}, {}
    for line in text.splitlines():
        note = re.match(r"# (\w+): (.*)$", line)
        if note:
            notes[note.group(1)] = note.group(2)
        elif line and line[0] != "#":
            row, *columns = line.split(",")
            rows[row] = [number(column) for column in columns]
    return notes, rows


def text_of(value):
    """A figure as the tables have it."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}"


def write_table(notes, rows):
    lines = [f"# {key}: {value}" for key, value in notes.items()]
    lines += [",".join([row, *map(text_of, columns)]) for row, columns in rows.items()]
    return "\n".join(lines) + "\n"


def regressions(baseline, now, same_makers):
    """The rows that got worse than the baseline by more than the tolerance, and by how much.

    Both are {row: [stock, this]}. Another compiler makes other figures of the same
    source, another QEMU has other processors: then the ratios are compared, where there are any.
    """
    found = []
    for row, (old_stock, old_this) in baseline.items():
        if row not in now:
            found.append((row, None))
            continue
        stock, this = now[row]
        old, new = old_this, this
        if not same_makers:
            old, new = ratio(old_stock, old_this), ratio(stock, this)
        if old is None or new is None:
            if same_makers:
                found.append((row, None))
            continue
        # Half an instruction is what rounding makes of nothing.
        slack = 0.5 if same_makers else 0.0
        tolerance = UNSTEADY_TOLERANCE if UNSTEADY.fullmatch(row) else TOLERANCE
        if new > old * (1 + tolerance) + slack:
            found.append((row, new / old - 1 if old else math.inf))
    return found


def missed(wanted, now):
    """Of the rows with a wanted figure, those that do not meet it: (row, this, limit).

    wanted is {row: [instructions or None, share of stock or None]}, now {row: [stock, this]}.
    """
    found = []
    for row, (limit, share) in wanted.items():
        stock, this = now.get(row, (None, None))
        if limit is None and stock is not None:
            limit = share * stock
        if this is not None and limit is not None and round(this) > round(limit):
            found.append((row, this, limit))
    return found
