# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/overlay guarantees, on a tree and a project of a few files."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

SCRIPTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, SCRIPTS)

from workshop import overlay  # noqa: E402
from workshop.common import REPO, Failure, Refusal  # noqa: E402

HOME = overlay.HOME


def write(root, path, text):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def snapshot(root):
    """Every file and link below a directory, with what is in it."""
    state = {}
    for where, _, names in os.walk(root):
        for name in names:
            path = os.path.join(where, name)
            inside = os.path.relpath(path, root)
            if os.path.islink(path):
                state[inside] = ("link", os.readlink(path))
            else:
                with open(path, encoding="utf-8") as file:
                    state[inside] = ("file", file.read())
    return state


class OverlayCase(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="overlay-test.")
        self.addCleanup(shutil.rmtree, self.work)
        self.tree = os.path.join(self.work, "tree")
        self.repo = os.path.join(self.work, "repo")
        write(self.tree, "Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 9\n")
        write(self.tree, "kernel/fork.c", "fork\n")
        for name in overlay.STOCK:
            write(self.tree, f"{HOME}/{name}", f"stock {name}\n")
        write(self.tree, "include/linux/dma-fence.h", "stock header\n")
        write(self.tree, "include/uapi/linux/dma-buf.h", "stock header\n")
        write(self.tree, "Documentation/driver-api/dma-buf.rst", "stock page\n")
        for name in ("Makefile", "Kconfig", ".kunitconfig", "dma-fence.c", "tests/Makefile",
                     "tests/test-dma-fence.c", "include/linux/dma-fence.h",
                     "include/linux/dma-new.h", "Documentation/driver-api/new/page.rst",
                     "tools/dmabuf/dmabuf.c"):
            write(self.repo, name, f"ours {name}\n")
        write(self.repo, "dma-fence.o", "object\n")
        write(self.repo, "tools/dmabuf/dmabuf", "built in place\n")
        write(self.repo, "scripts/overlay", "script\n")
        write(self.repo, "README.md", "readme\n")
        self.pristine = os.path.join(self.work, "pristine")
        shutil.copytree(self.tree, self.pristine)
        self.before = snapshot(self.tree)

    def apply(self, **options):
        return overlay.apply(self.repo, self.tree, **options)


class Content(OverlayCase):
    def test_every_file_of_the_project_is_in_its_place(self):
        self.apply()
        after = snapshot(self.tree)
        self.assertEqual(after[f"{HOME}/dma-fence.c"][1], "ours dma-fence.c\n")
        self.assertEqual(after[f"{HOME}/.kunitconfig"][1], "ours .kunitconfig\n")
        self.assertEqual(after[f"{HOME}/tests/test-dma-fence.c"][1],
                         "ours tests/test-dma-fence.c\n")
        self.assertEqual(after["include/linux/dma-fence.h"][1], "ours include/linux/dma-fence.h\n")
        self.assertIn("include/linux/dma-new.h", after)
        self.assertIn("Documentation/driver-api/new/page.rst", after)

    def test_nothing_else_gets_into_the_tree(self):
        self.apply()
        new = set(snapshot(self.tree)) - set(self.before)
        self.assertEqual(new, {f"{HOME}/.kunitconfig", f"{HOME}/tests/Makefile",
                               f"{HOME}/tests/test-dma-fence.c", "include/linux/dma-new.h",
                               "Documentation/driver-api/new/page.rst",
                               "tools/dmabuf/dmabuf.c", overlay.MANIFEST})

    def test_stock_files_stay_only_where_the_project_has_none(self):
        self.apply()
        after = snapshot(self.tree)
        self.assertEqual(after[f"{HOME}/dma-resv.c"][1], "stock dma-resv.c\n")
        self.assertEqual(after[f"{HOME}/heaps/Kconfig"][1], "stock heaps/Kconfig\n")
        for name in ("selftest.c", "selftests.h", "st-dma-fence.c"):
            self.assertNotIn(f"{HOME}/{name}", after)
        write(self.repo, "dma-buf.c", "ours\n")
        self.apply()
        self.assertNotIn(f"{HOME}/dma-buf-sysfs-stats.c", snapshot(self.tree))

    def test_files_that_are_nobodys_are_left_alone_and_named(self):
        write(self.tree, f"{HOME}/own.c", "somebody's\n")
        self.assertEqual(self.apply().strangers(), ["own.c"])
        self.assertEqual(snapshot(self.tree)[f"{HOME}/own.c"][1], "somebody's\n")

    def test_link_makes_links_and_copy_makes_copies_again(self):
        self.apply(link=True)
        self.assertEqual(snapshot(self.tree)[f"{HOME}/dma-fence.c"],
                         ("link", os.path.join(self.repo, "dma-fence.c")))
        self.apply()
        self.assertEqual(snapshot(self.tree)[f"{HOME}/dma-fence.c"], ("file", "ours dma-fence.c\n"))


