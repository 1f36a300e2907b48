# SPDX-License-Identifier: GPL-2.0-only
"""The demonstration: builds its program and its kernel, boots, shows, draws the pictures."""

import argparse
import os
import shutil
import sys

from workshop import kernel, stamps, tree
from workshop.common import BUILD, REPO, Refusal, read_text, say
from workshop.guest import Boot
from workshop.shell import Job

SOURCE = os.path.join(REPO, "demo")
OUT = os.path.join(BUILD, "demo")
PICTURES = ("frame.png", "timeline.svg")
FRAMES = 120
SOURCES = ("vgem", "heap", "udmabuf")


def source_parts():
    """The demonstration's sources, for its key."""
    parts = []
    for where, dirs, names in os.walk(SOURCE):
        dirs.sort()
        for name in sorted(names):
            if not name.endswith((".o", ".pyc")):
                path = os.path.join(where, name)
                parts += [os.path.relpath(path, SOURCE), ("file", path)]
    return parts


def program():
    """Builds the guest's program; returns it and the libraries it needs, none if it is static."""
    output = os.path.join(BUILD, "demo-program")
    binary = os.path.join(output, "dmabuf-demo")
    key = stamps.key_of(*source_parts())
    if not stamps.fresh("demo-program", key, binary):
        stamps.forget("demo-program")
        os.makedirs(output, exist_ok=True)
        Job("building the demonstration", "demo-program.log").run(
            ["make", "-C", SOURCE, f"OUT={output}"])
        stamps.seal("demo-program", key)
    return binary, read_text(binary + ".libs", "").split()


def draw():
    """Turns what the guest left into pictures; returns the ones that are missing."""
    Job("drawing the pictures", "demo-render.log").run(
        [sys.executable, "-B", os.path.join(SOURCE, "render.py"), OUT])
    return [name for name in PICTURES
            if not os.path.exists(os.path.join(OUT, name))
            or not os.path.getsize(os.path.join(OUT, name))]


def show(source_key, frames=FRAMES, source="vgem", accelerator="auto", limit=900):
    """Runs it; returns what the reader is to know: [(guarantee, None or what is wrong)]."""
    vmlinux, _ = kernel.build("guest", source_key)
    binary, libraries = program()
    shutil.rmtree(OUT, ignore_errors=True)
    boot = Boot("demo", vmlinux, f"exec dmabuf-demo --out /out --frames {frames} "
                f"--source {source}\n", OUT, [binary], libraries, limit=limit,
                accelerator=accelerator, on_line=say)
    verdicts = []
    if boot.problem:
        wrong = boot.problem
    elif boot.status:
        wrong = f"the program ended with {boot.status}"
    else:
        wrong = None
    verdicts.append((f"{frames} frames in buffers of {source} are drawn, shown, captured and "
                     "released", wrong))
    alarms = boot.alarms()
    verdicts.append(("the kernel's log holds no warning",
                     f"{len(alarms)} in {boot.kernel_log}: {alarms[0]}" if alarms else None))
    missing = PICTURES if boot.status is None else draw()
    verdicts.append((f"{' and '.join(PICTURES)} are in {OUT}",
                     f"missing: {' '.join(missing)}" if missing else None))
    return verdicts


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Shows the project at work: on a fresh Debian 12 or 13 it installs the "
                    "packages it needs, unpacks and builds the kernel, boots it in QEMU and "
                    "passes frames from a producer to the driver vkms through its dma-bufs.",
        epilog="Exit status: 0 every frame right, no buffer left, no warning in the kernel's "
               "log; 1 not so; 2 wrong use. Leaves build/demo/frame.png and timeline.svg.")
    parser.add_argument("--frames", type=int, default=FRAMES, metavar="N",
                        help=f"how many frames to show, 1 to 9999 ({FRAMES})")
    parser.add_argument("--source", choices=SOURCES, default=SOURCES[0],
                        help="where the buffers come from: the driver vgem (default), the system "
                             "heap, or memory of the program's own through udmabuf")
    parser.add_argument("--accel", choices=("auto", "kvm", "tcg"), default="auto",
                        help="how QEMU runs the guest; auto: KVM where it really works")
    options = parser.parse_args(argv)
    if not 1 <= options.frames <= 9999:
        raise Refusal(f"--frames {options.frames}: not between 1 and 9999")
    tree.packages("base")
    key = tree.tree()
    verdicts = show(key, options.frames, options.source, options.accel,
                    600 + options.frames)
    for guarantee, wrong in verdicts:
        say(f"demo: {'FAILED' if wrong else 'ok'}: {guarantee}" + (f": {wrong}" if wrong else ""))
    return 1 if any(wrong for _, wrong in verdicts) else 0
