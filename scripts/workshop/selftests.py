# SPDX-License-Identifier: GPL-2.0-only
"""Userspace tests in the guest: the tree's own, unmodified, and the project's."""

import os
import re
import shutil

from workshop import kernel, stamps, tree
from workshop.common import BUILD, REPO, Failure
from workshop.guest import Boot, sections
from workshop.shell import Job

# The tree's targets that use what this project makes, and their programs.
TARGETS = {
    "sync": "sync_test",
    "dmabuf-heaps": "dmabuf-heap",
    "drivers/dma-buf": "udmabuf",
}
OURS = os.path.join(REPO, "tests/selftests")
OUTPUT = os.path.join(BUILD, "selftests")
HEADERS = os.path.join(OUTPUT, "usr/include")
# What some of them want of the machine: pages of 2 MiB, contiguous memory for a heap, devices
# (vgem alone has one) that work on copies of what they map, heaps whose memory is charged.
WORDS = "hugepages=1040 cma=64M swiotlb=force dma_heap.mem_accounting=1"
MEMORY = "3G"
RESULT = re.compile(r"(ok|not ok) \d+ ?(?:- )?(?:\[RUN\])?\W*(.*)")


class Program:
    """One program: what the guest is to call, and what it printed there."""

    def __init__(self, name, path):
        self.name = name
        self.path = path
        self.status = None
        self.plan = 0
        self.results = []   # (ok, name)

    @property
    def word(self):
        """Its name in the guest, where all programs lie in one directory."""
        return self.name.replace("/", "-").replace(":", "-")

    def line(self, text):
        plan = re.fullmatch(r"(?:TAP version \d+)?1\.\.(\d+)", text)
        result = RESULT.match(text)
        if plan:
            self.plan = int(plan.group(1))
        elif result:
            self.results.append((result.group(1) == "ok", result.group(2) or self.name))


def own_sources():
    return [os.path.join(OURS, name) for name in sorted(os.listdir(OURS))
            if name.endswith((".c", ".h")) or name == "Makefile"]


def build(source_key):
    """Builds the tree's selftests against its headers, and ours; returns the programs."""
    sources = own_sources()
    key = stamps.key_of(source_key, *TARGETS, *sources, *[("file", path) for path in sources])
    target_dir = os.path.join(OUTPUT, "kselftest")
    own_dir = os.path.join(OUTPUT, "own")
    if not stamps.fresh("selftests", key, target_dir, own_dir):
        stamps.forget("selftests")
        shutil.rmtree(OUTPUT, ignore_errors=True)
        os.makedirs(own_dir)
        Job("building the userspace tests", "selftests-build.log").run(
            ["make", "-C", tree.TREE, f"O={OUTPUT}", "ARCH=x86_64", "-s", "headers"],
            ["make", "-C", os.path.join(tree.TREE, "tools/testing/selftests"), f"O={OUTPUT}",
             f"TARGETS={' '.join(TARGETS)}", "LDFLAGS=-static -pthread", "CC=gcc"],
            ["make", "-C", OURS, f"OUT={own_dir}", f"TREE={tree.TREE}", f"HEADERS={HEADERS}"])
        stamps.seal("selftests", key)
    programs = [Program("tree:" + target, os.path.join(target_dir, target, name))
                for target, name in TARGETS.items()]
    programs += [Program(name, os.path.join(own_dir, name))
                 for name in sorted(os.listdir(own_dir))]
    missing = [program.path for program in programs if not os.path.exists(program.path)]
    if missing:
        raise Failure(f"not built: {' '.join(missing)}; see selftests-build.log")
    return programs


def job(programs):
    """Runs one after the other; what each prints stands between two marks."""
    return "".join(f"echo '== {program.word}'\n/out/{program.word}\necho \"== status $?\"\n"
                   for program in programs)


def collect(programs, lines):
    """Gives each of them what it printed."""
    found = sections(lines)
    for program in programs:
        own, program.status = found.get(program.word, ([], None))
        for text in own:
            program.line(text)


def run(source_key):
    """Runs all of them in one boot; returns the programs with their results, and the boot."""
    vmlinux, _ = kernel.build("guest", source_key)
    programs = build(source_key)
    share = os.path.join(BUILD, "selftests-share")
    shutil.rmtree(share, ignore_errors=True)
    os.makedirs(share)
    for program in programs:
        shutil.copy(program.path, os.path.join(share, program.word))
    boot = Boot("selftests", vmlinux, job(programs), share, words=WORDS, limit=1500, memory=MEMORY)
    return programs, boot


def verdicts(tally, programs, boot):
    """A line for each result, and for each program that did not get through."""
    collect(programs, boot.lines)
    for program in programs:
        for passed, name in program.results:
            tally.check(f"{program.name}: {name}", None if passed else f"see {boot.output}")
        tally.check(f"{program.name}: all its {program.plan} tests ran",
                    None if program.results and len(program.results) == program.plan
                    else f"{len(program.results)} did: see {boot.output}")
        tally.check(f"{program.name}: ends well",
                    None if program.status == 0 else f"its status is {program.status}")


def report(tally, source_key):
    """Runs all of them and says what came of it."""
    programs, boot = run(source_key)
    verdicts(tally, programs, boot)
    tally.check("the guest came to its end", boot.problem)
    tally.quiet_log(boot.alarms(), boot.kernel_log)
