# SPDX-License-Identifier: GPL-2.0-only
"""Puts the project into a 6.12 kernel tree, or writes the patch that would.

All new files are staged inside the tree before one of them is moved into
place, and a journal names every step: a run that fails, or that was killed,
leaves the tree as it was, at the latest when the next run begins.
"""

import argparse
import contextlib
import fcntl
import filecmp
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from workshop.common import REPO, Failure, Refusal, read_text, say

HOME = "drivers/dma-buf"
MANIFEST = ".dmabuf-overlay"
STAGE = ".dmabuf-overlay.tmp"

# Where the project's directories go in a tree.
PLACES = {
    "heaps": f"{HOME}/heaps",
    "tests": f"{HOME}/tests",
    "tools": "tools",
    "include": "include",
    "samples": "samples",
    "Documentation": "Documentation",
}
# Lines in stock's files that tell kbuild and Sphinx of what stock does not have:
# {path: (the project's file there, before which line, the line)}. No such line: the end.
MENTIONS = {
    "samples/Kconfig": ("samples/dma-buf/Kconfig", "endif # SAMPLES\n",
                        'source "samples/dma-buf/Kconfig"\n'),
    "samples/Makefile": ("samples/dma-buf/Makefile", "",
                         "obj-$(CONFIG_SAMPLE_DMA_BUF)\t\t+= dma-buf/\n"),
    "Documentation/subsystem-apis.rst": ("Documentation/dma-buf/index.rst",
                                         "   fpga/index\n", "   dma-buf/index\n"),
    "Documentation/admin-guide/index.rst": ("Documentation/admin-guide/dma-buf.rst",
                                            "   edid\n", "   dma-buf\n"),
    "Documentation/userspace-api/index.rst": ("Documentation/userspace-api/dma-buf.rst",
                                              "   dma-buf-alloc-exchange\n",
                                              "   dma-buf\n   dma-buf-heaps\n"),
}
# What of the repository's own directory belongs to a kernel tree.
ROOT_NAMES = ("Kconfig", "Makefile", ".kunitconfig")
ROOT_SUFFIXES = (".c", ".h")
# What building or editing leaves behind.
LITTER = re.compile(r"~$|^dmabuf$|\.(d|o|ko|a|cmd|mod|mod\.c|order|orig|rej|swp|tmp|pyc)$")

# Stock's files in drivers/dma-buf, and the project's files any of which takes
# a stock file's place. Until then the stock file stays. An empty tuple: the
# project needs nothing of the kind.
STOCK = {
    "Kconfig": ("Kconfig",),
    "Makefile": ("Makefile",),
    "dma-buf.c": ("dma-buf.c",),
    "dma-buf-sysfs-stats.c": ("dma-buf.c",),
    "dma-buf-sysfs-stats.h": ("dma-buf.c",),
    "dma-fence.c": ("dma-fence.c",),
    "dma-fence-array.c": ("dma-fence-array.c",),
    "dma-fence-chain.c": ("dma-fence-chain.c",),
    "dma-fence-unwrap.c": ("dma-fence-unwrap.c",),
    "dma-heap.c": ("dma-heap.c", "heaps/dma-heap.c"),
    "dma-resv.c": ("dma-resv.c",),
    "heaps/Kconfig": ("heaps/Kconfig",),
    "heaps/Makefile": ("heaps/Makefile",),
    "heaps/cma_heap.c": ("heaps/cma_heap.c", "heaps/Makefile"),
    "heaps/system_heap.c": ("heaps/system_heap.c", "heaps/Makefile"),
    "selftest.c": (),
    "selftest.h": (),
    "selftests.h": (),
    "st-dma-fence.c": (),
    "st-dma-fence-chain.c": (),
    "st-dma-fence-unwrap.c": (),
    "st-dma-resv.c": (),
    "sw_sync.c": ("sw_sync.c",),
    "sync_debug.c": ("sync_debug.c",),
    "sync_debug.h": ("sync_debug.h", "sync_debug.c"),
    "sync_file.c": ("sync_file.c",),
    "sync_trace.h": ("sync_trace.h", "sync_debug.c"),
    "udmabuf.c": ("udmabuf.c",),
}


def project_files(repo):
    """Maps each path in a kernel tree to the project's file for it."""
    files = {}
    for name in os.listdir(repo):
        path = os.path.join(repo, name)
        if os.path.isfile(path) and not LITTER.search(name) and (
                name in ROOT_NAMES or not name.startswith(".") and name.endswith(ROOT_SUFFIXES)):
            files[f"{HOME}/{name}"] = path
    for top, place in PLACES.items():
        for where, dirs, names in os.walk(os.path.join(repo, top)):
            dirs[:] = [name for name in dirs if name != "__pycache__" and name[0] != "."]
            inside = os.path.relpath(where, os.path.join(repo, top))
            for name in names:
                if LITTER.search(name) or name[0] == "." and name not in ROOT_NAMES:
                    continue
                files[os.path.normpath(f"{place}/{inside}/{name}")] = os.path.join(where, name)
    if f"{HOME}/Makefile" not in files:
        raise Refusal(f"{repo}: there is no project here to put into a tree")
    return files


