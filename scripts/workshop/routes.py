# SPDX-License-Identifier: GPL-2.0-only
"""The way of a .c file through kbuild: the object that it is compiled into, and why that one."""

import os
import re
import subprocess

from workshop.common import read_text

INCLUDED = re.compile(r'^([^:]+):\s*#\s*include\s+["<]([^">]+\.c)[">]')


def includers(root, paths):
    """Maps each file to the files that may #include it."""
    tops = sorted({"/".join(path.split("/")[:2]) for path in paths})
    found = subprocess.run(["grep", "-rE", "--include=*.[ch]",
                            r'^\s*#\s*include\s+["<][^">]+\.c[">]', *tops], cwd=root,
                           capture_output=True, text=True, check=False)
    lines = [match.groups() for match in map(INCLUDED.match, found.stdout.splitlines()) if match]
    by = {}
    for path in paths:
        for includer, named in lines:
            beside = os.path.normpath(os.path.join(os.path.dirname(includer), named))
            if path == beside or path.endswith("/" + os.path.normpath(named)):
                by.setdefault(path, []).append(includer)
    return by


def gates(root, path, symbols):
    """The options that stand, unset, between kbuild and a file: its own and its directories'."""
    found = []
    child = os.path.basename(path)[:-2] + ".o"
    while directory := os.path.dirname(path):
        for name in "Kbuild", "Makefile":
            text = (read_text(os.path.join(root, directory, name)) or "").replace("\\\n", " ")
            for option, value in re.findall(r"^[\w-]+-\$\((CONFIG_\w+)\)\s*[+:]?=(.*)$", text, re.M):
                if child in value.split() and symbols.get(option, "n") == "n":
                    found.append(option)
        path, child = directory, os.path.basename(directory) + "/"
    return found


class Route:
    """How a file gets compiled: the object that it goes into, and why that one."""

    def __init__(self, target, way, forced=()):
        self.target = target
        self.way = way
        self.forced = forced


class Routes:
    """Finds the way to each file through one configuration."""

    def __init__(self, output, wanted):
        self.output = output
        self.objects = output.reachable(wanted)
        self.missing = [path for path in wanted if path not in self.objects]
        self.includers = includers(output.tree, self._with_sources(self.missing))
        self.symbols = output.symbols()

    def _with_sources(self, paths):
        """Those, and the files beside them, which may include one another."""
        found = set(paths)
        for path in paths:
            where = os.path.dirname(path)
            found.update(os.path.join(where, name)
                         for name in os.listdir(os.path.join(self.output.tree, where))
                         if name.endswith(".c"))
        return sorted(found)

    def _through_includer(self, path, seen=()):
        for includer in self.includers.get(path, ()):
            if includer in self.objects:
                return self.objects[includer]
            if includer not in seen:
                target = self._through_includer(includer, (*seen, path))
                if target:
                    return target
        return None

    def _forced(self, path):
        """Kbuild's own rules with the options set that this architecture does not offer."""
        forced = tuple(f"{option}=m" for option in gates(self.output.tree, path, self.symbols))
        if not forced:
            return None
        objects, _ = self.output.list_directory(os.path.dirname(path), forced)
        target = path[:-2] + ".o"
        return Route(target, "forced", forced) if target in objects else None

    def to(self, path):
        if path in self.objects:
            return Route(self.objects[path], "own")
        target = self._through_includer(path)
        return Route(target, "included") if target else self._forced(path)
