# SPDX-License-Identifier: GPL-2.0-only
"""What the documents rely on in samples/, and how the step `samples` reads its guest."""

import glob
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from workshop import guest, samples  # noqa: E402
from workshop.common import read_text  # noqa: E402

# What the documents include: {file: parts}.
PARTS = {
    "exporter.c": {"attach", "map", "cpu-access", "export", "move"},
    "importer-static.c": {"attach", "map"},
    "importer-dynamic.c": {"attach", "map", "move"},
    "fence-producer.c": {"fence-init", "fence-signal", "annotate", "fence-publish"},
    "user/size.c": {"llseek"},
    "user/mmap.c": {"mmap", "dma-buf-ioctl-sync"},
    "user/share.c": {"send-fd", "receive-fd"},
    "user/poll.c": {"poll"},
    "user/set-name.c": {"dma-buf-set-name"},
    "user/export-sync-file.c": {"dma-buf-ioctl-export-sync-file"},
    "user/import-sync-file.c": {"dma-buf-ioctl-import-sync-file"},
    "user/merge.c": {"sync-ioc-merge", "merge-many"},
    "user/file-info.c": {"sync-ioc-file-info"},
    "user/deadline.c": {"sync-ioc-set-deadline"},
    "user/heap.c": {"dma-heap-ioctl-alloc"},
    "user/udmabuf.c": {"udmabuf-memfd", "udmabuf-create", "udmabuf-create-list"},
}


def marks(path):
    """The marks of a file, in their order: [(name, begin or end)]."""
    return re.findall(r"^/\* doc: ([\w-]+) (begin|end) \*/$", read_text(path), re.M)


class Parts(unittest.TestCase):
    def files(self):
        return [path for where in ("", "user") for path in
                sorted(glob.glob(os.path.join(samples.SOURCE, where, "*.[ch]")))]

    def test_every_part_begins_and_ends_before_the_next_one(self):
        for path in self.files():
            found = marks(path)
            with self.subTest(path):
                self.assertEqual(found[::2], [(name, "begin") for name, _ in found[::2]])
                self.assertEqual(found[1::2], [(name, "end") for name, _ in found[::2]])
                self.assertEqual(len(set(found)), len(found))

    def test_the_parts_that_documents_include_are_there(self):
        for name, wanted in PARTS.items():
            with self.subTest(name):
                found = {part for part, _ in marks(os.path.join(samples.SOURCE, name))}
                self.assertEqual(found, wanted)

    def test_every_program_is_run(self):
        sources = {os.path.basename(path)[:-2] for path in self.files()
                   if path.endswith(".c") and os.path.basename(os.path.dirname(path)) == "user"}
        self.assertEqual(sources - {"sample"}, set(samples.SAYS))


class Output(unittest.TestCase):
    def test_each_part_of_a_job_has_its_lines_and_its_status(self):
        self.assertEqual(
            guest.sections(["noise", "== one", "a", "b", "== status 0", "noise", "== two",
                            "c", "== status 3", "== three", "d"]),
            {"one": (["a", "b"], 0), "two": (["c"], 3), "three": (["d"], None)})

    def test_a_program_is_right_when_it_says_what_it_should_and_no_more(self):
        said = ["size: 65536 bytes"]
        self.assertIsNone(samples.complaint("size", said, 0))
        for lines, status in ((said, 1), (said, None), ([], 0), (said * 2, 0),
                              (["size: 4096 bytes"], 0)):
            self.assertIsNotNone(samples.complaint("size", lines, status))

    def test_modules_are_unloaded_in_the_order_in_which_nobody_uses_them(self):
        job = samples.job()
        for first, second in zip(samples.MODULES, samples.MODULES[1:]):
            self.assertLess(job.index(f"insmod /out/{first}.ko"),
                            job.index(f"insmod /out/{second}.ko"))
            self.assertLess(job.index(f"rmmod {second}\n"), job.index(f"rmmod {first}\n"))


if __name__ == "__main__":
    unittest.main()