class Mentions(OverlayCase):
    """What kbuild and Sphinx find through a line in files that are stock's."""

    KCONFIG = "menuconfig SAMPLES\nif SAMPLES\n%sendif # SAMPLES\nconfig OTHER\n"
    MAKEFILE = "obj-y += other/\n%s"

    def setUp(self):
        super().setUp()
        for tree in self.tree, self.pristine:
            write(tree, "samples/Kconfig", self.KCONFIG % "")
            write(tree, "samples/Makefile", self.MAKEFILE % "")
        write(self.repo, "samples/dma-buf/Kconfig", "ours\n")
        write(self.repo, "samples/dma-buf/Makefile", "ours\n")
        self.before = snapshot(self.tree)

    def kbuild(self):
        after = snapshot(self.tree)
        return [after[f"samples/{name}"] for name in ("Kconfig", "Makefile")]

    def mentioned(self):
        lines = [overlay.MENTIONS[f"samples/{name}"][2] for name in ("Kconfig", "Makefile")]
        return [("file", self.KCONFIG % lines[0]), ("file", self.MAKEFILE % lines[1])]

    def test_stock_files_get_one_line_however_often(self):
        for link in False, True, False:
            self.apply(link=link)
            self.assertEqual(self.kbuild(), self.mentioned())

    def test_a_second_run_touches_nothing(self):
        self.apply()
        plan = self.apply()
        self.assertEqual((plan.writes, plan.removed), ({}, []))

    def test_the_line_goes_with_the_directory(self):
        self.apply()
        shutil.rmtree(os.path.join(self.repo, "samples"))
        self.apply()
        self.assertEqual(self.kbuild(), [("file", self.KCONFIG % ""), ("file", self.MAKEFILE % "")])
        self.assertNotIn("samples/dma-buf/Kconfig", snapshot(self.tree))

    def test_a_tree_that_has_no_place_for_the_line_is_refused(self):
        write(self.tree, "samples/Kconfig", "something else\n")
        before = snapshot(self.tree)
        with self.assertRaisesRegex(Refusal, "samples/Kconfig"):
            self.apply()
        self.assertEqual(snapshot(self.tree), before)

    def test_pages_are_in_the_lists_of_the_tree(self):
        for path, (needs, mark, _) in overlay.MENTIONS.items():
            if path.endswith(".rst"):
                write(self.tree, path, f".. toctree::\n\n   before\n{mark}   after\n")
                write(self.repo, needs, "ours\n")
        self.apply()
        after = snapshot(self.tree)
        self.assertEqual(after["Documentation/userspace-api/index.rst"][1],
                         ".. toctree::\n\n   before\n   dma-buf\n   dma-buf-heaps\n"
                         "   dma-buf-alloc-exchange\n   after\n")
        self.assertIn("   dma-buf/index\n", after["Documentation/subsystem-apis.rst"][1])

    def test_the_patch_has_the_line(self):
        with mock.patch.object(overlay, "say"):
            overlay.write_patch(self.repo, self.tree, os.path.join(self.work, "p.patch"))
        patch = overlay.read_text(os.path.join(self.work, "p.patch"))
        for path in "samples/Kconfig", "samples/Makefile":
            self.assertIn(f"+++ b/{path}\n", patch)
            self.assertIn("+" + overlay.MENTIONS[path][2], patch)
        self.assertEqual(snapshot(self.tree), self.before)