def version_of(tree):
    """The version of a kernel tree, such as 6.12.117."""
    makefile = read_text(os.path.join(tree, "Makefile"), "")
    version = [re.search(rf"^{key} = *(\d+)$", makefile, re.M)
               for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL")]
    if not all(version):
        raise Refusal(f"{tree}: not a kernel tree (its Makefile names no kernel version)")
    return ".".join(match.group(1) for match in version)


def check_tree(tree):
    """Refuses what is not a 6.12 kernel tree."""
    if not os.path.isdir(tree):
        raise Refusal(f"{tree}: not a directory")
    version = version_of(tree)
    if version.split(".")[:2] != ["6", "12"]:
        raise Refusal(f"{tree}: this is Linux {version}; the project fits 6.12")
    for name in (HOME, "include/linux", "include/uapi/linux", "Documentation", "kernel"):
        if not os.path.isdir(os.path.join(tree, name)):
            raise Refusal(f"{tree}: not a whole kernel tree ({name} is missing)")


def read_manifest(tree):
    """What the last overlay did: {path: "new" | "replaced" | "removed"}."""
    done = {}
    for line in (read_text(os.path.join(tree, MANIFEST), "")).splitlines():
        if line and line[0] != "#":
            verb, path = line.split(" ", 1)
            done[path] = verb
    return done


class Edited:
    """The new text of a file that is stock's but for a line."""

    def __init__(self, text):
        self.text = text


class Plan:
    """What has to change in a tree so that it holds the project."""

    def __init__(self, repo, tree, link=False, pristine=None):
        self.tree = tree
        self.link = link
        self.put = project_files(repo)  # path: source, all of them
        self.restored = {}              # path: source in the pristine tree
        self.edited = {}                # path: Edited
        self.removed = []               # paths
        self.stand_ins = []             # stock's names that stay for now
        self.missed = []                # stock's files that nobody can bring back
        self.manifest = {}
        before = read_manifest(tree)
        self._plan_put(before)
        self._plan_stock(before, pristine)
        self._plan_leftovers(before, pristine)
        self._plan_mentions(before)
        self.writes = {path: source for path, source in {**self.put, **self.restored}.items()
                       if not self._unchanged(path, source)}
        self.writes.update(self.edited)

    def _there(self, path):
        return os.path.lexists(os.path.join(self.tree, path))

    def _plan_put(self, before):
        for path in self.put:
            if path in before:
                self.manifest[path] = "new" if before[path] == "new" else "replaced"
            else:
                self.manifest[path] = "replaced" if self._there(path) else "new"

    def _plan_stock(self, before, pristine):
        for name, successors in STOCK.items():
            path = f"{HOME}/{name}"
            if path in self.put:
                continue
            if not successors or any(f"{HOME}/{other}" in self.put for other in successors):
                self._remove_stock(path, before)
                continue
            self.stand_ins.append(name)
            if path in before or not self._there(path):
                self._restore(path, pristine)

    def _remove_stock(self, path, before):
        if self._there(path):
            self.removed.append(path)
        if self._there(path) or path in before:
            self.manifest[path] = "removed"

    def _restore(self, path, pristine):
        """Puts stock's file back where an earlier overlay took its place."""
        source = os.path.join(pristine, path) if pristine else None
        if source and os.path.isfile(source):
            self.restored[path] = source
            return
        self.missed.append(path)
        if self._there(path):
            self.removed.append(path)

    def _plan_leftovers(self, before, pristine):
        """What an earlier overlay put there and the project no longer has."""
        stock = {f"{HOME}/{name}" for name in STOCK}
        for path, verb in before.items():
            if path in self.put or path in stock or path in MENTIONS:
                continue
            if verb == "replaced":
                self._restore(path, pristine)
            elif self._there(path):
                self.removed.append(path)

    def _plan_mentions(self, before):
        """Stock's files that name the project's directories, or no longer do."""
        for path, (needs, mark, line) in MENTIONS.items():
            if needs not in self.put and path not in before:
                continue
            text = read_text(os.path.join(self.tree, path))
            if text is None or mark not in text:
                raise Refusal(f"{self.tree}: not a whole kernel tree ({path} is missing or "
                              "not as expected)")
            wanted = text.replace(line, "")
            if needs in self.put:
                self.manifest[path] = "replaced"
                head, mark, tail = wanted.rpartition(mark) if mark else (wanted, "", "")
                wanted = head + line + mark + tail
            if wanted != text:
                self.edited[path] = Edited(wanted)

    def _unchanged(self, path, source):
        target = os.path.join(self.tree, path)
        if self.link and path in self.put:
            return os.path.islink(target) and os.readlink(target) == source
        return (os.path.isfile(target) and not os.path.islink(target)
                and filecmp.cmp(target, source, shallow=False)
                and executable(target) == executable(source))

    def strangers(self):
        """Sources in the tree's drivers/dma-buf that are nobody's."""
        found = []
        home = os.path.join(self.tree, HOME)
        for where, _, names in os.walk(home):
            for name in names:
                inside = os.path.relpath(os.path.join(where, name), home)
                if (name.endswith((".c", ".h")) and not name.endswith(".mod.c")
                        and inside not in STOCK and f"{HOME}/{inside}" not in self.put
                        and f"{HOME}/{inside}" not in self.removed):
                    found.append(inside)
        return sorted(found)

    def manifest_text(self):
        lines = [f"{verb} {path}" for path, verb in sorted(self.manifest.items())]
        return "# What scripts/overlay did to this tree; it reads this file.\n" + \
            "".join(line + "\n" for line in lines)

    def place(self, path, source, target):
        """Makes at target what belongs at path."""
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if self.link and path in self.put:
            os.symlink(source, target)
        else:
            copy(source, target)


def executable(path):
    return bool(os.stat(path).st_mode & 0o100)


def copy(source, target):
    """Contents and the x bit; the time is now, so that make takes notice."""
    if isinstance(source, Edited):
        with open(target, "w", encoding="utf-8") as file:
            file.write(source.text)
        os.chmod(target, 0o644)
        return
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if executable(source) else 0o644)


