# SPDX-License-Identifier: GPL-2.0-only
"""That the deliberate bugs of tests/mutants are fit to be run."""

import glob
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from workshop import mutants, test  # noqa: E402
from workshop.common import REPO, Failure, Refusal, read_text  # noqa: E402


class Patches(unittest.TestCase):
    def test_each_names_a_step_and_a_check_that_exist(self):
        tests = "".join(read_text(path) for path in
                        glob.glob(os.path.join(REPO, "tests/**/*.c"), recursive=True))
        for path in mutants.patches():
            self.assertTrue(mutants.claims(path), path)
            for step, word in mutants.claims(path):
                self.assertIn(step, test.STEPS, path)
                self.assertTrue(word in tests or word == "crash", path)

    def test_each_can_be_applied(self):
        for path in mutants.patches():
            self.assertIsNone(mutants.applies(path, REPO), path)

    def test_an_unknown_mutant_is_refused(self):
        with self.assertRaises(Refusal):
            mutants.patches(["no-such-mutant"])


class Verdicts(unittest.TestCase):
    def verdict(self, failed):
        with tempfile.NamedTemporaryFile("w", suffix=".patch") as file, \
                mock.patch.object(mutants, "failures", lambda step: failed):
            file.write("A bug.\n\nCaught-by: kunit-uml: this_case\n")
            file.flush()
            return mutants.verdict(file.name)

    def test_who_fails_as_named_has_caught_it(self):
        self.assertIsNone(self.verdict(["FAILED  kunit-uml: a: b", "FAILED  x: this_case: y"]))

    def test_nobody_failing_is_not_caught(self):
        self.assertEqual(self.verdict([]), "kunit-uml does not notice")

    def test_somebody_else_failing_is_another_bug(self):
        self.assertIn("not by this_case", self.verdict(["FAILED  kunit-uml: other"]))

    def test_a_kernel_that_crashes_has_caught_it_if_it_was_to(self):
        with tempfile.NamedTemporaryFile("w", suffix=".patch") as file:
            file.write("A bug.\n\nCaught-by: kunit-uml: crash\n")
            file.flush()
            for line, wrong in (("FAILED  kunit-uml: : : see the log", False),
                                ("FAILED  kunit-uml: a: b: see the log", True)):
                with mock.patch.object(mutants, "failures", lambda step, line=line: [line]):
                    self.assertEqual(bool(mutants.verdict(file.name)), wrong)

    def test_what_does_not_build_is_not_caught(self):
        with mock.patch.object(mutants.subprocess, "run") as program:
            program.return_value.stdout = b"FAILED  x: the step broke off: building x: no\n"
            with self.assertRaises(Failure):
                mutants.failures("x")