class Again(OverlayCase):
    def test_a_second_run_touches_nothing(self):
        for link in False, True:
            self.apply(link=link)
            times = {path: os.lstat(os.path.join(self.tree, path)).st_ctime_ns
                     for path in snapshot(self.tree)}
            plan = self.apply(link=link)
            self.assertEqual((plan.writes, plan.removed), ({}, []))
            self.assertEqual(times, {path: os.lstat(os.path.join(self.tree, path)).st_ctime_ns
                                     for path in snapshot(self.tree)})

    def test_only_what_changed_is_written(self):
        self.apply()
        write(self.repo, "dma-fence.c", "newer\n")
        self.assertEqual(list(self.apply().writes), [f"{HOME}/dma-fence.c"])

    def test_files_that_the_project_no_longer_has_go_away(self):
        self.apply()
        os.unlink(os.path.join(self.repo, "tests/test-dma-fence.c"))
        os.unlink(os.path.join(self.repo, "Documentation/driver-api/new/page.rst"))
        self.apply()
        after = snapshot(self.tree)
        self.assertNotIn(f"{HOME}/tests/test-dma-fence.c", after)
        self.assertFalse(os.path.exists(os.path.join(self.tree, "Documentation/driver-api/new")))

    def test_stock_files_come_back_from_a_pristine_tree(self):
        self.apply()
        os.unlink(os.path.join(self.repo, "dma-fence.c"))
        os.unlink(os.path.join(self.repo, "include/linux/dma-fence.h"))
        plan = self.apply(pristine=self.pristine)
        after = snapshot(self.tree)
        self.assertEqual(after[f"{HOME}/dma-fence.c"][1], "stock dma-fence.c\n")
        self.assertEqual(after["include/linux/dma-fence.h"][1], "stock header\n")
        self.assertEqual(plan.missed, [])

    def test_a_stock_file_that_cannot_come_back_is_named(self):
        self.apply()
        os.unlink(os.path.join(self.repo, "dma-fence.c"))
        self.assertEqual(self.apply().missed, [f"{HOME}/dma-fence.c"])
        self.assertNotIn(f"{HOME}/dma-fence.c", snapshot(self.tree))

    def test_hard_linked_files_keep_their_other_name_as_it_was(self):
        other = os.path.join(self.work, "other")
        shutil.copytree(self.tree, other, copy_function=os.link)
        self.apply()
        self.assertEqual(snapshot(other), self.before)


class Refusing(OverlayCase):
    def refuses(self, reason):
        before = snapshot(self.tree)
        with self.assertRaisesRegex(Refusal, reason):
            self.apply()
        self.assertEqual(snapshot(self.tree), before)

    def test_a_directory_that_is_no_kernel_tree(self):
        write(self.tree, "Makefile", "all:\n")
        self.refuses("not a kernel tree")

    def test_another_version(self):
        write(self.tree, "Makefile", "VERSION = 6\nPATCHLEVEL = 13\nSUBLEVEL = 0\n")
        self.refuses("Linux 6.13.0")

    def test_half_a_tree(self):
        shutil.rmtree(os.path.join(self.tree, "kernel"))
        self.refuses("kernel is missing")

    def test_a_directory_that_is_not_there(self):
        with self.assertRaisesRegex(Refusal, "not a directory"):
            overlay.apply(self.repo, os.path.join(self.work, "none"))

    def test_wrong_use_of_the_command_is_status_2(self):
        for words in ([], [self.tree, "--colour"], [self.tree, self.tree], ["/nowhere"],
                      [self.tree, "--link", "--patch", "x"], [self.tree, "--patch", self.work]):
            done = subprocess.run([os.path.join(SCRIPTS, "overlay"), *words], check=False,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr.strip(), words)
        self.assertEqual(snapshot(self.tree), self.before)


def broken(stop, breaking):
    """Replaces the Nth move of a run by breaking()."""
    real = os.replace
    count = 0

    def replace(source, target):
        nonlocal count
        count += 1
        if count == stop:
            breaking()
        real(source, target)

    return mock.patch("os.replace", replace)


