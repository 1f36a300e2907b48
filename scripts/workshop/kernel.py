# SPDX-License-Identifier: GPL-2.0-only
"""Configures and builds x86-64 kernels for QEMU out of build/tree."""

import os
import re

from workshop import stamps
from workshop.common import BUILD, REPO, Failure, read_text, write_text
from workshop.shell import Job
from workshop.tree import TREE

KCONFIG = os.path.join(REPO, "scripts/kconfig")
JOBS = f"-j{os.cpu_count()}"

# The kernels, and the fragments they are made of; all else is off.
KERNELS = {
    "guest": ("guest", "lockdep"),
    "debug": ("guest", "lockdep", "debug", "kunit"),
    "bpf": ("guest", "lockdep", "bpf"),
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


def build(name, source_key):
    """Brings a kernel up to date with the tree; returns its vmlinux and a key."""
    fragments = [fragment(part) for part in KERNELS[name]]
    key = stamps.key_of(source_key, *[("file", path) for path in fragments])
    output = os.path.join(BUILD, "kernel-" + name)
    vmlinux = os.path.join(output, "vmlinux")
    if stamps.fresh("kernel-" + name, key, vmlinux):
        return vmlinux, key
    stamps.forget("kernel-" + name)
    os.makedirs(output, exist_ok=True)
    make = ["make", "-C", TREE, f"O={output}", "CC=ccache gcc", "ARCH=x86_64"]
    wanted = os.path.join(output, "wanted.config")
    write_text(wanted, "".join(map(read_text, fragments)))
    Job(f"configuring the {name} kernel", f"kernel-{name}-config.log").run(
        [*make, "-s", f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig"])
    check_config(os.path.join(output, ".config"), fragments)
    Job(f"building the {name} kernel", f"kernel-{name}.log").run([*make, JOBS, "vmlinux"])
    stamps.seal("kernel-" + name, key)
    return vmlinux, key
