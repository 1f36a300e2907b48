# SPDX-License-Identifier: GPL-2.0-only
"""Documentation/hardening.rst and the tests that it promises."""

import glob
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from workshop.common import REPO, read_text  # noqa: E402

REPORT = re.compile(r"CVE-\d{4}-\d+|\b[0-9a-f]{20}\b|udmabuf_create \(|ep_remove \(")


def rows():
    """[(reports, files)] of the table of reports."""
    text = read_text(os.path.join(REPO, "Documentation/hardening.rst"))
    table = text.split("What has gone wrong before")[1].split("Who may do what")[0]
    found = []
    for row in re.split(r"^   \* - ", table, flags=re.M)[2:]:
        cells = re.split(r"^     - ", row, flags=re.M)
        found.append((REPORT.findall(cells[0]), re.findall(r"``(tests/[^`]+)``", cells[-1])))
    return found


def word(report):
    """How a report is called in the name of a test."""
    if report.startswith("CVE"):
        return report.lower().replace("-", "_")
    return "syzbot_" + report.split(" ")[0]


def tests_of(path):
    """The names of the cases in a file, and of the parameters they run with."""
    text = read_text(os.path.join(REPO, path), "")
    return (re.findall(r"^static void (\w+)\(struct kunit \*test\)", text, re.M) +
            re.findall(r"^TEST(?:_F)?\((?:\w+, )?(\w+)\)", text, re.M) +
            re.findall(r"\{ \"((?:cve|syzbot)_\w+)\" \}", text))


class Hardening(unittest.TestCase):
    def test_the_table_is_read(self):
        self.assertGreaterEqual(len(rows()), 30)
        for reports, files in rows():
            self.assertTrue(reports and files, (reports, files))

    def test_each_report_has_tests_of_its_name_where_the_table_says(self):
        for reports, files in rows():
            for report in reports:
                for path in files:
                    names = [name for name in tests_of(path)
                             if re.match(word(report) + r"(_|$)", name)]
                    self.assertTrue(names, f"{path} has no test {word(report)}...")

    def test_each_test_that_is_named_after_a_report_is_in_the_table(self):
        known = {word(report) for reports, _ in rows() for report in reports}
        for path in glob.glob(os.path.join(REPO, "tests/**/*.c"), recursive=True):
            for name in tests_of(os.path.relpath(path, REPO)):
                if re.match(r"cve_|syzbot_", name):
                    self.assertTrue(any(re.match(one + r"(_|$)", name) for one in known),
                                    f"{path}: {name}")
