# SPDX-License-Identifier: GPL-2.0-only
"""samples/dma-buf in the guest: modules are loaded, programs use them, modules are unloaded."""

import os
import re
import shutil

from workshop import kernel, stamps, tree
from workshop.common import BUILD, REPO, Failure
from workshop.guest import Boot, sections
from workshop.shell import Job

SOURCE = os.path.join(REPO, "samples/dma-buf")
PROGRAMS = os.path.join(BUILD, "samples")
SHARE = os.path.join(BUILD, "samples-share")

# In the order in which they are loaded: the last one uses what the second one exports.
MODULES = ("dma-buf-exporter", "dma-buf-fence-producer", "dma-buf-import-static",
           "dma-buf-import-dynamic")
# What each program says when all is well, a pattern for each line.
SAYS = {
    "deadline": [r"told, and waited"],
    "explicit": [r"the job came after the device, and the buffer waited for it"],
    "export-sync-file": [r"the device's fence has signalled"],
    "file-info": [r".*: status 1",
                  r"detached-driver signaled-timeline: status 1 at [1-9]\d* ns",
                  r"the late job: Connection timed out"],
    "heap": [r"a device used a buffer of the system heap"],
    "import-sync-file": [r"the buffer waited for the job"],
    "merge": [r"all layers are ready"],
    "merge-many": [r"all clients are ready"],
    "mmap": [r"drawn and read back"],
    "move": [r"the device finished first",
             r"device and process have followed",
             r"a static importer was in the way, for a while"],
    "narrow": [r"looking is all that is left"],
    "poll": [r"the device has written",
             r"the device has read"],
    "set-deadline": [r"told, and waited"],
    "set-name": [r"/dmabuf:cursor"],
    "share": [r"the buffer went from one process to another"],
    "size": [r"65536 bytes"],
    "sync-range": [r"a part was drawn"],
    "timeline": [r"fences signal one after the other"],
    "udmabuf": [r"one memfd, two buffers"],
}
JOB = """
part()
{
	echo "== $1"
	shift
	"$@"
	echo "== status $?"
}
"""


def job():
    """Loads, runs and unloads; what each part prints stands between two marks."""
    lines = [f"part load:{name} insmod /out/{name}.ko" for name in MODULES]
    lines += [f"part {name} /out/{name}" for name in sorted(SAYS)]
    lines += [f"part unload:{name} rmmod {name}" for name in reversed(MODULES)]
    return JOB + "".join(line + "\n" for line in lines)


def program_sources():
    """Everything that the programs are made of, the headers of the kernel aside."""
    place = os.path.join(SOURCE, "user")
    return [os.path.join(SOURCE, "dma-buf-sample.h"),
            *(os.path.join(place, name) for name in sorted(os.listdir(place))
              if name.endswith((".c", ".h")) or name == "Makefile")]


def programs(source_key, output):
    """Builds the programs, static, with the headers of the kernel in output."""
    key = stamps.key_of(source_key, *[("file", path) for path in program_sources()])
    wanted = [os.path.join(PROGRAMS, name) for name in SAYS]
    if not stamps.fresh("samples", key, *wanted):
        stamps.forget("samples")
        shutil.rmtree(PROGRAMS, ignore_errors=True)
        Job("building the sample programs", "samples-build.log").run(
            ["make", "-C", tree.TREE, f"O={output}", "ARCH=x86_64", "-s", "headers"],
            ["make", "-C", os.path.join(SOURCE, "user"), f"OUT={PROGRAMS}",
             f"HEADERS={output}/usr/include", "CFLAGS=-O2 -Werror", "STATIC=1"])
        stamps.seal("samples", key)
    built = sorted(os.listdir(PROGRAMS))
    if built != sorted(SAYS):
        raise Failure(f"{PROGRAMS} has {' '.join(built)}; expected {' '.join(sorted(SAYS))}")
    return wanted


def run(source_key):
    """Builds what is needed, and runs all of it in one boot."""
    vmlinux, _ = kernel.build("guest", source_key)
    output = os.path.dirname(vmlinux)
    files = programs(source_key, output)
    files += [os.path.join(output, "samples/dma-buf", name + ".ko") for name in MODULES]
    shutil.rmtree(SHARE, ignore_errors=True)
    os.makedirs(SHARE)
    for path in files:
        shutil.copy(path, SHARE)
    return Boot("samples", vmlinux, job(), SHARE)


def complaint(name, lines, status):
    """What is wrong with a program's output, or nothing."""
    patterns = [f"{name}: {pattern}" for pattern in SAYS[name]]
    if status != 0:
        return f"its status is {status}: {' / '.join(lines)}"
    if len(lines) != len(patterns) or not all(map(re.fullmatch, patterns, lines)):
        return f"it said {' / '.join(lines)}"
    return None


def report(tally, source_key):
    """A line for each module and each program."""
    boot = run(source_key)
    found = sections(boot.lines)
    for way in "load", "unload":
        for name in MODULES:
            lines, status = found.get(f"{way}:{name}", ([], None))
            tally.check(f"{name} can be {way}ed",
                        f"status {status}: {' / '.join(lines)}" if status != 0 else None)
    for name in SAYS:
        tally.check(f"{name} does what it shows", complaint(name, *found.get(name, ([], None))))
    tally.check("the guest came to its end", boot.problem or
                (f"its job ended with {boot.status}" if boot.status else None))
    tally.quiet_log(boot.alarms(), boot.kernel_log)
