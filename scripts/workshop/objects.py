# SPDX-License-Identifier: GPL-2.0-only
"""The project's object files: where they call what, and what source an address belongs to."""

import os
import re
import subprocess

from workshop import kernel
from workshop.common import Failure
from workshop.shell import environment

# A call's relocation is of the four bytes in front of where it returns to.
RETURN = 4


def output_of(*argv, data=None):
    """What a program of binutils prints, given data."""
    done = subprocess.run(argv, input=data, capture_output=True, text=True, check=False,
                          env=environment())
    if done.returncode:
        raise Failure(f"{argv[0]}: {done.stderr.strip()}")
    return done.stdout


def own_objects(output):
    """{object: source} of those of the project's objects that this kernel has."""
    found = {}
    for path, source in kernel.own_sources().items():
        if os.path.exists(os.path.join(output, path)):
            found[os.path.join(output, path)] = source
    if not found:
        raise Failure(f"{output}: there are no objects of the project")
    return found


def calls_in(listing):
    """[(section, function, where the call returns to, callee)] of what `objdump -dr` prints.

    The return is counted from the beginning of the function.
    """
    calls = []
    section = function = None
    start = 0
    for line in listing.splitlines():
        heading = re.match(r"Disassembly of section (\S+):", line)
        begin = re.match(r"([0-9a-f]+) <(\S+)>:$", line)
        call = re.match(r"\s+([0-9a-f]+): R_X86_64_PLT32\s+(\S+?)-0x4$", line)
        if heading:
            section = heading.group(1)
        elif begin:
            function, start = begin.group(2), int(begin.group(1), 16)
        elif call:
            calls.append((section, function, int(call.group(1), 16) + RETURN - start,
                          call.group(2)))
    return calls


def calls_of(path):
    return calls_in(output_of("objdump", "-dr", "--no-show-raw-insn", path))


def symbols(vmlinux):
    """{function: [addresses]}; a static function may share its name with another file's."""
    found = {}
    for line in output_of("nm", vmlinux).splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in "tT":
            found.setdefault(words[2], []).append(int(words[0], 16))
    return found


def frames_in(text):
    """[[(file, line), ...]] of what `addr2line -ai` prints: innermost first, for each address."""
    places = []
    for line in text.splitlines():
        if re.match(r"0x[0-9a-f]+$", line):
            places.append([])
            continue
        file, _, number = line.split(" (")[0].rpartition(":")
        where = file.find(kernel.HOME + "/")
        places[-1].append((os.path.normpath(file[where:] if where >= 0 else file),
                           int(number) if number.isdigit() else 0))
    return places


def frames(vmlinux, addresses):
    """{address: [(file, line), ...]}, from the innermost inline function to the outermost."""
    data = "".join(f"{address:#x}\n" for address in addresses)
    return dict(zip(addresses, frames_in(output_of("addr2line", "-ai", "-e", vmlinux,
                                                   data=data))))
