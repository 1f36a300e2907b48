# SPDX-License-Identifier: GPL-2.0-only
"""How models and their mutants are read; the search itself is the step models."""

import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from workshop import lkmm, models  # noqa: E402
from workshop.common import Failure  # noqa: E402

TEST = """C a-test

(*
 * Result: Never
 * Code: a.c first, include/b.h second,
 *\tsub/c.c third
 *
 * Why. Code: not.this one
 *)

P0(int *x)
{
\t// late: r0 = READ_ONCE(*x);
\tr0 = smp_load_acquire(x); // plain: r0 = READ_ONCE(*x);
\tspin_unlock(x); // late:
}
"""


class Marks(unittest.TestCase):
    def body(self, name=None):
        return models.mutant_of(TEST, name).split("{")[1]

    def test_mutants_are_found_by_their_marks(self):
        self.assertEqual(models.mutants(TEST), ["late", "plain"])

    def test_the_test_itself_has_no_marks(self):
        self.assertEqual(self.body(), "\n\n\tr0 = smp_load_acquire(x);\n\tspin_unlock(x);\n}\n")

    def test_a_mutant_has_its_own_text_and_nobody_elses(self):
        self.assertEqual(self.body("plain"), "\n\n\tr0 = READ_ONCE(*x);\n\tspin_unlock(x);\n}\n")
        self.assertEqual(self.body("late"),
                         "\n\tr0 = READ_ONCE(*x);\n\tr0 = smp_load_acquire(x);\n\t\n}\n")


class Places(unittest.TestCase):
    def test_the_code_of_a_model_is_named_with_its_files(self):
        self.assertEqual(models.places(TEST), [("a.c", "first"), ("include/b.h", "second"),
                                               ("sub/c.c", "third")])

    def test_a_function_that_is_gone_is_a_fault(self):
        with tempfile.TemporaryDirectory() as place, mock.patch("workshop.models.REPO", place):
            os.makedirs(os.path.join(place, "include"))
            os.makedirs(os.path.join(place, "sub"))
            for name, text in (("a.c", "first(x)"), ("include/b.h", "second()"),
                               ("sub/c.c", "third_one()")):
                with open(os.path.join(place, name), "w", encoding="utf-8") as file:
                    file.write(text)
            self.assertEqual(models.misplaced(TEST), "there is no third() in sub/c.c")
            with open(os.path.join(place, "sub/c.c"), "w", encoding="utf-8") as file:
                file.write("third()")
            self.assertIsNone(models.misplaced(TEST))

    def test_a_model_of_nothing_is_a_fault(self):
        self.assertTrue(models.misplaced("/*\n * A model.\n */\n"))

    def test_a_litmus_test_without_a_mutant_is_a_fault(self):
        self.assertEqual(models.litmus_faults("Result: Never\n"), "no mutant")
        self.assertEqual(models.litmus_faults("x // a: y\n"), "no line Result: Never")


class Searches(unittest.TestCase):
    def test_variants_are_found_by_their_names(self):
        self.assertEqual(models.spin_variants("#ifdef MUTANT_B\n#ifndef MUTANT_A\nKNOWN_C MUTANT_B"),
                         ["KNOWN_C", "MUTANT_A", "MUTANT_B"])

    def search(self, said):
        answers = iter([(0, []), (0, []), (0, said)])
        with tempfile.TemporaryDirectory() as place, \
                mock.patch("workshop.models.OUTPUT", place), \
                mock.patch("workshop.models.run", lambda *words, **other: next(answers)):
            return models.spin("a.pml")

    def test_errors_and_states_are_counted(self):
        self.assertEqual(self.search(["... errors: 2", "   12 states, stored"])[:2], (2, 12))

    def test_a_search_that_was_cut_off_is_no_proof(self):
        for line in ("error: max search depth too small", "pan: out of memory"):
            with self.assertRaises(Failure):
                self.search([line, "... errors: 0", "   12 states, stored"])
        with self.assertRaises(Failure):
            self.search(["Segmentation fault"])


class MemoryModel(unittest.TestCase):
    PASSING = """C passing
{
}

P0(int *x, int *flag)
{
	WRITE_ONCE(*x, 1);
	%s(%sflag, 1);
}

P1(int *x, int *flag)
{
	int r0;
	int r1;

	r0 = smp_load_acquire(flag);
	if (r0 == 1)
		r1 = READ_ONCE(*x);
}

exists (1:r0=1 /\\ 1:r1=0)
"""

    def test_a_release_carries_what_came_before(self):
        self.assertFalse(lkmm.observable(self.PASSING % ("smp_store_release", "")))

    def test_a_plain_store_does_not(self):
        self.assertTrue(lkmm.observable(self.PASSING % ("WRITE_ONCE", "*")))

    def test_what_cannot_be_read_is_no_verdict(self):
        with self.assertRaises(Failure):
            lkmm.observable(self.PASSING % ("atomic_cond_read_acquire", ""))
