# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/check counts as a fault, without a kernel tree."""

import contextlib
import io
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from workshop import check, compiled  # noqa: E402
from workshop.common import Failure, Refusal  # noqa: E402

KCONFIG = """
config WITH_PROMPT
	bool "A prompt"
	depends on OTHER
menuconfig THREE_STATES
	tristate "Another" if !ALL
config SELECTED_ONLY
	tristate
	imply THREE_STATES
"""


class Check(unittest.TestCase):
    def carry_out(self, paths, faults):
        output = io.StringIO()
        with mock.patch.dict(check.CHECKS, {"x": (lambda project: (paths, faults), "")}), \
                contextlib.redirect_stdout(output):
            return check.carry_out("x", None), output.getvalue()

    def test_a_check_that_found_nothing_to_check_fails(self):
        well, text = self.carry_out([], [])
        self.assertFalse(well)
        self.assertIn("found nothing to check\nFAILED x\n", text)

    def test_a_check_with_a_fault_fails_and_shows_it(self):
        well, text = self.carry_out(["a"], ["a:1: bad"])
        self.assertFalse(well)
        self.assertEqual(text, "  a:1: bad\nFAILED x\n")

    def test_a_check_without_faults_says_how_many_files_it_saw(self):
        well, text = self.carry_out(["a", "b"], [])
        self.assertTrue(well)
        self.assertTrue(text.startswith("ok x (2 files, "))

    def test_a_program_that_fails_in_silence_is_a_fault(self):
        self.assertEqual(check.silent(["1"], "false"), ["1: false ended with 1"])

    def test_a_program_that_is_not_there_is_no_success(self):
        with self.assertRaises(Failure):
            check.silent(["1"], "/nonexistent/program")

    def test_an_unknown_check_is_refused(self):
        with self.assertRaises(Refusal):
            check.selected(["no-such-check"])

    def test_only_iterators_may_name_an_argument_twice(self):
        with tempfile.TemporaryDirectory() as place, mock.patch("workshop.check.REPO", place):
            with open(os.path.join(place, "a.h"), "w", encoding="utf-8") as file:
                file.write("#define a_for_each(x) \\\n\tfor (x = 1; x; )\n#define both(x) x + x\n")
            complaint = "a.h:{}: CHECK: Macro argument reuse 'x' - possible side-effects?"
            self.assertTrue(check.is_iterator(complaint.format(1)))
            self.assertFalse(check.is_iterator(complaint.format(3)))
            self.assertFalse(check.is_iterator("a.h:1: CHECK: something else"))


class Options(unittest.TestCase):
    def test_every_option_with_a_prompt_is_switched_on(self):
        with tempfile.NamedTemporaryFile("w", suffix="Kconfig") as file:
            file.write(KCONFIG)
            file.flush()
            with mock.patch("workshop.compiled.own_files",
                            return_value=["Kconfig", ("file", file.name)]):
                self.assertEqual(compiled.own_options("m"),
                                 "CONFIG_WITH_PROMPT=y\nCONFIG_THREE_STATES=m\n")


class Files(unittest.TestCase):
    def test_every_source_file_is_compiled_for_the_kernel_or_belongs_to_user_space(self):
        for path in compiled.project_files():
            if path.endswith(".c"):
                with self.subTest(path):
                    self.assertNotEqual(path.startswith(compiled.USER_SPACE),
                                        path.startswith(compiled.KERNEL_SPACE) and
                                        not path.startswith(compiled.USER_SPACE))


class Modules(unittest.TestCase):
    NM = ["", "tests/a.o:", "0000 T test_init", "                 U dma_fence_retire",
          "                 U kfree", "                 U __tracepoint_dma_fence_emit",
          "                 U __fentry__", "0000 r __export_symbol_dma_fence_get"]

    def test_what_is_defined_needed_and_exported_is_told_apart(self):
        with mock.patch("workshop.compiled.run", return_value=(0, self.NM)):
            defined, needed, exported = compiled.symbols(mock.Mock(path="/"), ["tests/a.o"])
        self.assertEqual(defined, {"test_init"})
        self.assertEqual(needed, {"dma_fence_retire", "kfree", "__tracepoint_dma_fence_emit",
                                  "__fentry__"})
        self.assertEqual(exported, {"dma_fence_get"})

    def test_only_what_nobody_exports_is_unknown(self):
        self.assertEqual(compiled.unknown({"dma_fence_retire", "kfree", "__fentry__",
                                           "param_ops_uint", "__tracepoint_dma_fence_emit"},
                                          {"kfree", "dma_fence_emit"}), ["dma_fence_retire"])

    def test_every_way_to_export_is_known(self):
        for text in ("EXPORT_SYMBOL(kfree)", "EXPORT_SYMBOL_NS_GPL(kfree", "EXPORT_SYMBOL_GPL( kfree",
                     "EXPORT_TRACEPOINT_SYMBOL(kfree)", "EXPORT_SYMBOL_IF_KUNIT(kfree)"):
            self.assertEqual(compiled.EXPORT.match(text).group(1), "kfree")


if __name__ == "__main__":
    unittest.main()
