# SPDX-License-Identifier: GPL-2.0-only
"""Checks that need no kernel to run: style, documentation, scripts, and what compilers say."""

import argparse
import glob
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

from workshop import compiled, tree
from workshop.common import REPO, Failure, Refusal, read_text, say
from workshop.compiled import project_files
from workshop.kbuild import CPUS, run
from workshop.shell import minutes

ORIGINALITY = os.path.join(REPO, "../shared/tools/originality")
FAULTS_SHOWN = 60


def kernel_places():
    """Maps the repository's files that belong to a kernel tree to their places there."""
    return {os.path.relpath(source, REPO): path for path, source in project_files().items()}


def silent(paths, *argv, places=(), elsewhere=()):
    """The lines that a program prints, or its silent failure, on any of the files.

    places: files to be read in the tree, where their paths have a meaning;
    elsewhere: further arguments for all the others.
    """
    def one(path):
        inside = path in places
        place = places[path] if inside else path
        status, lines = run(*argv, *(() if inside else elsewhere), place,
                            cwd=tree.TREE if inside else REPO)
        if status and not lines:
            lines = [f"{path}: {os.path.basename(argv[0])} ended with {status}"]
        return [line.replace(place + ":", path + ":") for line in lines]
    with ThreadPoolExecutor(CPUS) as pool:
        return [line for lines in pool.map(one, paths) for line in lines]


class Project:
    """The files of the repository, by kind."""

    def __init__(self):
        status, names = run("git", "ls-files", "-co", "--exclude-standard")
        if status:
            raise Failure("git ls-files: " + " ".join(names))
        self.files = sorted({name for name in names if os.path.isfile(os.path.join(REPO, name))})
        self.sources = self.ending(".c", ".h")

    def ending(self, *suffixes):
        return [name for name in self.files if name.endswith(suffixes)]

    def kernel_text(self):
        """What checkpatch reads."""
        return [name for name in self.files if name.endswith((".c", ".h", ".rst")) or
                os.path.basename(name).startswith(("Kconfig", "Makefile"))]

    def scripts(self, language, suffix):
        """The programs in a language, known by their name or by their first line."""
        found = []
        for name in self.files:
            first = read_text(os.path.join(REPO, name)).split("\n", 1)[0]
            if name.endswith(suffix) or first.startswith("#!") and language in first.split("/")[-1]:
                found.append(name)
        return found


def is_iterator(complaint):
    """Whether checkpatch speaks of a loop's variable, which every part of the loop must name."""
    found = re.match(r"([^:]+):(\d+): CHECK: Macro argument reuse ", complaint)
    if not found:
        return False
    text = read_text(os.path.join(REPO, found.group(1))).splitlines()[int(found.group(2)) - 1]
    return bool(re.match(r"#define \w*for_each\w*\(", text))


def checkpatch(project):
    paths = project.kernel_text()
    # The names in a program of user space are its libraries' (drmModeAddFB2).
    lines = silent(paths, "perl", f"{tree.STOCK}/scripts/checkpatch.pl", "--strict", "--no-tree",
                   "--quiet", "--terse", "--no-summary", "--file",
                   places=kernel_places(), elsewhere=["--ignore=CAMELCASE"])
    for left in glob.glob(os.path.join(REPO, ".checkpatch-camelcase.*")):
        os.unlink(left)
    return paths, [line for line in lines if not is_iterator(line)]


def kernel_doc(project):
    paths = project.sources
    return paths, silent(paths, f"{tree.STOCK}/scripts/kernel-doc", "-none", "-Wall")


def shell(project):
    paths = project.scripts("sh", ".sh")
    faults = []
    for path in paths:
        first = read_text(os.path.join(REPO, path)).split("\n", 1)[0]
        faults += silent([path], "sh" if first.endswith("/sh") else "bash", "-n")
    return paths, faults + silent(paths, "shellcheck", "-x", "-P", "SCRIPTDIR",
                                   "-f", "gcc")


