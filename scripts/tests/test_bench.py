# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmark's arithmetic guarantees."""

import os
import sys
import unittest
from xml.etree import ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from workshop import bench, figures, plot  # noqa: E402
from workshop.common import Failure, read_text  # noqa: E402


class Lines(unittest.TestCase):
    def test_a_row_is_what_a_sample_costs_per_operation(self):
        rows = figures.parse(["bench: resv/add/4 8 80 88 96 160"])
        sample = rows["resv/add/4"]
        self.assertEqual((sample.least, sample.lower, sample.median, sample.upper),
                         (10, 11, 12, 20))

    def test_the_kernel_may_put_its_time_before_it(self):
        self.assertIn("x", figures.parse(["[    1.25] dmabuf: bench: x 1 2 3 4 5\r"]))

    def test_other_lines_are_no_rows(self):
        self.assertEqual(figures.parse(["bench: status 0", "bench: x 1 2 3", "Run /init",
                                        "bench: x failed with -12", "xbench: y 1 2 3 4 5"]), {})

    def test_a_row_of_no_operation_is_refused(self):
        with self.assertRaises(Failure):
            figures.parse(["bench: x 0 1 1 1 1"])

    def test_stall_lines(self):
        rows = figures.parse_stall(["bench-stall: 4 stuck 12 0 2000", "bench-stall: nobody"])
        self.assertEqual(rows, {(4, "stuck"): (12, 0, 2000)})

    def test_lock_statistics(self):
        rows = figures.parse_locks([
            "lock_stat:   class name    con-bounces    contentions   waittime-min",
            "lock_stat:      &dmabuf->name_lock:    1    2    0.50    1.50   2.00   1.00   3   40 "
            "  0.10  9.00  30.00  0.75",
            "lock_stat:   &x->lock#2-W:    0    0    0.00    0.00   0.00   0.00   0   7 "
            "  0.10  9.00  30.00  0.75"])
        self.assertEqual(rows, {"&dmabuf->name_lock": [2, 3, 40], "&x->lock": [0, 0, 7]})

    def test_the_locks_of_the_subsystem_are_known_by_name(self):
        self.assertLessEqual({"&dmabuf->name_lock", "&shard->lock", "dma_fence_stub_lock",
                              "&dmabuf->poll"}, bench.own_locks())


class Ratios(unittest.TestCase):
    def test_half_the_cost_is_half(self):
        self.assertEqual(figures.ratio(200, 100), 0.5)

    def test_no_ratio_without_both(self):
        for stock, this in (None, 1), (1, None), (0, 1):
            self.assertIsNone(figures.ratio(stock, this))

    def test_the_mean_of_a_half_and_a_double_is_one(self):
        self.assertAlmostEqual(figures.geometric_mean([0.5, 2.0, None]), 1.0)

    def test_a_row_that_costs_nothing_does_not_make_the_mean_nothing(self):
        self.assertAlmostEqual(figures.geometric_mean([0.0, 1.0]), 0.1)

    def test_no_mean_of_nothing(self):
        self.assertIsNone(figures.geometric_mean([None]))

    def test_the_worst_is_the_greatest(self):
        self.assertEqual(figures.worst({"a": 0.5, "b": 1.1, "c": None}), ("b", 1.1))
        self.assertIsNone(figures.worst({"c": None}))

    def test_median_of_even_and_odd(self):
        self.assertEqual(figures.median([9, 1, 2]), 2)
        self.assertEqual(figures.median([4, 1, 2, 9]), 3)

    def test_pairs_are_compared_each_with_its_own(self):
        def run(value):
            return {"a": figures.Sample(1, (0, 0, value, 0))}
        # The machine got slower by ten; each pair saw the same half.
        rows = figures.paired([run(10), run(100), run(20)], [run(5), run(50), run(10)])
        self.assertEqual(rows["a"], (20, 10, 0.5, 0.5, 0.5))

    def test_a_row_that_one_side_lacks_has_no_pairs(self):
        one = {"a": figures.Sample(1, (1, 1, 1, 1))}
        self.assertEqual(figures.paired([one], [{}]), {})


