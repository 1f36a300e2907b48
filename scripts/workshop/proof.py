# SPDX-License-Identifier: GPL-2.0-only
"""Attacks from userspace on a kernel that watches itself: the fuzzer and failing allocations."""

import os
import re
import shutil
import struct

from workshop import kernel, objects, sites, stamps, tree
from workshop.common import BUILD, REPO, Failure, read_text, say, write_text
from workshop.guest import Boot
from workshop.shell import Clock, Job

SOURCE = os.path.join(REPO, "tests/fuzz")
PROGRAMS = os.path.join(BUILD, "fuzz")
CPUS = 4
MEMORY = "2G"
WORDS = "kunit.enable=0 hugepages=8 cma=64M"

# kmemleak passes over what is younger than five seconds.
LEAKS = """
leaks=/sys/kernel/debug/kmemleak
if [ -w $leaks ]; then
    sleep 6
    echo scan >$leaks && sleep 1 && echo scan >$leaks && cat $leaks
fi
"""

# The log of calls, see tests/fuzz/ring.h.
RING_MAGIC = 0x3272676e69726264
RING_HEAD = struct.Struct("<QQ")
RING_ENTRY = struct.Struct("<QHB?i")
RING_ENTRIES = 65536
RING_SIZE = 4 << 20
RUNNING = -1 << 31


def programs(output):
    """Builds both programs with the headers of the kernel in output; {name: path}."""
    wanted = {name: os.path.join(PROGRAMS, name) for name in ("dmabuf-fuzz", "dmabuf-fail")}
    own = [os.path.join(where, name) for top in (SOURCE, os.path.join(REPO, "include/uapi"))
           for where, _, names in sorted(os.walk(top)) for name in sorted(names)]
    key = stamps.key_of(*[part for path in own for part in (path, ("file", path))])
    if not stamps.fresh("fuzz", key, *wanted.values()):
        stamps.forget("fuzz")
        shutil.rmtree(PROGRAMS, ignore_errors=True)
        Job("building the fuzzer", "fuzz-build.log").run(
            ["make", "-C", tree.TREE, f"O={output}", "ARCH=x86_64", "-s", "headers"],
            ["make", "-C", SOURCE, f"OUT={PROGRAMS}", f"HEADERS={output}/usr/include"])
        stamps.seal("fuzz", key)
    return wanted


def shared_memory(path):
    """A file of the host as memory of the guest: QEMU's words."""
    with open(path, "wb") as file:
        file.truncate(RING_SIZE)
    return ("-object", f"memory-backend-file,id=ring,size={RING_SIZE},mem-path={path},share=on",
            "-device", "ivshmem-plain,memdev=ring")


def last_calls(data, names):
    """The calls that a log holds, oldest first: [(name, seed, may_break, result or None)]."""
    magic, calls = RING_HEAD.unpack_from(data)
    if magic != RING_MAGIC:
        return []
    found = []
    for number in range(max(0, calls - RING_ENTRIES), calls):
        seed, op, _, may_break, result = RING_ENTRY.unpack_from(
            data, RING_HEAD.size + number % RING_ENTRIES * RING_ENTRY.size)
        if op < len(names):
            found.append((names[op], seed, may_break, None if result == RUNNING else result))
    return found


def save_calls(ring, share, names):
    """Makes a file for --replay of a log; returns its path, or None without a log."""
    try:
        with open(ring, "rb") as file:
            calls = last_calls(file.read(), names)
    except FileNotFoundError:
        calls = []
    if not calls:
        return None
    path = os.path.join(share, "calls.txt")
    write_text(path, "".join(f"{name} {seed:x} {may_break:d}\n"
                             for name, seed, may_break, _ in calls))
    return path


class Run:
    """A boot with one of the programs, what it printed, what the kernel said."""

    def __init__(self, name, vmlinux, job, files=(), limit=900, memory=MEMORY):
        output = os.path.dirname(vmlinux)
        self.share = os.path.join(BUILD, f"{name}-share")
        self.ring = os.path.join(BUILD, f"{name}-ring")
        self.last = ""
        self.clock = Clock(name, lambda: f", {self.last}")
        binaries = programs(output)
        shutil.rmtree(self.share, ignore_errors=True)
        os.makedirs(self.share)
        for path, text in files:
            write_text(os.path.join(self.share, path), text)
        job = "status=0\n" + job + LEAKS + "exit $status\n"
        self.boot = Boot(name, vmlinux, job, self.share, binaries.values(), words=WORDS,
                         limit=limit, memory=memory, cpus=CPUS, on_line=self._line,
                         devices=shared_memory(self.ring))
        self.lines = self.boot.lines

    def _line(self, line):
        if re.match(r"fuzz: \d+ calls|ok \d+ - ", line):
            self.last = line
        elif re.match(r"fuzz: |not ok |# ", line):
            say(f"    {line}")
        self.clock.tick()

    def verdicts(self):
        """What is wrong with the guest and the kernel, whatever ran there."""
        boot = self.boot
        yield "the guest comes to its end", boot.problem or (
            f"its status is {boot.status}: see {boot.output}" if boot.status else None)
        alarms = boot.alarms()
        yield "the kernel's log holds no warning", \
            f"{len(alarms)} in {boot.kernel_log}: {alarms[0]}" if alarms else None
        leaks = [line for line in self.lines if "unreferenced object" in line]
        yield "kmemleak finds nothing", \
            f"{len(leaks)} leaks: see {boot.output}" if leaks else boot.problem