def python(project):
    paths = project.scripts("python3", ".py")
    faults = []
    for path in paths:
        try:
            compile(read_text(os.path.join(REPO, path)), path, "exec", dont_inherit=True)
        except SyntaxError as reason:
            faults.append(f"{path}:{reason.lineno}: {reason.msg}")
    return paths, faults + silent(paths, "pyflakes3")


def manual(project):
    paths = [name for name in project.files if re.search(r"\.[1-9]$", name)]
    return paths, silent(paths, "groff", "-man", "-Tutf8", "-ww", "-z")


def originality(project):
    paths = project.kernel_text()
    status, lines = run(ORIGINALITY, tree.STOCK, REPO)
    return paths, lines if status or lines[-1:] != ["originality: 0 shared runs"] else []


CHECKS = {
    "checkpatch": (checkpatch, "scripts/checkpatch.pl --strict on C, Kconfig, Makefile and rst"),
    "kernel-doc": (kernel_doc, "scripts/kernel-doc -none -Wall on every .c and .h"),
    "shell": (shell, "bash -n and shellcheck on the shell scripts"),
    "python": (python, "compiles, and pyflakes, on the Python programs"),
    "manual": (manual, "groff -ww on the manual pages"),
    "originality": (originality, "shared text with stock, where ../shared/tools has the program"),
    "uapi": (compiled.uapi, "each uapi header in a user's program: C90, pedantic"),
    "headers": (compiled.headers, "each kernel header compiles alone, and twice (x86-64)"),
    "sizes": (compiled.sizes, "no public structure is larger than stock's (x86-64, small)"),
    "modules": (compiled.modules, "what the tests need as a module is exported (x86-64)"),
    **{f"build-{name}": (compiled.builder(name), f"W=1 and sparse: {text}")
       for name, text in compiled.CONFIGURATIONS.items()},
}


def carry_out(name, project):
    """Runs one check; returns whether all is well."""
    begin = time.monotonic()
    paths, faults = CHECKS[name][0](project)
    if not paths:
        faults = ["found nothing to check"]
    if faults:
        for line in faults[:FAULTS_SHOWN]:
            say(f"  {line}")
        if len(faults) > FAULTS_SHOWN:
            say(f"  ... and {len(faults) - FAULTS_SHOWN} more lines")
        say(f"FAILED {name}")
    else:
        say(f"ok {name} ({len(paths)} files, {minutes(time.monotonic() - begin)})")
    return not faults


def selected(only):
    """The checks to do, in their order."""
    for word in only or ():
        if not any(word in (name, name.split("-")[0]) for name in CHECKS):
            raise Refusal(f"--only {word}: not one of {' '.join(CHECKS)}")
    names = [name for name in CHECKS
             if not only or any(word in (name, name.split("-")[0]) for word in only)]
    if "originality" in names and not os.path.exists(ORIGINALITY):
        say(f"left out: originality (no {os.path.normpath(ORIGINALITY)})")
        names.remove("originality")
    if not names:
        raise Failure("nothing was checked")
    return names


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/check",
        description="Checks every file of the project without running it: kernel style and "
                    "documentation, and that the compiler (W=1) and sparse are silent on every "
                    "source file on x86-64, i386 and arm64.",
        epilog="Only what is said about the project's own files counts, and whatever keeps one "
               "of them from being compiled or checked. A check that finds nothing to check "
               "fails. Exit status: 0 all well, 1 not, 2 wrong use.")
    parser.add_argument("--list", action="store_true", help="print the checks; do none")
    parser.add_argument("--only", metavar="NAME", action="append",
                        help="only this check, or all whose name begins so: build")
    options = parser.parse_args(argv)
    if options.list:
        for name, (_, text) in CHECKS.items():
            say(f"{name:14} {text}")
        return 0
    names = selected(options.only)
    tree.packages("all")
    tree.tree()
    project = Project()
    failed = 0
    for name in names:
        try:
            failed += not carry_out(name, project)
        except Failure as reason:
            say(f"  {reason}")
            say(f"FAILED {name}")
            failed += 1
    say(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0