@contextlib.contextmanager
def locked(tree):
    """Keeps a second overlay of the same tree waiting."""
    handle = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def undisturbed():
    """Holds signals back while files are moved."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, held)


class Move:
    """Takes a tree from one state to another, or leaves it alone.

    In the stage, new/ holds what is to come and old/ what was there; the
    journal exists exactly while the tree may be in between.
    """

    def __init__(self, tree):
        self.tree = tree
        self.stage = os.path.join(tree, STAGE)
        self.journal = os.path.join(self.stage, "journal")

    def at(self, path):
        return os.path.join(self.tree, path)

    def new(self, path):
        return os.path.join(self.stage, "new", path)

    def old(self, path):
        return os.path.join(self.stage, "old", path)

    def recover(self):
        """Undoes what an earlier run left unfinished."""
        steps = read_text(self.journal)
        if steps is not None:
            self._back(json.loads(steps))
            os.unlink(self.journal)
        shutil.rmtree(self.stage, ignore_errors=True)
        return steps is not None

    def run(self, plan):
        try:
            for path, source in plan.writes.items():
                plan.place(path, source, self.new(path))
            os.makedirs(os.path.join(self.stage, "new"), exist_ok=True)
            with open(self.new(MANIFEST), "w", encoding="utf-8") as file:
                file.write(plan.manifest_text())
            self._commit([*plan.writes, MANIFEST], plan.removed)
        except OSError as reason:
            self.recover()
            raise Failure(f"{reason}; the tree is as it was") from None
        except BaseException:
            self.recover()
            raise

    def _commit(self, writes, removed):
        steps = [{"path": path, "had": os.path.lexists(self.at(path))}
                 for path in [*writes, *removed]]
        with undisturbed():
            with open(self.journal + ".new", "w", encoding="utf-8") as file:
                json.dump(steps, file)
                file.flush()
                os.fsync(file.fileno())
            os.rename(self.journal + ".new", self.journal)
            for step in steps:
                self._forward(step)
            os.unlink(self.journal)
        self._prune_directories(removed)
        shutil.rmtree(self.stage)

    def _forward(self, step):
        path = step["path"]
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        os.makedirs(os.path.dirname(self.old(path)), exist_ok=True)
        if os.path.lexists(self.new(path)):
            if step["had"]:
                os.link(self.at(path), self.old(path), follow_symlinks=False)
            os.replace(self.new(path), self.at(path))
        else:
            os.replace(self.at(path), self.old(path))

    def _back(self, steps):
        for step in reversed(steps):
            path = step["path"]
            if os.path.lexists(self.old(path)):
                os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
                os.replace(self.old(path), self.at(path))
            elif not step["had"] and os.path.lexists(self.at(path)):
                os.unlink(self.at(path))
        self._prune_directories([step["path"] for step in steps if not step["had"]])

    def _prune_directories(self, paths):
        """Drops directories that held only the project's files."""
        for path in paths:
            where = os.path.dirname(path)
            while where.count("/") > 1:
                try:
                    os.rmdir(self.at(where))
                except OSError:
                    break
                where = os.path.dirname(where)


