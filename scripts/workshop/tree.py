# SPDX-License-Identifier: GPL-2.0-only
"""build/stock, Debian's kernel source untouched; build/tree, the same with the project in it."""

import argparse
import os
import shutil
import subprocess

from workshop import overlay, stamps
from workshop.common import BUILD, REPO, Failure, say
from workshop.shell import Job

TARBALL = "/usr/src/linux-source-6.12.tar.xz"
STOCK = os.path.join(BUILD, "stock")
TREE = os.path.join(BUILD, "tree")


def packages(what):
    """Sees to the Debian packages; says what to do when it cannot."""
    if subprocess.run([os.path.join(REPO, "scripts/packages"), what], check=False).returncode:
        raise Failure("Debian packages are missing")


def remove(path):
    """Takes a tree out of the way at once, then deletes it."""
    if os.path.lexists(path):
        os.rename(path, path + ".old")
    shutil.rmtree(path + ".old", ignore_errors=True)


def tarball_key():
    try:
        state = os.stat(TARBALL)
    except OSError as reason:
        raise Failure(f"{reason}; it comes with the package linux-source-6.12") from None
    return f"{TARBALL} {state.st_size} {int(state.st_mtime)}"


def stock():
    """Makes build/stock; returns the key of what is in it."""
    key = tarball_key()
    if stamps.fresh("stock", key, STOCK):
        return key
    remove(STOCK)
    shutil.rmtree(STOCK + ".new", ignore_errors=True)
    os.makedirs(STOCK + ".new")
    Job("unpacking the kernel source", "unpack.log").run(
        ["tar", "-x", "-f", TARBALL, "-C", STOCK + ".new", "--strip-components=1",
         "--no-same-owner"])
    os.rename(STOCK + ".new", STOCK)
    stamps.seal("stock", key)
    return key


def tree():
    """Makes build/tree; returns the key of what is in it."""
    key = stock()
    if not stamps.fresh("tree", key, TREE):
        remove(TREE)
        shutil.rmtree(TREE + ".new", ignore_errors=True)
        # Hard links: the overlay and the builds never write into a file of the tree.
        Job("making the tree beside it", "tree.log").run(["cp", "-al", STOCK, TREE + ".new"])
        os.rename(TREE + ".new", TREE)
        stamps.seal("tree", key)
    plan = overlay.apply(REPO, TREE, pristine=STOCK)
    if plan.writes or plan.removed or plan.missed:
        overlay.report(plan)
    return stamps.key_of(key, plan.manifest_text(), str(overlay.MENTIONS),
                         *[part for path, source in sorted(plan.put.items())
                           for part in (path, ("file", source))])


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/tree",
        description="Unpacks Debian's kernel source into build/stock and keeps build/tree, the "
                    "same with the project in place of the stock dma-buf, up to date.",
        epilog="Both are results: change the project, not them (their files are hard links).")
    parser.parse_args(argv)
    packages("base")
    tree()
    say(f"tree: {TREE} is up to date")
    return 0
