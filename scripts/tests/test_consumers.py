# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/consumers and scripts/check rely on, without a kernel tree."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from workshop import routes  # noqa: E402
from workshop.interface import Interface, names_of, plain  # noqa: E402
from workshop.kbuild import KEEP_LOG, UNMADE, Diagnostics, source_of  # noqa: E402

HEADER = """
#ifndef _GUARD_H
#define _GUARD_H
#include <linux/other.h>

/* struct in_comment { int a; }; void in_comment_f(void); */
struct forward;
extern const struct forward_ops some_ops;

#define LOOP(a, b) \\
	for (first(a); second; third(b))
#define NUMBER 3

typedef void (*callback_t)(struct forward *f);
typedef unsigned long plain_t;

enum kind {
	KIND_A,
	KIND_B = NUMBER,
};

struct outer {
	struct inner { int x; } in;
	int (*member)(void);
};

static inline enum kind which(struct forward *cursor)
{
	if (cursor)
		return helper(cursor, "} not_a_brace {");
	return KIND_A;
}

static inline bool __must_check
long_line(struct forward *f);

#if IS_ENABLED(CONFIG_X)
void __annotated(int a) __acquires(a);
#else
static inline void __annotated(int a) {}
#endif
DEFINE_FREE(thing, struct forward *, drop(_T))
#endif
"""


def directory_with(files):
    """A temporary directory that holds the files, which may lie in others."""
    place = tempfile.TemporaryDirectory(prefix="consumers-test.")
    for path, text in files.items():
        path = os.path.join(place.name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return place


class Names(unittest.TestCase):
    def test_a_header_makes_known_what_it_declares_and_nothing_else(self):
        words, tags = names_of(HEADER)
        self.assertEqual(words, {"LOOP", "NUMBER", "callback_t", "plain_t", "KIND_A", "KIND_B",
                                 "which", "long_line", "__annotated", "some_ops"})
        self.assertEqual(tags, {"enum kind", "struct outer", "struct inner"})

    def test_comments_and_strings_name_nothing(self):
        text = plain('a /* b\n */ c // d\n"e" f')
        self.assertEqual(text.split(), ["a", "c", '""', "f"])
        self.assertEqual(text.count("\n"), 2)

    def test_users_are_found_by_whole_names_outside_the_subsystem(self):
        files = {
            "include/linux/dma-buf.h": "struct dma_buf { int a; };\nvoid dma_buf_put(int a);\n",
            "drivers/a/user.c": "int f(void) { dma_buf_put(1); }\n",
            "drivers/a/tag.c": "struct\tdma_buf *b;\n",
            "drivers/a/longer.c": "dma_buf_put_all(1); int dma_buf; // dma_buf_put\n",
            "drivers/dma-buf/dma-buf.c": "dma_buf_put(1);\n",
            "tools/user.c": "dma_buf_put(1);\n",
        }
        with directory_with(files) as tree:
            users = Interface(tree).users(tree)
        self.assertEqual(users, {"drivers/a/tag.c": ["struct dma_buf"],
                                 "drivers/a/user.c": ["dma_buf_put"]})


class Kbuild(unittest.TestCase):
    def test_an_object_of_a_neighbour_directory_leads_to_its_source(self):
        self.assertEqual(source_of("drivers/a/b/../c/d.o"), "drivers/a/c/d.c")

    def test_what_make_could_not_make_is_recognized(self):
        lines = ("make[4]: *** [/t/scripts/Makefile.build:244: drivers/a/b.o] Error 1\n"
                 "make[3]: *** No rule to make target 'drivers/a/c.o'.  Stop.\n"
                 "make[2]: Target 'drivers/a/d.o' not remade because of errors.\n")
        names = {name for found in UNMADE.findall(lines) for name in found if name}
        self.assertEqual(names, {"drivers/a/b.o", "drivers/a/c.o", "drivers/a/d.o"})

    def test_a_file_that_includes_another_is_found_by_both_ways_of_naming(self):
        files = {
            "drivers/gpu/x/one.c": '#include "tests/one.c"\n',
            "drivers/gpu/x/tests/one.c": "",
            "drivers/gpu/x/two.h": '  #  include "x/hw/two.c"\n',
            "drivers/gpu/x/hw/two.c": "",
        }
        with directory_with(files) as tree:
            found = routes.includers(tree, ["drivers/gpu/x/tests/one.c", "drivers/gpu/x/hw/two.c"])
        self.assertEqual(found, {"drivers/gpu/x/tests/one.c": ["drivers/gpu/x/one.c"],
                                 "drivers/gpu/x/hw/two.c": ["drivers/gpu/x/two.h"]})

    def test_the_options_before_a_file_are_those_that_are_off(self):
        files = {
            "drivers/Makefile": "obj-y += gpu/\n",
            "drivers/gpu/Makefile": "obj-$(CONFIG_ON) += x/\nobj-$(CONFIG_OFF) += \\\n\tx/\n",
            "drivers/gpu/x/Makefile": "x-$(CONFIG_PART) += a.o\nobj-$(CONFIG_OTHER) += b.o\n",
        }
        with directory_with(files) as tree:
            found = routes.gates(tree, "drivers/gpu/x/a.c", {"CONFIG_ON": "m"})
        self.assertEqual(found, ["CONFIG_PART", "CONFIG_OFF"])

    def test_diagnostics_name_files_as_the_tree_does(self):
        class Output:
            tree, path = "/r/build/tree", "/r/build/o/x"
        said = Diagnostics("/r/build/tree/a.c:1:2: warning: one\n../../tree/b.c:3:4: error: two\n"
                           "a.c:5:6: note: three\n", Output)
        self.assertEqual(said.warnings, ["a.c:1:2: warning: one", "b.c:3:4: error: two"])
        self.assertEqual(said.errors, ["b.c:3:4: error: two"])


class KeepLog(unittest.TestCase):
    def run_in(self, place, suffix, *words):
        return subprocess.run([KEEP_LOG, suffix, *words], cwd=place, capture_output=True,
                              text=True, check=False)

    def compiler(self, place, text):
        path = os.path.join(place, "compiler")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def test_what_the_compiler_says_stays_beside_the_object(self):
        with directory_with({"d/a.c": ""}) as place:
            done = self.run_in(place, "log", self.compiler(place, "echo oh >&2; : >$3\n"),
                               "-c", "-o", "d/a.o", "d/a.c")
            self.assertEqual((done.returncode, done.stderr), (0, "oh\n"))
            self.assertEqual(sorted(os.listdir(place + "/d")), ["a.c", "a.o", "a.o.log"])

    def test_a_failed_compile_leaves_neither_object_nor_log(self):
        with directory_with({"d/a.o": "old", "d/a.o.log": "old"}) as place:
            done = self.run_in(place, "log", self.compiler(place, "echo no >&2; exit 3\n"),
                               "-c", "-o", "d/a.o", "d/a.c")
            self.assertEqual(done.returncode, 3)
            self.assertEqual(os.listdir(place + "/d"), ["a.o.log.part"])

    def test_sparse_is_known_by_the_object_that_kbuild_checks(self):
        with directory_with({"d/a.o": "kept"}) as place:
            self.run_in(place, "sparse", self.compiler(place, "echo sparse >&2\n"),
                        "-Wp,-MMD,d/.a.o.d", "d/a.c")
            self.assertEqual(sorted(os.listdir(place + "/d")), ["a.o", "a.o.sparse"])


if __name__ == "__main__":
    unittest.main()