def apply(repo, tree, link=False, pristine=None):
    """Brings the tree up to date; returns the plan it followed."""
    check_tree(tree)
    if not os.access(tree, os.W_OK):
        raise Refusal(f"{tree}: not writable")
    with locked(tree):
        move = Move(tree)
        if move.recover():
            say(f"overlay: took back what a killed run had begun in {tree}")
        plan = Plan(repo, tree, link, pristine)
        if plan.writes or plan.removed or \
                read_text(os.path.join(tree, MANIFEST)) != plan.manifest_text():
            move.run(plan)
    return plan


def git(directory, *words, worktree=None):
    """Runs git untouched by anybody's configuration; returns its output."""
    environment = dict(os.environ, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1",
                       GIT_DIR=os.path.join(directory, "git"))
    environment.pop("GIT_INDEX_FILE", None)
    if worktree:
        environment["GIT_WORK_TREE"] = worktree
    done = subprocess.run(["git", *words], cwd=worktree or directory, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise Failure(f"git {words[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def patch_of(repo, tree):
    """The patch, as bytes, from the pristine tree to the overlaid one."""
    check_tree(tree)
    if os.path.lexists(os.path.join(tree, MANIFEST)):
        raise Refusal(f"{tree}: already overlaid; a patch needs a pristine tree")
    plan = Plan(repo, tree)
    with tempfile.TemporaryDirectory(prefix="dmabuf-patch.") as work:
        sides = []
        git(work, "init", "-q")
        for side in "before", "after":
            root = os.path.join(work, side)
            os.mkdir(root)
            for path in [*plan.writes, *plan.removed]:
                source = plan.writes.get(path) if side == "after" else os.path.join(tree, path)
                if isinstance(source, Edited) or source and os.path.isfile(source):
                    os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                    copy(source, os.path.join(root, path))
            git(work, "add", "-A", "-f", ".", worktree=root)
            sides.append(git(work, "write-tree").decode().strip())
        return git(work, "diff", "--full-index", "--binary", "--no-renames", *sides)


def write_patch(repo, tree, name):
    patch = patch_of(repo, tree)
    try:
        with open(name + ".tmp", "wb") as file:
            file.write(patch)
        os.replace(name + ".tmp", name)
    except OSError as reason:
        raise Failure(str(reason)) from None
    say(f"overlay: {name}: {len(patch)} bytes, {patch.count(b'diff --git ')} files; "
        f"apply it with: git -C {tree} apply {os.path.abspath(name)}")


def report(plan):
    same = len(plan.put) - sum(path in plan.put for path in plan.writes)
    say(f"overlay: {len(plan.put)} files of the project in {plan.tree}: {len(plan.put) - same} "
        f"{'linked' if plan.link else 'copied'}, {same} unchanged; "
        f"{len(plan.removed)} removed, {len(plan.restored)} of stock's brought back")
    if plan.stand_ins:
        say(f"overlay: stock's files stay for: {' '.join(plan.stand_ins)}")
    for path in plan.missed:
        say(f"overlay: {path}: an earlier overlay took stock's file away; "
            "give --pristine DIR, or take it from your version control", error=True)
    for name in plan.strangers():
        say(f"overlay: {HOME}/{name}: neither stock's nor the project's, left alone", error=True)


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/overlay",
        description="Puts the project into a 6.12 kernel tree in place of the stock dma-buf. "
                    "Running it again brings the tree up to date; files that the project no "
                    "longer has go away. Stock's file stays where the project has none yet.",
        epilog="Exit status: 0 done, 1 failed (the tree is as it was), 2 refused or wrong use.")
    parser.add_argument("tree", metavar="TREE", help="directory of a 6.12.x kernel tree")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--link", action="store_true",
                     help="symbolic links into the project instead of copies, to work on it")
    how.add_argument("--patch", metavar="FILE",
                     help="leave TREE, which must be pristine, alone, and write a patch "
                          "that `git apply` takes on it")
    parser.add_argument("--pristine", metavar="DIR",
                        help="an untouched tree of the same version, to bring back stock's "
                             "files from where the project no longer has its own")
    options = parser.parse_args(argv)
    tree = os.path.realpath(options.tree)
    if options.patch is not None:
        if os.path.isdir(options.patch) or not os.path.basename(options.patch):
            raise Refusal(f"{options.patch}: not a file name")
        if options.pristine:
            raise Refusal("--pristine has no use with --patch")
        write_patch(REPO, tree, options.patch)
        return 0
    if options.pristine:
        check_tree(options.pristine)
    report(apply(REPO, tree, options.link, options.pristine and os.path.realpath(options.pristine)))
    return 0