class HalfDone(OverlayCase):
    """Breaks a run at each of its moves in turn, until one is past the last."""

    def test_a_failure_at_any_move_leaves_the_tree_as_it_was(self):
        def fail():
            raise OSError("disk full")

        for stop in range(1, 100):
            with self.subTest(move=stop), broken(stop, fail):
                try:
                    self.apply()
                    break
                except Failure:
                    self.assertEqual(snapshot(self.tree), self.before)
        self.assertGreater(stop, 10)
        self.assertNotEqual(snapshot(self.tree), self.before)

    def test_a_run_after_a_kill_at_any_move_finishes_the_work(self):
        self.apply()
        whole = snapshot(self.tree)
        for stop in range(1, 100):
            shutil.rmtree(self.tree)
            shutil.copytree(self.pristine, self.tree)
            child = os.fork()
            if not child:
                with broken(stop, lambda: os._exit(9)):
                    self.apply()
                os._exit(0)
            killed = os.waitpid(child, 0)[1]
            with mock.patch.object(overlay, "say"):
                self.apply()
            with self.subTest(move=stop):
                self.assertEqual(snapshot(self.tree), whole)
            if not killed:
                break
        self.assertGreater(stop, 10)

    def test_what_a_killed_run_began_is_taken_back(self):
        child = os.fork()
        if not child:
            with mock.patch.object(overlay.Move, "_prune_directories"), \
                    mock.patch("os.unlink", lambda path: os._exit(9)):
                self.apply()
            os._exit(0)
        self.assertNotEqual(os.waitpid(child, 0)[1], 0)
        self.assertNotEqual(snapshot(self.tree), self.before)
        self.assertTrue(overlay.Move(self.tree).recover())
        self.assertEqual(snapshot(self.tree), self.before)

    def test_an_unreadable_project_file_changes_nothing(self):
        with mock.patch("shutil.copyfile", side_effect=OSError("input/output error")):
            with self.assertRaises(Failure):
                self.apply()
        self.assertEqual(snapshot(self.tree), self.before)


class Patch(OverlayCase):
    def git_apply(self, patch):
        return subprocess.run(
            ["git", "apply", patch], cwd=self.pristine, check=False, capture_output=True,
            text=True, env=dict(os.environ, GIT_CEILING_DIRECTORIES=self.work))

    def test_a_pristine_tree_with_the_patch_is_the_overlaid_tree(self):
        patch = os.path.join(self.work, "p.patch")
        with mock.patch.object(overlay, "say"):
            overlay.write_patch(self.repo, self.tree, patch)
        self.assertEqual(snapshot(self.tree), self.before)
        done = self.git_apply(patch)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.apply()
        os.unlink(os.path.join(self.tree, overlay.MANIFEST))
        self.assertEqual(snapshot(self.pristine), snapshot(self.tree))

    def test_an_overlaid_tree_is_refused(self):
        self.apply()
        with self.assertRaisesRegex(Refusal, "pristine"):
            overlay.write_patch(self.repo, self.tree, os.path.join(self.work, "p.patch"))
        self.assertFalse(os.path.exists(os.path.join(self.work, "p.patch")))


class RealTree(unittest.TestCase):
    """The same on Debian's source, which scripts/tree unpacks."""

    STOCK = os.path.join(REPO, "build/stock")

    @unittest.skipUnless(os.path.isdir(STOCK), "scripts/tree has not run")
    def test_the_patch_of_the_project_applies_to_the_pristine_source(self):
        with tempfile.TemporaryDirectory(prefix="overlay-test.") as work, \
                mock.patch.object(overlay, "say"):
            patch = os.path.join(work, "p.patch")
            overlay.write_patch(REPO, self.STOCK, patch)
            done = subprocess.run(
                ["git", "apply", "--check", "-v", patch], cwd=self.STOCK, check=False,
                capture_output=True, text=True,
                env=dict(os.environ, GIT_CEILING_DIRECTORIES=os.path.dirname(self.STOCK)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("Skipped", done.stderr)
        self.assertIn(f"{HOME}/Makefile", done.stderr)


if __name__ == "__main__":
    unittest.main()
