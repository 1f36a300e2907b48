# SPDX-License-Identifier: GPL-2.0-only
"""What the other parts of the workshop guarantee; none of it needs a kernel."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

SCRIPTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, SCRIPTS)

from workshop import guest, kernel, kunit, log, shell, stamps, test  # noqa: E402
from workshop.common import Failure, read_text  # noqa: E402


class WorkCase(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="workshop-test.")
        self.addCleanup(shutil.rmtree, self.work)
        for module, name in ((stamps, "BUILD"), (guest, "BUILD"), (shell, "LOGS"),
                             (guest, "LOGS")):
            patch = mock.patch.object(module, name, self.work)
            patch.start()
            self.addCleanup(patch.stop)

    def file(self, name, text, mode=0o644):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path


class KernelLog(unittest.TestCase):
    ALARMING = (
        "[    1.2] WARNING: CPU: 0 PID: 1 at kernel/x.c:12 f+0x1/0x2",
        "[    1.2] WARNING: possible recursive locking detected",
        "[    1.2] WARNING: possible circular locking dependency detected",
        "[    1.2] WARNING: suspicious RCU usage",
        "[    1.2] WARNING: inconsistent lock state",
        "[    1.2] BUG: kernel NULL pointer dereference, address: 0",
        "[    1.2] BUG: sleeping function called from invalid context at x.c:1",
        "[    1.2] BUG: KASAN: slab-use-after-free in f+0x1/0x2",
        "[    1.2] INFO: task init:1 blocked for more than 120 seconds.",
        "[    1.2] INFO: trying to register non-static key.",
        "[    1.2] rcu: INFO: rcu_preempt self-detected stall on CPU",
        "[    1.2] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
        "[    1.2] UBSAN: shift-out-of-bounds in x.c:1:2",
        "[    1.2] Oops: 0000 [#1] SMP",
        "[    1.2] Kernel panic - not syncing: Attempted to kill init!",
        "[    1.2] list_add corruption. next->prev should be prev",
        "[    1.2] refcount_t: underflow; use-after-free.",
        "[    1.2] ODEBUG: free active (active state 0) object",
        "[    1.2] kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
        "unreferenced object 0xffff888 (size 64):",
        "[    1.2] BUG: scheduling while atomic: init/1/0x2",
    )
    ORDINARY = (
        "[    0.0] Linux version 6.12.9",
        "[    0.0] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc.",
        "[    0.0] ... MAX_LOCKDEP_SUBCLASSES:  8",
        "[    0.0] kasan: KernelAddressSanitizer initialized (generic)",
        "[    0.0] rcu: RCU lockdep checking is enabled.",
        "[    0.0] ODEBUG: selftest passed",
        "[    1.0] ok 3 debug_check_reports_a_warning",
        "[    1.0] kmemleak: Kernel memory leak detector initialized (mem pool available: 15000)",
    )

    def test_each_kind_of_warning_is_found(self):
        for line in self.ALARMING:
            with self.subTest(line):
                self.assertEqual(log.alarms(f"first\n{line}\nlast\n"), [line.strip()])

    def test_an_ordinary_boot_is_quiet(self):
        self.assertEqual(log.alarms("\n".join(self.ORDINARY)), [])


class Stamps(WorkCase):
    def test_a_result_is_fresh_only_with_its_key_and_its_product(self):
        product = self.file("product", "x")
        stamps.seal("thing", "key")
        self.assertTrue(stamps.fresh("thing", "key", product))
        self.assertFalse(stamps.fresh("thing", "other", product))
        os.unlink(product)
        self.assertFalse(stamps.fresh("thing", "key", product))

    def test_keys_tell_how_parts_are_divided(self):
        self.assertNotEqual(stamps.key_of("ab", "c"), stamps.key_of("a", "bc"))
        self.assertEqual(stamps.key_of("ab", ("file", self.file("f", "x"))),
                         stamps.key_of("ab", "x"))


class Programs(WorkCase):
    def test_a_program_that_does_not_end_is_stopped_with_its_children(self):
        with self.assertRaises(shell.Timeout):
            shell.stream(["sh", "-c", "sleep 300 & echo $!; sleep 300"],
                         lambda line: setattr(self, "child", int(line)), limit=1)
        # It has been killed; it may still be dying, and whoever adopts it may not have
        # buried it yet.
        patience = time.monotonic() + 10
        state = None
        while state not in ("Z", "X") and time.monotonic() < patience:
            state = read_text(f"/proc/{self.child}/stat", "0 (gone) Z").rsplit(") ", 1)[1][0]
        self.assertIn(state, ("Z", "X"))

    def test_lines_and_status_come_back(self):
        lines = []
        status = shell.stream(["sh", "-c", "printf 'a\\nb'; exit 3"], lines.append)
        self.assertEqual((lines, status), (["a", "b"], 3))

    def test_a_failed_job_names_its_log(self):
        with mock.patch.object(shell, "say"), self.assertRaisesRegex(Failure, "job.log"):
            shell.Job("title", "job.log").run(["sh", "-c", "echo oh; exit 1"])
        self.assertIn("oh\n", read_text(os.path.join(self.work, "job.log")))


class Kconfig(WorkCase):
    def test_a_symbol_that_was_dropped_is_named(self):
        wanted = self.file("want", "CONFIG_A=y\nCONFIG_B=y\n# CONFIG_C is not set\n")
        with self.assertRaisesRegex(Failure, r"CONFIG_B=y \(is n\)"):
            kernel.check_config(self.file("have", "CONFIG_A=y\n"), [wanted])
        with self.assertRaisesRegex(Failure, r"CONFIG_C=n \(is y\)"):
            kernel.check_config(self.file("have", "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n"), [wanted])
        kernel.check_config(self.file("have", "CONFIG_A=y\nCONFIG_B=y\n"), [wanted])

    def test_every_fragment_exists_and_asks_for_something(self):
        for parts in kernel.KERNELS.values():
            for part in parts:
                self.assertTrue(kernel.wanted_symbols([kernel.fragment(part)]), part)


class Guest(WorkCase):
    def test_cpio_reads_the_archive(self):
        archive = guest.Archive()
        archive.add_file("bin/tool", self.file("tool", "#!/bin/sh\n"))
        with open(os.path.join(self.work, "a.cpio"), "wb") as file:
            file.write(archive.bytes())
        done = subprocess.run(["cpio", "-i", "-d", "--quiet", "-F", "a.cpio"], cwd=self.work,
                              check=True, capture_output=True)
        self.assertEqual(done.stderr, b"")
        with open(os.path.join(self.work, "bin/tool"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "#!/bin/sh\n")

    def boot(self, script):
        """Boots with a shell script in QEMU's place; $log is the kernel's."""
        fake = self.file("qemu", f"#!/bin/sh\nlog={self.work}/x-kernel.log\n{script}\n", 0o755)
        with mock.patch.object(guest, "QEMU", fake), mock.patch.object(guest, "say"), \
                mock.patch.object(guest, "initramfs", lambda *_: "/dev/null"):
            return guest.Boot("x", "/dev/null", "job", os.path.join(self.work, "share"),
                              limit=3, accelerator="tcg")

    def test_status_lines_and_log_come_back(self):
        boot = self.boot("echo Linux version 6.12 >$log; echo guest: up; echo one; "
                         "echo guest: status 4")
        self.assertEqual((boot.problem, boot.status, boot.lines), (None, 4, ["one"]))
        self.assertEqual(boot.alarms(), [])

    def test_a_guest_that_dies_or_hangs_is_a_problem(self):
        self.assertIn("ended early", self.boot("echo guest: up").problem)
        self.assertIn("stopped", self.boot("echo guest: up; sleep 300").problem)

    def test_an_empty_kernel_log_is_an_alarm(self):
        self.assertTrue(self.boot("echo guest: status 0").alarms())

    def test_kvm_counts_only_when_a_kernel_came_up(self):
        for script, works in (("echo guest: up", True), ("exit 1", False), ("sleep 300", False)):
            stamps.forget("kvm")
            fake = self.file("qemu", f"#!/bin/sh\n[ $1 = --version ] || {script}\n", 0o755)
            with self.subTest(script), mock.patch.object(guest, "QEMU", fake), \
                    mock.patch.object(guest, "say"), mock.patch.object(guest, "PROBE_SECONDS", 2), \
                    mock.patch.object(guest, "initramfs", lambda *_: "/dev/null"), \
                    mock.patch("os.access", lambda *_: True):
                os.makedirs(os.path.join(self.work, "stamps"), exist_ok=True)
                self.assertEqual(guest.kvm_works("/dev/null"), works)
                # Asked again, it knows.
                with mock.patch.object(guest, "stream", side_effect=AssertionError):
                    self.assertEqual(guest.kvm_works("/dev/null"), works)


class Counting(WorkCase):
    def setUp(self):
        super().setUp()
        patch = mock.patch.object(test, "say")
        self.say = patch.start()
        self.addCleanup(patch.stop)

    def outcome(self, *cases):
        results = {"name": "all", "sub_groups": [{"name": "suite", "sub_groups": [
            {"name": "parametrised", "test_cases": [{"name": "p", "status": "PASS"}]}],
            "test_cases": [{"name": name, "status": status} for name, status in cases]}]}
        return kunit.Outcome(self.file("results.json", json.dumps(results)))

    def test_cases_of_a_suite_are_counted_with_its_parametrised_ones(self):
        tally = test.Tally()
        tally.suites(self.outcome(("a", "PASS"), ("b", "FAIL"), ("c", "SKIP"), ("d", "ERROR")))
        self.assertEqual((tally.passed, tally.failed), (2 + 1, 2))

    def test_no_results_are_a_failure(self):
        for text in ("", "{}"):
            tally = test.Tally()
            tally.suites(kunit.Outcome(self.file("results.json", text)))
            self.assertEqual((tally.passed, tally.failed), (0, 1))

    def test_too_few_cases_are_a_failure(self):
        tally = test.Tally()
        tally.suites(self.outcome(("a", "PASS")), at_least=3)
        self.assertEqual((tally.passed, tally.failed), (2, 1))

    def outside(self, script):
        os.makedirs(os.path.join(self.work, "scripts"), exist_ok=True)
        self.file("scripts/other", f"#!/bin/sh\n{script}\n", 0o755)
        tally = test.Tally()
        with mock.patch.object(test, "REPO", self.work):
            test.outside(tally, "other")
        return tally.passed, tally.failed

    def test_counts_of_other_scripts_are_added_up(self):
        self.assertEqual(self.outside("echo x; echo 5 passed, 2 failed; exit 1"), (5, 2))

    def test_other_scripts_that_count_nothing_or_lie_are_a_failure(self):
        self.assertEqual(self.outside("exit 0"), (0, 1))
        self.assertEqual(self.outside("echo 0 passed, 0 failed"), (0, 1))
        self.assertEqual(self.outside("echo 5 passed, 0 failed; exit 1"), (5, 1))

    def test_a_step_that_checks_nothing_or_breaks_off_is_a_failure(self):
        def breaks(_):
            raise Failure("no")

        for step in (lambda tally: None, breaks):
            step.__doc__ = "a step"
            with mock.patch.dict(test.STEPS, {"step": step}):
                self.assertEqual(test.run(["step"]), 1)
            self.assertEqual(self.say.call_args.args, ("0 passed, 1 failed",))


class Commands(unittest.TestCase):
    COMMANDS = ("demo", "overlay", "packages", "test", "tree")

    def run_command(self, name, *words):
        return subprocess.run([os.path.join(SCRIPTS, name), *words], check=False,
                              capture_output=True, text=True)

    def test_each_command_explains_itself(self):
        for name in self.COMMANDS:
            done = self.run_command(name, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertIn("usage: scripts/" + name, done.stdout)

    def test_each_wrong_use_is_named_with_status_2(self):
        for words in (("demo", "--frames", "0"), ("demo", "--frames", "x"), ("demo", "what"),
                      ("demo", "--accel", "xen"), ("test", "--only", "nothing"),
                      ("test", "--only", ""), ("test", "--quick", "--list"), ("test", "what"),
                      ("packages", "what"), ("packages", "base", "all"), ("tree", "what")):
            done = self.run_command(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr.strip(), words)

    def test_bash_is_clean_under_shellcheck(self):
        scripts = [os.path.join(SCRIPTS, name) for name in os.listdir(SCRIPTS)]
        scripts += [os.path.join(SCRIPTS, "../.ci/run"), os.path.join(SCRIPTS, "guest/init")]
        bash = [path for path in scripts if os.path.isfile(path)]
        done = subprocess.run(["shellcheck", "-x", "-P", SCRIPTS, *bash], check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
