# SPDX-License-Identifier: GPL-2.0-only
"""KUnit through the kernel's own kunit.py: on User-Mode Linux, and out of a guest's log."""

import json
import os
import re
import shutil

from workshop import log, stamps
from workshop.common import BUILD, Failure, read_text, write_text
from workshop.shell import LOGS, Job, environment, stream
from workshop.tree import TREE

KUNIT = [os.path.join(TREE, "tools/testing/kunit/kunit.py")]
TEST_SECONDS = 300


class Outcome:
    """What the cases of a run came to."""

    def __init__(self, file):
        self.cases = []     # (suite, case, "PASS" | "SKIP" | "FAIL" | "ERROR")
        try:
            self._collect(json.loads(read_text(file, "{}")), "")
        except ValueError:
            pass            # no results at all: no cases

    def _collect(self, group, suite):
        for case in group.get("test_cases", ()):
            self.cases.append((suite or case["name"], case["name"], case["status"]))
        for inner in group.get("sub_groups", ()):
            # A parametrised case is a group as well: the suite is the outermost.
            self._collect(inner, suite or inner["name"])

    def suites(self):
        """[(suite, passed, skipped, [failed cases])] in the order of the run."""
        suites = {}
        for suite, case, status in self.cases:
            row = suites.setdefault(suite, [0, 0, []])
            if status == "PASS":
                row[0] += 1
            elif status == "SKIP":
                row[1] += 1
            else:
                row[2].append(case)
        return [(suite, *row) for suite, row in suites.items()]


def begin_with(output, like):
    """Has a build begin with a copy of another one: make compiles what differs, most does not."""
    model = os.path.join(BUILD, like)
    if os.path.exists(output) or not os.path.exists(os.path.join(model, "linux")):
        return
    shutil.rmtree(output + ".new", ignore_errors=True)
    shutil.copytree(model, output + ".new", symlinks=True)
    os.rename(output + ".new", output)


def uml(name, kunitconfig, source_key, only=None, arguments=(), like=None):
    """Runs the suites of a .kunitconfig on User-Mode Linux; the outcome and the kernel's log.

    only names the suites by a pattern, arguments are for the kernel, like names another build
    to begin with.
    """
    output = os.path.join(BUILD, name)
    config = os.path.join(TREE, kunitconfig)
    if os.path.isdir(config):
        config = os.path.join(config, ".kunitconfig")
    key = stamps.key_of(source_key, ("file", config))
    if not stamps.fresh(name, key, os.path.join(output, "linux")):
        stamps.forget(name)
        if like:
            begin_with(output, like)
        Job(f"building {name}", f"{name}-build.log", counted=r"^\s+(CC|LD|AR)\b").run(
            [*KUNIT, "build", f"--build_dir={output}", f"--kunitconfig={kunitconfig}",
             "--make_options", "CC=ccache gcc", f"--jobs={os.cpu_count()}"], cwd=TREE)
        stamps.seal(name, key)
    results = os.path.join(output, "results.json")
    if os.path.exists(results):
        os.unlink(results)
    lines = []
    stream([*KUNIT, "exec", f"--build_dir={output}", f"--timeout={TEST_SECONDS}",
            f"--json={results}", *(f"--kernel_args={arg}" for arg in arguments),
            *([only] if only else [])], lines.append, TEST_SECONDS + 60, TREE, environment())
    with open(os.path.join(LOGS, f"{name}-run.log"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    kernel = read_text(os.path.join(output, "test.log"), "")
    return Outcome(results), log.alarms(kernel)


def last_results(text):
    """The part of a kernel's log with the results of the module that was loaded last."""
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines)
              if re.match(r"\[[^]]*\] KTAP version 1$", line)]
    return "".join(lines[starts[-1]:] if starts else lines)


def from_log(name, kernel_log):
    """The outcome of the suites that ran when a guest loaded their module.

    What is built in has results as well, of no suites at all.
    """
    results_log = os.path.join(LOGS, f"{name}-ktap.log")
    write_text(results_log, last_results(read_text(kernel_log, "")))
    results = os.path.join(LOGS, f"{name}.json")
    if os.path.exists(results):
        os.unlink(results)
    lines = []
    stream([*KUNIT, "parse", f"--json={results}", results_log], lines.append, 120, TREE)
    if not os.path.exists(results):
        raise Failure(f"kunit.py finds no results in {kernel_log}: {' '.join(lines[-3:])}")
    return Outcome(results)
