# SPDX-License-Identifier: GPL-2.0-only
"""Everything CI runs, step by step."""

import argparse
import os
import re
import shutil
import time
import unittest
from fnmatch import fnmatch

from workshop import (bench, demo, docs, kernel, kunit, models, samples, selftests, tool,
                      tree)
from workshop.common import BUILD, REPO, Failure, Refusal, say
from workshop.guest import Boot
from workshop.shell import minutes, stream

MISUSE = "*-misuse"  # suites that make the kernel warn, so they have a step of their own
DRM_CASES = 600     # stock passes 614 on User-Mode Linux
SOME_FRAMES = 30    # in the buffers of each source but the first


class Tally:
    """Counts checks and prints a line for each."""

    def __init__(self):
        self.step = ""
        self.passed = 0
        self.failed = 0

    def ok(self, what, count=1):
        self.passed += count
        say(f"ok      {self.step}: {what}")

    def bad(self, what, why, count=1):
        self.failed += count
        say(f"FAILED  {self.step}: {what}: {why}")

    def note(self, text):
        """What a reader should know and nobody can be blamed for."""
        say(f"note    {self.step}: {text}")

    def check(self, what, wrong):
        """One check; wrong says why it fails, or nothing."""
        if wrong:
            self.bad(what, wrong)
        else:
            self.ok(what)

    def quiet_log(self, alarms, path):
        self.check("the kernel's log holds no warning",
                   f"{len(alarms)} in {path}: {alarms[0]}" if alarms else None)

    def suites(self, outcome, at_least=1):
        """A line for each KUnit suite and for each failed case; counts cases."""
        for suite, passed, skipped, failed in outcome.suites():
            note = f", {skipped} skipped" if skipped else ""
            if passed:
                self.ok(f"{suite}: {passed} of {passed + len(failed)} cases{note}", passed)
            elif not failed and not fnmatch(suite, MISUSE):
                self.bad(suite, f"not one of its cases ran{note}")
            for case in failed:
                self.bad(f"{suite}: {case}", "see the log")
        ran = sum(case[2] != "SKIP" for case in outcome.cases)
        self.check(f"{ran} cases ran",
                   f"at least {at_least} were to run" if ran < at_least else None)


def workshop(tally):
    """the tests of these scripts"""
    tree.tree()
    suite = unittest.defaultTestLoader.discover(
        os.path.join(REPO, "scripts/tests"), top_level_dir=os.path.join(REPO, "scripts/tests"))
    if not suite.countTestCases():
        tally.bad("scripts/tests", "there is nothing to run")

    class Lines(unittest.TestResult):
        """A line for each test."""

        def addSuccess(self, test):
            tally.ok(test.id())

        def addFailure(self, test, err):
            tally.bad(test.id(), self._exc_info_to_string(err, test).strip())

        addError = addFailure

        def addSkip(self, test, reason):
            tally.bad(test.id(), f"skipped: {reason}")

        def addSubTest(self, test, subtest, err):
            if err:
                tally.bad(subtest.id(), self._exc_info_to_string(err, test).strip())

    suite.run(Lines())


def protocols(tally):
    """models of the lockless protocols: litmus tests and SPIN, each with its mutants"""
    tree.tree()
    models.report(tally)


def kunit_uml(tally):
    """the project's KUnit suites on User-Mode Linux"""
    outcome, alarms = kunit.uml("kunit-uml", "drivers/dma-buf", tree.tree())
    tally.suites(outcome)
    tally.quiet_log(alarms, "build/kunit-uml/test.log")


def kunit_misuse(tally):
    """misuse that the project warns about, on User-Mode Linux"""
    outcome, alarms = kunit.uml("kunit-uml", "drivers/dma-buf", tree.tree(), MISUSE,
                                ["dmabuf_kunit.resv_misuse=1", "dmabuf_kunit.fd_slot_misuse=1"])
    tally.suites(outcome)
    tally.check("the kernel warns about it", None if alarms else "there is no warning")


def kunit_drm(tally):
    """the tree's DRM and TTM KUnit suites on User-Mode Linux"""
    outcome, alarms = kunit.uml("kunit-drm", kernel.fragment("uml"), tree.tree(),
                                like="kunit-uml")
    tally.suites(outcome, DRM_CASES)


def kunit_x86(tally):
    """the project's KUnit suites on x86-64, 2 CPUs, lockdep, KASAN; fences whose driver is gone"""
    vmlinux, _ = kernel.build("debug", tree.tree())
    programs = [program for program in selftests.build(tree.tree())
                if program.name == "fence-issuer"]
    share = os.path.join(BUILD, "kunit-x86")
    os.makedirs(share, exist_ok=True)
    for path in (*(os.path.join(os.path.dirname(vmlinux), "drivers/dma-buf/tests", name)
                   for name in MODULES), *(program.path for program in programs)):
        shutil.copy(path, share)
    job = KUNIT_JOB + selftests.job(programs) + LEAK_JOB
    # Twice the usual memory: a large page that is pinned may have to move first.
    boot = Boot("kunit-x86", vmlinux, job, share, limit=1200, memory="2G")
    tally.suites(kunit.from_log("kunit-x86", boot.kernel_log))
    selftests.verdicts(tally, programs, boot)
    tally.check("the guest came to its end", boot.problem or
                (f"its job ended with {boot.status}" if boot.status else None))
    tally.quiet_log(boot.alarms(), boot.kernel_log)
    leaks = [line for line in boot.lines if "unreferenced object" in line]
    tally.check("kmemleak finds nothing", f"{len(leaks)} leaks: see {boot.output}"
                if leaks else boot.problem)