class Baseline(unittest.TestCase):
    def worse(self, old, new, same=True):
        return [row for row, _ in figures.regressions({"a": old}, {"a": new}, same)]

    def test_two_percent_are_tolerated_and_no_more(self):
        self.assertEqual(self.worse([None, 1000.0], [None, 1020.0]), [])
        self.assertEqual(self.worse([None, 1000.0], [None, 1021.0]), ["a"])

    def test_rows_that_depend_on_free_pages_may_double(self):
        for row in "udmabuf/create-M/32", "heap/alloc+close-pool-K/4":
            old = {row: [None, 1000.0]}
            self.assertEqual(figures.regressions(old, {row: [None, 1990.0]}, True), [])
            (worse, _), = figures.regressions(old, {row: [None, 2010.0]}, True)
            self.assertEqual(worse, row)

    def test_better_is_never_worse(self):
        self.assertEqual(self.worse([100.0, 90.0], [100.0, 10.0]), [])

    def test_small_rows_may_be_rounded(self):
        self.assertEqual(self.worse([None, 8.0], [None, 8.4]), [])
        self.assertEqual(self.worse([None, 8.0], [None, 9.0]), ["a"])

    def test_how_much_worse(self):
        (_, by), = figures.regressions({"a": [None, 100.0]}, {"a": [None, 150.0]}, True)
        self.assertAlmostEqual(by, 0.5)

    def test_another_compiler_compares_ratios(self):
        self.assertEqual(self.worse([100.0, 50.0], [200.0, 100.0], same=False), [])
        self.assertEqual(self.worse([100.0, 50.0], [100.0, 52.0], same=False), ["a"])

    def test_another_compiler_cannot_judge_a_row_without_stock(self):
        self.assertEqual(self.worse([None, 50.0], [None, 100.0], same=False), [])

    def test_a_row_that_vanished_is_a_fault(self):
        self.assertEqual(figures.regressions({"a": [1.0, 1.0]}, {}, True), [("a", None)])

    def test_what_is_written_is_read_again(self):
        notes = {"compiler": "gcc (Debian 12.2.0-14) 12.2.0"}
        rows = {"a/1": [100.0, 50.5], "b": [None, 123456.0]}
        self.assertEqual(figures.read_table(figures.write_table(notes, rows)), (notes, rows))

    def test_the_committed_tables_name_the_same_rows(self):
        _, baseline = figures.read_table(read_text(bench.BASELINE))
        _, wanted = figures.read_table(read_text(bench.WANTED))
        self.assertTrue(baseline)
        self.assertEqual(set(wanted) - set(baseline), set())


class Wanted(unittest.TestCase):
    def test_instructions_or_a_share_of_stock(self):
        wanted = {"a": [100.0, None], "b": [None, 0.5]}
        self.assertEqual(figures.missed(wanted, {"a": [400.0, 100.4], "b": [300.0, 150.0]}), [])
        self.assertEqual(figures.missed(wanted, {"a": [400.0, 101.0], "b": [300.0, 151.0]}),
                         [("a", 101.0, 100.0), ("b", 151.0, 150.0)])

    def test_what_was_not_measured_is_not_missed(self):
        self.assertEqual(figures.missed({"a": [1.0, None]}, {}), [])


class Patterns(unittest.TestCase):
    def test_the_guest_gets_what_all_its_rows_begin_with(self):
        self.assertEqual(bench.prefix_of("fence/*yes"), "fence/")
        self.assertEqual(bench.prefix_of("resv/add"), "resv/add")

    def test_a_pattern_is_of_a_beginning(self):
        rows = {"resv/add/1": 1, "resv/wait": 2, "fence/add": 3}
        self.assertEqual(set(bench.chosen(rows, "resv/")), {"resv/add/1", "resv/wait"})
        self.assertEqual(set(bench.chosen(rows, "*/add")), {"resv/add/1", "fence/add"})

    def test_nothing_that_a_shell_or_the_kernel_reads_is_a_pattern(self):
        for text in "a b", "a;b", "$x", "`x`", "a\"", "a,b":
            self.assertIsNone(bench.PATTERN.fullmatch(text), text)


class Picture(unittest.TestCase):
    ROWS = {"resv/<a>": 0.5, "b": 1.5, "c": 0.0003, "long-" * 20: 40}

    def setUp(self):
        self.text = plot.picture("A & B", self.ROWS)
        self.root = ElementTree.fromstring(self.text)

    def bars(self):
        place = "{http://www.w3.org/2000/svg}"
        return {group.find(place + "title").text: float(group.find(place + "rect").get("width"))
                for group in self.root.iter(place + "g")}

    def test_every_row_has_a_bar_as_long_as_its_ratio(self):
        bars = self.bars()
        self.assertEqual(list(bars), ["c: 0.0003", "resv/<a>: 0.5", "b: 1.5",
                                      "long-" * 20 + ": 40"])
        self.assertEqual(bars["resv/<a>: 0.5"], plot.SHARE / 2)

    def test_no_bar_leaves_the_picture_or_is_invisible(self):
        bars = self.bars()
        self.assertEqual(bars["c: 0.0003"], 1)
        for width in bars.values():
            self.assertLessEqual(plot.NAME + width, plot.COLUMN)

    def test_the_committed_one_shows_the_committed_baseline(self):
        _, rows = figures.read_table(read_text(bench.BASELINE))
        self.assertTrue(read_text(bench.PICTURE) == bench.picture(rows),
                        "scripts/bench --update draws it anew")

    def test_a_trifle_is_not_more(self):
        self.assertFalse(plot.needs_more(1.004))
        self.assertTrue(plot.needs_more(1.006))

    def test_what_needs_more_than_stock_is_counted(self):
        self.assertIn("2 need no more than stock (the line), 2 need more", self.text)


if __name__ == "__main__":
    unittest.main()
