# SPDX-License-Identifier: GPL-2.0-only
"""Which lines and branches of the project the tests run, as the compiler counted them."""

import json
import os
import shutil

from workshop import kernel, objects
from workshop.common import REPO, Failure, read_text, write_text
from workshop.sites import without_comments

LINES, BRANCHES = 95, 85    # wanted, in per cent
# What the counters mean must be taken down before the guest ends.
COLLECT = """
cd /sys/kernel/debug/gcov && find . -name '*.gcda' | while read -r file; do
    mkdir -p "/out/gcda/$(dirname "$file")" && cat "$file" >"/out/gcda/$file"
done
cd /
"""


class Counts:
    """How often each line of a file ran, and each way out of it."""

    def __init__(self):
        self.lines = {}
        self.branches = {}      # {line: [counts]}

    def add(self, line):
        number = line["line_number"]
        self.lines[number] = self.lines.get(number, 0) + line["count"]
        ways = [way["count"] for way in line.get("branches", ()) if not way.get("throw")]
        if ways:
            known = self.branches.setdefault(number, [])
            known += [0] * (len(ways) - len(known))
            for index, count in enumerate(ways):
                known[index] += count

    def share(self):
        """(lines run, lines, branches taken, branches)"""
        ways = [count for counts in self.branches.values() for count in counts]
        return (sum(map(bool, self.lines.values())), len(self.lines),
                sum(map(bool, ways)), len(ways))

    def missed(self):
        """Lines that did not run."""
        return sorted(number for number, count in self.lines.items() if not count)

    def one_sided(self):
        """Lines that did run, and some way out of them was never taken."""
        return sorted(number for number, counts in self.branches.items()
                      if self.lines.get(number) and not all(counts))


def own_file(path):
    """The file of the repository that a path of a kernel tree means, or None."""
    where = path.find(kernel.HOME + "/")
    if where < 0:
        return None
    name = os.path.normpath(path[where + len(kernel.HOME) + 1:])
    return None if name.startswith("tests/") else name


def add_report(counts, text):
    """Adds what one run of `gcov --json-format --stdout` says to {file: Counts}."""
    for report in text.splitlines():
        for file in json.loads(report).get("files", ()) if report.strip() else ():
            name = own_file(file["file"])
            if name:
                for line in file["lines"]:
                    counts.setdefault(name, Counts()).add(line)


def collect(output, share):
    """{file: Counts} of what a guest has left in share/gcda."""
    counts = {}
    left = {os.path.basename(name): os.path.join(where, name)
            for where, _, names in os.walk(os.path.join(share, "gcda")) for name in names}
    work = os.path.join(share, "gcov")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    for path in objects.own_objects(output):
        data = os.path.basename(path)[:-2] + ".gcda"
        if data not in left:
            raise Failure(f"{path}: the guest counted nothing")
        shutil.copy(left[data], work)
        shutil.copy(path[:-2] + ".gcno", work)
        add_report(counts, objects.output_of("gcov", "--json-format", "--stdout", "-b",
                                             os.path.join(work, data)))
    return counts


def per_cent(part, whole):
    return 100 * part / whole if whole else 100.0


def total(counts):
    rows = [one.share() for one in counts.values()]
    return tuple(map(sum, zip(*rows))) if rows else (0, 0, 0, 0)


def table(counts):
    """A line for each file and one for all."""
    rows = [(name, one.share()) for name, one in sorted(counts.items())]
    return [f"{name:28} lines {run:5} of {lines:5} {per_cent(run, lines):6.1f} %   "
            f"branches {taken:5} of {ways:5} {per_cent(taken, ways):6.1f} %"
            for name, (run, lines, taken, ways) in [*rows, ("all", total(counts))]]


def not_reached(counts):
    """The lines that did not run, or not in every way, as they are in the source."""
    found = []
    for name, one in sorted(counts.items()):
        text = without_comments(read_text(os.path.join(REPO, name), "")).splitlines()
        for mark, numbers in ("never", one.missed()), ("one way", one.one_sided()):
            found += [f"{name}:{number}: {mark}: "
                      f"{text[number - 1].strip() if number <= len(text) else ''}"
                      for number in numbers]
    return found


def verdicts(counts, path):
    """Writes the list of what is not reached; yields (guarantee, None or what is wrong)."""
    write_text(path, "\n".join([*table(counts), "", *not_reached(counts)]) + "\n")
    run, lines, taken, ways = total(counts)
    for what, part, whole, wanted in (("lines", run, lines, LINES),
                                      ("branches", taken, ways, BRANCHES)):
        yield f"{per_cent(part, whole):.1f} % of {whole} {what} are run by tests", \
            None if per_cent(part, whole) >= wanted else f"{wanted} % are wanted: see {path}"