def fuzz_job(seed, seconds, threads=CPUS, replay=False):
    words = "--replay /out/calls.txt" if replay else f"--threads {threads} --seconds {seconds}"
    return ("dmabuf-fuzz --list >/out/ops\n"
            f"dmabuf-fuzz --seed {seed} {words} --places /out/places || status=1\n")


def tallies(lines):
    """{operation: (calls, successes)}"""
    rows = (re.match(r"op (\S+) (\d+) (\d+)$", line) for line in lines)
    return {row.group(1): (int(row.group(2)), int(row.group(3))) for row in rows if row}


def fuzz_verdicts(run, short=False):
    """What came of a run of the fuzzer; short: too short to expect each operation to work."""
    rows = tallies(run.lines)
    calls = sum(made for made, _ in rows.values())
    yield f"{calls} calls of the fuzzer come to their end", None if any(
        line == "fuzz: ok" for line in run.lines) else f"not so: see {run.boot.output}"
    there = {line.removeprefix("fuzz: not here: ") for line in run.lines}
    idle = [name for name, (_, successes) in rows.items() if not successes and name not in there]
    if not short:
        yield "each operation has worked at least once", None if rows and not idle else \
            f"not: {' '.join(idle)}"
    names = read_text(os.path.join(run.share, "ops"), "").split() or list(rows)
    if names and (run.boot.problem or run.boot.alarms()):
        path = save_calls(run.ring, run.share, names)
        if path:
            say(f"  the last calls: {path}; once more, one by one: scripts/soak --replay {path}")


def places_by_file(output, places):
    """{file: (reached, there are)} of the places that KCOV knows."""
    vmlinux = os.path.join(output, "vmlinux")
    rows = {}
    for path, source in objects.own_objects(output).items():
        there = sum(callee == "__sanitizer_cov_trace_pc" and section.startswith(".text")
                    for section, _, _, callee in objects.calls_of(path))
        rows[source] = [0, there]
    for inside in objects.frames(vmlinux, [place - 1 for place in places]).values():
        if inside[-1][0] in rows:
            rows[inside[-1][0]][0] += 1
    return {file: tuple(row) for file, row in rows.items()}


def print_places(run, output):
    """Prints how much of each file was run."""
    places = [int(line, 16) for line in
              read_text(os.path.join(run.share, "places"), "").split()]
    if not places:
        say("  no coverage: the kernel has no KCOV")
        return
    rows = places_by_file(output, places)
    for file, (reached, there) in sorted(rows.items()):
        say(f"    {file.removeprefix(kernel.HOME + '/'):28} {reached:5} of {there:5} places"
            + (f"  {100 * reached // there:3} %" if there else ""))


def fail_job(seeds):
    return f"dmabuf-fail --seeds {seeds} --sites /out/sites || status=1\n"


def site_name(call):
    return f"{call[0]}:{call[1]}"


def fail_run(name, vmlinux, seeds, limit, more=""):
    """Boots and lets allocations fail, then does more: the run, and the source's allocations."""
    found = sites.in_source()
    there = sites.in_kernel(os.path.dirname(vmlinux), found)
    if not there:
        raise Failure(f"{vmlinux}: no allocation of the project is found in it")
    text = "".join(f"{address:x} {site_name(call)}\n" for address, call in there)
    return Run(name, vmlinux, fail_job(seeds) + more, [("sites", text)], limit), found


def fail_verdicts(run, found):
    for line in run.lines:
        result = re.match(r"(ok|not ok) \d+ - (.*)", line)
        if result:
            yield result.group(2), None if result.group(1) == "ok" else f"see {run.boot.output}"
    rows = [line.split() for line in run.lines if re.match(r"site \S+ \S+ -?\d+$", line)]
    names = {site_name(call): call for call in found}
    reached = {names[row[1]] for row in rows if row[1] in names}
    count, missing, idle = sites.verdict(found, reached, sites.excuses(
        read_text(sites.EXCUSED, "")))
    yield f"{count} of {len(found)} allocation calls of the source have failed, " \
        f"{len(found) - count - len(missing)} are excused", None if not missing else \
        "not reached: " + "; ".join(missing)
    if idle:
        say(f"  {sites.EXCUSED}: reached, or gone: {', '.join(idle)}")
