# SPDX-License-Identifier: GPL-2.0-only
"""Compiles every driver that uses the interface, and compares with stock's headers."""

import argparse
import filecmp
import fnmatch
import json
import os
import time

from workshop import stamps, tree
from workshop.common import BUILD, Failure, Refusal, read_text, say, write_text
from workshop.interface import Interface
from workshop.kbuild import Output, own_files
from workshop.kernel import fragment
from workshop.routes import Routes
from workshop.shell import minutes

def find_users(root, key):
    """The .c files that use the interface; the search is done once for a set of names."""
    interface = Interface(root)
    key = stamps.key_of(key, *sorted(interface.words), *sorted(interface.tags), ("file", __file__))
    kept = os.path.join(BUILD, "consumers/users.json")
    if os.path.exists(kept):
        known = json.loads(read_text(kept))
        if known["key"] == key:
            return known["users"]
    say("  searching the tree for the interface's names ...")
    users = interface.users(root)
    say(f"  {len(users)} files use {len({name for names in users.values() for name in names})} "
        f"of the {len(interface.words) + len(interface.tags)} names in "
        f"{len(interface.headers)} headers")
    write_text(kept, json.dumps({"key": key, "users": users}))
    return users


class Verdicts:
    """What is wrong with which file."""

    def __init__(self):
        self.faults = {}
        self.warnings = 0

    def fault(self, path, text):
        self.faults.setdefault(path, []).append(text)

    def compare(self, ours, stocks, paths):
        """Looks at what was said about files that warn or fail, here and in stock's tree."""
        for path, route in paths.items():
            here, there = ours.said(route.target), stocks.said(route.target)
            if here is None:
                stock_too = "" if there else " (stock's headers: the same)"
                self.fault(path, ours.failures_of(route.target)[0] + stock_too)
                continue
            known = set(there.warnings) if there else set()
            for line in here.warnings:
                if line in known:
                    self.warnings += 1
                else:
                    self.fault(path, f"new: {line}")


def compile_all(ours, routes, key):
    """Compiles the files; returns the verdicts."""
    verdicts = Verdicts()
    forced = sorted({word for route in routes.values() if route for word in route.forced})
    targets = sorted({route.target for route in routes.values() if route})
    failed = ours.build(targets, f"{len(targets)} objects", forced) if targets else set()
    loud = {}
    for path, route in routes.items():
        if route is None:
            verdicts.fault(path, "not reached: no object, no file that includes it, no option")
        elif route.target in failed or ours.said(route.target).warnings:
            loud[path] = route
        elif path not in ours.dependencies(route.target):
            verdicts.fault(path, f"not reached: {route.target} was made without it")
    if loud:
        stocks = Output("consumers/stock", tree.STOCK, ours.base, ours.fragment)
        stocks.configure(key)
        stocks.build(sorted({route.target for route in loud.values()}),
                     f"stock's warnings in {len(loud)} files that warn here", forced)
        verdicts.compare(ours, stocks, loud)
    return verdicts


def check_unmodified(paths):
    for path in paths:
        mine, stocks = os.path.join(tree.TREE, path), os.path.join(tree.STOCK, path)
        if not os.path.samefile(mine, stocks) and not filecmp.cmp(mine, stocks, shallow=False):
            raise Failure(f"{mine}: not the same as stock's")


def report(routes, verdicts, seconds):
    for path, texts in verdicts.faults.items():
        for text in dict.fromkeys(texts):
            say(f"FAILED {path}: {text}")
    for way, text in (("own", "by their own object"), ("included", "through a file that includes them"),
                      ("forced", "with an option forced that x86-64 does not offer")):
        count = sum(bool(route) and route.way == way for route in routes.values())
        if count:
            say(f"consumers: {count} {text}")
    good = len(routes) - len(verdicts.faults)
    say(f"consumers: {good} of {len(routes)} files compile unmodified and without a new warning; "
        f"{verdicts.warnings} warnings are stock's too; {minutes(seconds)}")
    say(f"{good} passed, {len(verdicts.faults)} failed")
    return 1 if verdicts.faults else 0


def select(users, pattern):
    if pattern is None:
        return users
    found = {path: names for path, names in users.items()
             if pattern in path or fnmatch.fnmatch(path, pattern)}
    if not found:
        raise Refusal(f"--only {pattern}: none of the {len(users)} files")
    return found


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/consumers",
        description="Compiles every .c file of the kernel outside drivers/dma-buf that uses a "
                    "name of include/linux/{dma-buf,dma-fence,dma-resv,sync_file,dma-heap}*.h, "
                    "unmodified, in an x86-64 allmodconfig with COMPILE_TEST, and names those "
                    "that fail, warn where stock's headers do not, or were not reached.",
        epilog="A file that others include counts through one of them. A file whose driver no "
               "x86-64 configuration offers is compiled by its own Makefile with that option "
               "given to make. Only files that warn are compiled in stock's tree as well. "
               "Exit status: 0 all well, 1 not, 2 wrong use.")
    parser.add_argument("--list", action="store_true",
                        help="print the files and the names that each uses; compile nothing")
    parser.add_argument("--only", metavar="PATTERN",
                        help="only files whose path holds, or as a shell pattern is, PATTERN")
    options = parser.parse_args(argv)
    tree.packages("base")
    begin = time.monotonic()
    tree.tree()
    key = tree.stock()
    users = select(find_users(tree.TREE, key), options.only)
    if options.list:
        for path, names in users.items():
            say(f"{path}: {' '.join(names)}")
        say(f"{len(users)} files")
        return 0
    if not users:
        raise Failure("no file uses the interface: nothing was checked")
    check_unmodified(users)
    ours = Output("consumers/tree", tree.TREE, "allmodconfig", fragment("allmod"))
    ours.configure(key, *own_files("Kconfig"))
    finder = Routes(ours, list(users))
    routes = {path: finder.to(path) for path in users}
    return report(routes, compile_all(ours, routes, key), time.monotonic() - begin)
