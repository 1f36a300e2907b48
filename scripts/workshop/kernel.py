# SPDX-License-Identifier: GPL-2.0-only
"""Configures and builds x86-64 kernels for QEMU out of build/tree."""

import os
import re

from workshop import stamps
from workshop.common import BUILD, REPO, Failure, read_text, write_text
from workshop.overlay import HOME, project_files
from workshop.shell import Job
from workshop.tree import TREE

KCONFIG = os.path.join(REPO, "scripts/kconfig")
JOBS = f"-j{os.cpu_count()}"

# The kernels, and the fragments they are made of; all else is off.
KERNELS = {
    "guest": ("guest", "lockdep", "bpf", "samples"),
    "debug": ("guest", "lockdep", "debug", "kunit"),
    "proof": ("guest", "lockdep", "debug", "failing", "attack", "kunit-built-in"),
    "kcsan": ("guest", "kcsan", "kunit-built-in"),
    "coverage": ("guest", "failing", "coverage", "kunit-built-in"),
    # Optimised for size, as tinyconfig is: stock's figures in the issues were got so.
    "bench": ("bench", "bench-x86"),
    "bench-pool": ("bench", "bench-x86", "bench-pool"),
    "bench-locks": ("bench", "bench-x86", "bench-locks"),
    "bench-uml": ("bench", "bench-uml"),
    "bench-pool-uml": ("bench", "bench-uml", "bench-pool"),
}
# What is made of them, unless somebody asks for something else.
TARGETS = {name: ("vmlinux", "modules") for name in ("guest", "debug")}

# Kernels whose compiler adds something to the project's files, and to no others: what make
# is told for each of them, and once. Where KCOV is, line numbers are, and calls return.
INSTRUMENTED = {
    "proof": ("KCOV_INSTRUMENT_{}.o=y", "CFLAGS_KCOV=-fsanitize-coverage=trace-pc -g1 "
                                        "-fno-optimize-sibling-calls"),
    "kcsan": ("KCSAN_SANITIZE_{}.o=y", "KCSAN_SANITIZE=n"),
    "coverage": ("GCOV_PROFILE_{}.o=y",),
}


def fragment(name):
    return os.path.join(KCONFIG, name + ".config")


def wanted_symbols(fragments):
    """What the fragments ask for: {symbol: value}, "n" for what is to be off."""
    wanted = {}
    for path in fragments:
        for line in read_text(path).splitlines():
            on = re.match(r"(CONFIG_\w+)=(.*)", line)
            off = re.match(r"# (CONFIG_\w+) is not set", line)
            if on:
                wanted[on.group(1)] = on.group(2)
            elif off:
                wanted[off.group(1)] = "n"
    return wanted


def check_config(config, fragments):
    """Fails when Kconfig silently dropped or changed what was asked for."""
    have = wanted_symbols([config])
    lost = [f"{symbol}={value} (is {have.get(symbol, 'n')})"
            for symbol, value in wanted_symbols(fragments).items()
            if have.get(symbol, "n") != value]
    if lost:
        raise Failure(f"{config}: Kconfig did not set {', '.join(lost)}")


def own_sources():
    """{object: source} of the project's files in a kernel, tests left out, as paths in a tree."""
    return {path[:-2] + ".o": path for path in sorted(project_files(REPO))
            if path.startswith(HOME + "/") and path.endswith(".c")
            and not path.startswith(HOME + "/tests/")}


def instruments(name):
    """The words that have make instrument the project's files."""
    each, *once = INSTRUMENTED.get(name, (None,))
    if not each:
        return []
    return once + [each.format(os.path.basename(path)[:-2]) for path in own_sources()]


def make_command(name, source, output):
    """How make is called for a kernel, with what is to be made left out."""
    arch = "um" if name.endswith("-uml") else "x86_64"
    return ["make", "-C", source, f"O={output}", "CC=ccache gcc", f"ARCH={arch}",
            *instruments(name)]


def key_of(name, source_key):
    """The key of a kernel that is made of that source."""
    return stamps.key_of(source_key, *instruments(name),
                         *[("file", fragment(part)) for part in KERNELS[name]])


def up_to_date(name, source_key, output):
    """Whether there is nothing to build."""
    return stamps.fresh(os.path.basename(output), key_of(name, source_key),
                        os.path.join(output, "vmlinux"))


def build(name, source_key, source=TREE, output=None, targets=None):
    """Brings a kernel up to date with its source; returns its vmlinux and a key."""
    fragments = [fragment(part) for part in KERNELS[name]]
    key = key_of(name, source_key)
    output = output or os.path.join(BUILD, "kernel-" + name)
    stamp = os.path.basename(output)
    vmlinux = os.path.join(output, "vmlinux")
    if up_to_date(name, source_key, output):
        return vmlinux, key
    stamps.forget(stamp)
    os.makedirs(output, exist_ok=True)
    make = make_command(name, source, output)
    wanted = os.path.join(output, "wanted.config")
    write_text(wanted, "".join(map(read_text, fragments)))
    title = stamp.removeprefix("kernel-")
    Job(f"configuring the {title} kernel", f"{stamp}-config.log").run(
        [*make, "-s", f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig"])
    check_config(os.path.join(output, ".config"), fragments)
    Job(f"building the {title} kernel", f"{stamp}.log").run(
        [*make, JOBS, *(targets or TARGETS.get(name, ("vmlinux",)))])
    stamps.seal(stamp, key)
    return vmlinux, key
