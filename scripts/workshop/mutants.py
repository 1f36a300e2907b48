# SPDX-License-Identifier: GPL-2.0-only
"""Deliberate bugs, one at a time: the tests are as good as what they notice.

A mutant is a patch in tests/mutants. Above the diff it says what is wrong and

    Caught-by: STEP: NAME

the step of scripts/test that must fail, and what in it: a word that the line of a failed
check has in it, or "crash" when the kernel does not come to its end.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
from time import monotonic

from workshop import tree
from workshop.common import BUILD, REPO, Failure, Refusal, read_text, say
from workshop.kbuild import run
from workshop.shell import environment, minutes

PATCHES = os.path.join(REPO, "tests/mutants")
SCRATCH = os.path.join(BUILD, "mutants")
# A case without a suite or name: kunit.py found the end of the results missing.
CRASH = ": : : see the log"
CAUGHT_BY = re.compile(r"^Caught-by: ([\w-]+): (\S+)$", re.M)


def patches(only=()):
    """The paths of the patches, or of those whose names begin as asked."""
    paths = sorted(glob.glob(os.path.join(PATCHES, "*.patch")))
    for word in only:
        if not any(name_of(path).startswith(word) for path in paths):
            raise Refusal(f"no mutant {word} in tests/mutants")
    return [path for path in paths
            if not only or any(name_of(path).startswith(word) for word in only)]


def name_of(path):
    return os.path.basename(path).removesuffix(".patch")


def claims(path):
    """[(step, word)] that the patch says will fail."""
    return CAUGHT_BY.findall(read_text(path))


def applies(path, place):
    """Why a patch cannot be applied there, or nothing."""
    status, lines = run("git", "apply", "--check", path, cwd=place)
    return " ".join(lines) if status else None


def prepare():
    """A worktree of what is committed, beside the kernel tree that is unpacked already."""
    if os.path.exists(SCRATCH):
        run("git", "worktree", "remove", "--force", SCRATCH)
        shutil.rmtree(SCRATCH, ignore_errors=True)
    run("git", "worktree", "prune")
    status, lines = run("git", "worktree", "add", "--detach", SCRATCH, "HEAD")
    if status:
        raise Failure(" ".join(lines))
    os.makedirs(os.path.join(SCRATCH, "build/stamps"))
    subprocess.run(["cp", "-al", tree.STOCK, os.path.join(SCRATCH, "build/stock")], check=True)
    shutil.copy2(os.path.join(BUILD, "stamps/stock"), os.path.join(SCRATCH, "build/stamps/stock"))


def failures(step):
    """What fails in a step, in the scratch worktree: the lines that say so."""
    # Objects are shared with all other worktrees through ccache.
    env = dict(environment(), CCACHE_BASEDIR=SCRATCH)
    limit = 1800
    command = [os.path.join(SCRATCH, "scripts/test"), "--only", step]
    process = subprocess.run(command, cwd=SCRATCH, env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit,
                             check=False)
    lines = process.stdout.decode(errors="replace").splitlines()
    failed = [line for line in lines if line.startswith("FAILED")]
    if any("broke off: building" in line for line in failed):
        raise Failure("does not build: " + failed[0])
    return failed


def verdict(path):
    """What is wrong with a mutant, or nothing: each step it names fails as it says."""
    for step, word in claims(path):
        failed = failures(step)
        if not failed:
            return f"{step} does not notice"
        if not any((CRASH if word == "crash" else word) in line for line in failed):
            return f"{step} notices, but not by {word}: {failed[0]}"
    return None


def examine(paths):
    """Applies each patch in turn, and takes it back; returns how many passed and failed."""
    prepare()
    passed = failed = 0
    for path in paths:
        begin = monotonic()
        wrong = None if claims(path) else "it does not say who catches it"
        wrong = wrong or applies(path, SCRATCH)
        if not wrong:
            run("git", "apply", path, cwd=SCRATCH)
            try:
                wrong = verdict(path)
            except (Failure, subprocess.TimeoutExpired) as reason:
                wrong = str(reason)
            run("git", "checkout", "--", ".", cwd=SCRATCH)
        spent = minutes(monotonic() - begin)
        if wrong:
            failed += 1
            say(f"FAILED  {name_of(path)}: {wrong} ({spent})")
        else:
            passed += 1
            say(f"ok      {name_of(path)}: "
                f"{', '.join(' '.join(claim) for claim in claims(path))} ({spent})")
    run("git", "worktree", "remove", "--force", SCRATCH)
    return passed, failed


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/mutants",
        description="Puts one deliberate bug after the other (tests/mutants/*.patch) into a "
                    "scratch copy of what is committed, and runs the step of scripts/test that "
                    "has to notice. Takes about a minute for each.",
        epilog="Exit status: 0 all are caught, 1 some are not, 2 wrong use.")
    parser.add_argument("--list", action="store_true",
                        help="print the mutants and who catches them; run nothing")
    parser.add_argument("--only", metavar="NAME", action="append", default=[],
                        help="only this mutant, or all whose name begins so")
    options = parser.parse_args(argv)
    paths = patches(options.only)
    if options.list:
        for path in paths:
            say(f"{name_of(path):44} {', '.join(': '.join(claim) for claim in claims(path))}")
        return 0
    tree.packages("all")
    tree.tree()
    passed, failed = examine(paths)
    say(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
