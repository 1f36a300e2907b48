# SPDX-License-Identifier: GPL-2.0-only
"""Single objects out of a kernel tree: what kbuild would build, and what the compiler says."""

import json
import os
import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from workshop import stamps
from workshop.common import BUILD, REPO, Failure, read_text, say, write_text
from workshop.kernel import check_config, wanted_symbols
from workshop.overlay import project_files
from workshop.shell import LOGS, PROGRESS_SECONDS, Job, environment, minutes, stream

KEEP_LOG = os.path.join(REPO, "scripts/kbuild/keep-log")
OBJECTS_MK = os.path.join(REPO, "scripts/kbuild/objects.mk")
CPUS = os.cpu_count()

# How make names what it could not make, with and without -k.
UNMADE = re.compile(r"(?:Target '([^']+)' not remade|\*\*\* \[[^]]*: ([^]\s]+)\] |"
                    r"No rule to make target '([^']+)')")


def run(*words, cwd=REPO):
    """Runs a program that is quick; returns its status and all that it printed, as lines."""
    try:
        done = subprocess.run(words, cwd=cwd, env=environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except FileNotFoundError as reason:
        raise Failure(str(reason)) from None
    return done.returncode, done.stdout.decode(errors="replace").splitlines()


def source_of(name):
    """The .c file that an object is made from, whatever way its path takes."""
    return os.path.splitext(os.path.normpath(name))[0] + ".c"


def own_files(kind):
    """The project's files that are called Kconfig or Makefile, as parts of a key."""
    return [part for path, source in sorted(project_files(REPO).items())
            if os.path.basename(path).startswith(kind) for part in (path, ("file", source))]


class Output:
    """An output directory of one tree in one configuration."""

    def __init__(self, name, tree, base, fragment, arch="x86_64", cross="", extra=()):
        self.name = name
        self.tree = tree
        self.base = base
        self.fragment = fragment
        self.path = os.path.join(BUILD, name)
        compiler = cross + "gcc"
        self.version = run(compiler, "--version")[1][0]
        ccache = "ccache " if shutil.which("ccache") else ""
        self.directory = "x86" if arch in ("x86_64", "i386") else arch
        self.make = ["make", "-C", tree, f"O={self.path}", f"ARCH={arch}",
                     f"CC={KEEP_LOG} log {ccache}{compiler}", f"-j{CPUS}", *extra]
        if cross:
            self.make.append(f"CROSS_COMPILE={cross}")

    def log_name(self, step):
        return f"{self.name.replace('/', '-')}-{step}.log"

    def configure(self, source, *kconfig):
        """Makes .config and what every object needs.

        source: key of the stock tree; kconfig: what Kconfig reads besides, for a key.
        """
        key = stamps.key_of(source, *kconfig, self.version, self.base, *self.make, ("file", self.fragment))
        stamp = self.name.replace("/", "-")
        if stamps.fresh(stamp, key, os.path.join(self.path, ".config")):
            return
        stamps.forget(stamp)
        # Another kernel's files may be older than the objects made from this one's.
        if not stamps.fresh(stamp + "-source", source, self.path):
            shutil.rmtree(self.path, ignore_errors=True)
        os.makedirs(self.path, exist_ok=True)
        stamps.seal(stamp + "-source", source)
        Job(f"{self.name}: configuring", self.log_name("config")).run(
            [*self.make, "-s", f"KCONFIG_ALLCONFIG={self.fragment}", self.base])
        check_config(os.path.join(self.path, ".config"), [self.fragment])
        Job(f"{self.name}: preparing", self.log_name("prepare")).run([*self.make, "prepare"])
        stamps.seal(stamp, key)

    def symbols(self):
        return wanted_symbols([os.path.join(self.path, ".config")])

    def list_directory(self, directory, forced=()):
        """What kbuild would build in a directory: (objects, directories below)."""
        done = subprocess.run(["make", "-s", "-C", self.path, "-f", OBJECTS_MK,
                               f"tree={self.tree}", f"SRCARCH={self.directory}",
                               f"obj={directory}", *forced],
                              env=environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"{self.name}: {directory}: {done.stderr.strip()}")
        rows = [line.split(" ", 1) for line in done.stdout.splitlines() if " " in line]
        return ([path for kind, path in rows if kind == "object"],
                [path for kind, path in rows if kind == "directory"])

    def reachable(self, wanted):
        """Follows kbuild down to the wanted files: {source: object} of all on the way."""
        parents = {""}
        for path in wanted:
            while path := os.path.dirname(path):
                parents.add(path)
        key = stamps.key_of(read_text(os.path.join(self.path, ".config")), *sorted(wanted),
                            *own_files("Makefile"), ("file", OBJECTS_MK), ("file", __file__))
        kept = os.path.join(self.path, "reachable.json")
        if os.path.exists(kept):
            known = json.loads(read_text(kept))
            if known["key"] == key:
                return known["objects"]
        objects, layer = {}, ["."]
        with ThreadPoolExecutor(CPUS) as pool:
            while layer:
                below = []
                for made, directories in pool.map(self.list_directory, layer):
                    objects.update((source_of(path), path) for path in made)
                    # One step aside as well: a directory may build its neighbour's files.
                    below += [path for path in directories
                              if os.path.dirname(os.path.normpath(path)) in parents]
                layer = below
        write_text(kept, json.dumps({"key": key, "objects": objects}))
        return objects

    def build(self, targets, what, forced=(), module=None):
        """Brings targets up to date as far as it goes; returns those that failed.

        module: directory of the external module that they are in, if any.
        """
        goals = targets
        if module:
            goals = [f"M={module}", *(os.path.relpath(path, module) for path in targets)]
        log_path = os.path.join(LOGS, self.log_name("objects"))
        os.makedirs(LOGS, exist_ok=True)
        begin = told = time.monotonic()
        compiled, unmade, tail = 0, set(), []

        def tick():
            nonlocal told
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                say(f"  {self.name}: {minutes(told - begin)}, {compiled} objects compiled")

        def on_line(line):
            nonlocal compiled, tail
            log.write(line + "\n")
            compiled += bool(re.match(r"\s+CC\b", line))
            unmade.update(name for found in UNMADE.findall(line) for name in found if name)
            tail = [*tail[-9:], line]

        say(f"  {self.name}: {what} ...")
        with open(log_path, "w", encoding="utf-8") as log:
            status = stream([*self.make, "-k", *forced, *goals], on_line, tick=tick)
        say(f"  {self.name}: {compiled} compiled, the rest up to date, "
            f"in {minutes(time.monotonic() - begin)}")
        failed = {path for path in targets if path in unmade or not self.said(path)}
        if status and not failed:
            raise Failure(f"{self.name}: make ended with {status}: " + "\n".join(tail))
        return failed

    def said(self, path, suffix="log"):
        """What the compiler said about an object that is there; None when it is not."""
        if not os.path.exists(os.path.join(self.path, path)):
            return None
        text = read_text(os.path.join(self.path, f"{path}.{suffix}"))
        return None if text is None else Diagnostics(text, self)

    def failures_of(self, path):
        """The lines that tell why an object could not be made."""
        text = "".join(read_text(os.path.join(self.path, f"{path}.{suffix}.part"), "")
                       for suffix in ("log", "sparse"))
        return (Diagnostics(text, self).errors or
                [f"not made; see {LOGS}/{self.log_name('objects')}"])

    def dependencies(self, path):
        """The files of the tree that an object was made from."""
        directory, name = os.path.split(path)
        text = read_text(os.path.join(self.path, directory, f".{name}.cmd"), "")
        places = (os.path.join(self.path, word) for word in text.split() if "/" in word)
        return {os.path.relpath(place, self.tree) for place in map(os.path.normpath, places)
                if place.startswith(self.tree + "/")}


class Diagnostics:
    """What a compiler printed, with paths as they are in the tree."""

    def __init__(self, text, output):
        near = os.path.relpath(output.tree, output.path)
        self.text = text.replace(output.tree + "/", "").replace(near + "/", "")
        lines = [line.strip() for line in self.text.splitlines()]
        self.warnings = [line for line in lines if re.search(r"\b(warning|error):", line)]
        self.errors = [line for line in lines if re.search(r"\berror:", line)]