# The suites run when the module is loaded. It stays, since heaps do that its tests have added.
MODULES = ("dmabuf_kunit.ko", "fence-issuer.ko")
KUNIT_JOB = """
insmod /out/dmabuf_kunit.ko || exit 1
"""

# kmemleak passes over what is younger than five seconds.
LEAK_JOB = """
leaks=/sys/kernel/debug/kmemleak
[ -w $leaks ] || exit 1
sleep 6
echo scan >$leaks && sleep 1 && echo scan >$leaks && cat $leaks
"""


def userspace(tally):
    """the tree's own selftests and the project's programs, in the guest"""
    selftests.report(tally, tree.tree())


def sample_drivers(tally):
    """samples/dma-buf: the modules and the programs that use them, in the guest"""
    samples.report(tally, tree.tree())


def outside(tally, name):
    """Runs another script of ours and adds up what it counted."""
    path = os.path.join(REPO, "scripts", name)
    if not os.access(path, os.X_OK):
        tally.bad(f"scripts/{name}", "there is no such script")
        return
    last = [""]

    def on_line(line):
        if line.strip():
            last[0] = line
        say(line)

    status = stream([path], on_line)
    count = re.fullmatch(r"(\d+) passed, (\d+) failed", last[0])
    if not count or count.group(0) == "0 passed, 0 failed":
        tally.bad(f"scripts/{name}", f"counted nothing; status {status}")
        return
    tally.passed += int(count.group(1))
    tally.failed += int(count.group(2))
    if status and count.group(2) == "0":
        tally.bad(f"scripts/{name}", f"ended with {status}")


def check(tally):
    """scripts/check: every file of the project under the static checkers"""
    outside(tally, "check")


def consumers(tally):
    """scripts/consumers: every user of the API in the tree compiles"""
    outside(tally, "consumers")


def demonstration(tally):
    """scripts/demo: frames travel to vkms, from every source of memory"""
    key = tree.tree()
    # The first one last: its pictures stay.
    for source in reversed(demo.SOURCES):
        frames = demo.FRAMES if source == demo.SOURCES[0] else SOME_FRAMES
        for guarantee, wrong in demo.show(key, frames, source):
            tally.check(guarantee, wrong)


def benchmark(tally):
    """instructions per operation, beside stock and beside the committed baseline"""
    what, worse = bench.regressions()
    for line in worse:
        tally.bad("worse than the baseline", line)
    tally.check(what, f"{len(worse)} are worse" if worse else None)


def dmabuf_tool(tally):
    """the BPF iterator and tools/dmabuf in a kernel with BPF and known buffers"""
    for guarantee, wrong in tool.verdicts(tree.tree()):
        tally.check(guarantee, wrong)


def documents(tally):
    """scripts/docs: the pages render without a warning and leave nothing out"""
    for guarantee, wrong in docs.verdicts(tree.tree()):
        tally.check(guarantee, "\n    ".join(wrong))


# In the order of a run: what fails fast comes first.
STEPS = {
    "workshop": workshop,
    "models": protocols,
    "kunit-uml": kunit_uml,
    "kunit-misuse": kunit_misuse,
    "docs": documents,
    "check": check,
    "kunit-drm": kunit_drm,
    "demo": demonstration,
    "selftests": userspace,
    "samples": sample_drivers,
    "dmabuf-tool": dmabuf_tool,
    "bench": benchmark,
    "kunit-x86": kunit_x86,
    "consumers": consumers,
}
QUICK = ("kunit-uml", "kunit-misuse")


def run(names):
    tally = Tally()
    times = []
    for name in names:
        tally.step = name
        begin = time.monotonic()
        counted = tally.passed + tally.failed
        say(f"== {name}: {STEPS[name].__doc__}")
        try:
            STEPS[name](tally)
            if tally.passed + tally.failed == counted:
                tally.bad("the step", "found nothing to check")
        except (Failure, OSError) as reason:
            tally.bad("the step broke off", reason)
        times.append((name, time.monotonic() - begin))
    say("== wall time: " + ", ".join(f"{name} {minutes(spent)}" for name, spent in times)
        + f"; in all {minutes(sum(spent for _, spent in times))}")
    say(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        description="Sets everything up as scripts/demo does, then runs all that CI runs.",
        epilog="The last line is `N passed, N failed`. "
               "Exit status: 0 none failed, 1 some did, 2 wrong use.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true",
                       help="only the project's KUnit suites on User-Mode Linux")
    which.add_argument("--only", metavar="STEP[,STEP...]", help="only these steps")
    which.add_argument("--list", action="store_true", help="print the steps and end")
    options = parser.parse_args(argv)
    if options.list:
        for name, function in STEPS.items():
            say(f"{name:14} {function.__doc__}")
        return 0
    names = list(STEPS)
    if options.quick:
        names = list(QUICK)
    elif options.only is not None:
        asked = [name.strip() for name in options.only.split(",")]
        unknown = [name for name in asked if name not in STEPS]
        if unknown:
            raise Refusal(f"--only: no step {' '.join(map(repr, unknown))}; "
                          f"there are {' '.join(STEPS)}")
        names = [name for name in STEPS if name in asked]
    tree.packages("base" if options.quick else "all")
    return run(names)
