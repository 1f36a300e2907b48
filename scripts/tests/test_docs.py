# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/docs finds fault with, without Sphinx and without a kernel tree."""

import os
import shutil
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from workshop import docs, papers, stamps  # noqa: E402
from workshop.common import Failure  # noqa: E402
from workshop.papers import Offer  # noqa: E402

SOURCE = """
/* EXPORT_SYMBOL(in_comment); module_param(in_comment, int, 0); */
EXPORT_SYMBOL_NS_GPL(dma_buf_poke, DMA_BUF);
int dma_buf_poke(void) { return "dma_buf_table(": 0; }
EXPORT_SYMBOL(dma_buf_table);
EXPORT_SYMBOL_IF_KUNIT(for_tests_only);
EXPORT_TRACEPOINT_SYMBOL(dma_buf_poked);
#define TRACE_SYSTEM poke
DEFINE_EVENT(dma_buf_class, dma_buf_poked,
TRACE_EVENT(dma_buf_poke,
BTF_ID_FLAGS(func, bpf_poke, KF_SLEEPABLE)
#define DMA_BUF_IOCTL_POKE	_IOW('b', 9, int)
#define DMA_BUF_IOCTL_LONG \\
	_IOWR('b', 10, int)
#define POKE_HARD(x) _IOW
module_param(force, uint, 0644);
module_param_named(hard, really_hard, bool, 0444);
module_param_cb(soft, &ops, NULL, 0644);
	dir = debugfs_create_dir("poke", NULL);
	debugfs_create_file_unsafe("info", 0444, dir, NULL, &fops);
	debugfs_create_u32("count", 0444, dir, &count);
static struct kobj_attribute poked_attr = __ATTR_RO(poked);
static DEVICE_ATTR_RW(poking);
static struct miscdevice poke_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "poke",
};
static const struct class poke_class = {
	.name = "pokes",
};
"""
KCONFIG = "menuconfig POKE\n\tbool\nconfig POKE_MORE\n\ttristate\n"
OFFERED = {
    ("function", "dma_buf_poke"), ("variable", "dma_buf_table"), ("tracepoint", "poke:dma_buf_poked"),
    ("tracepoint", "poke:dma_buf_poke"),
    ("BPF function", "bpf_poke"), ("ioctl", "DMA_BUF_IOCTL_POKE"), ("ioctl", "DMA_BUF_IOCTL_LONG"),
    ("parameter", "dma_poke.force"), ("parameter", "dma_poke.hard"), ("parameter", "dma_poke.soft"),
    ("debugfs file", "/sys/kernel/debug/poke/info"),
    ("debugfs file", "/sys/kernel/debug/poke/count"),
    ("sysfs file", "poked"), ("sysfs file", "poking"), ("sysfs class", "/sys/class/pokes"),
    ("device", "/dev/poke"), ("device", "/dev/pokes"),
    ("option", "CONFIG_POKE"), ("option", "CONFIG_POKE_MORE"),
}

HTML = """<html><head><title>dma_buf_in_title()</title></head><body>
<h1>All of /dev/poke and /dev/pokes/&lt;name&gt;</h1>
<p>First <a href="#c.dma_buf_poke"><code>dma_buf_poke()</code></a>, then <code>dma_buf_a()</code>,
then dma_buf_typo() and kfree().<br></p>
<pre>dma_buf_in_program();</pre>
<dl><dt class="sig sig-object c" id="c.dma_buf_poke"><span>int dma_buf_poke</span></dt>
<dd><p>dma_fence_typo() and dma_buf_table</p></dd>
<dt><code>dma_poke.force</code></dt><dd>dma_poke.hard</dd>
<dt>/sys/kernel/poke/&lt;n&gt;/poked</dt><dd></dd></dl>
</body></html>
"""


class Work(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="docs-test.")
        self.addCleanup(shutil.rmtree, self.work)

    def file(self, name, text=""):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Offers(Work):
    def project(self, **texts):
        files = {f"{papers.HOME}/dma-poke.c": self.file("dma-poke.c", SOURCE),
                 f"{papers.HOME}/Kconfig": self.file("Kconfig", KCONFIG)}
        for name, text in texts.items():
            files[name.replace("__", "/") + ".c"] = self.file(name + ".c", text)
        return files

    def test_everything_that_is_offered_is_found_once(self):
        offers = papers.offered(self.project())
        self.assertEqual({(offer.kind, offer.name) for offer in offers}, OFFERED)
        self.assertEqual(len(offers), len(OFFERED))

    def test_tests_and_tools_offer_nothing_but_parameters(self):
        files = self.project(tools__other=SOURCE)
        path = self.file("tests/poke-test.c", SOURCE)
        self.file("tests/Makefile", "poke_kunit-y += a.o poke-test.o\n")
        files[f"{papers.HOME}/tests/poke-test.c"] = path
        found = {(offer.kind, offer.name) for offer in papers.offered(files)} - OFFERED
        self.assertEqual(found, {("parameter", f"poke_kunit.{name}")
                                 for name in ("force", "hard", "soft")})

    def test_a_search_that_finds_nothing_of_a_kind_is_broken(self):
        with self.assertRaisesRegex(Failure, "no option"):
            papers.offered({f"{papers.HOME}/dma-poke.c": self.file("dma-poke.c", SOURCE)})


class Entries(Work):
    def setUp(self):
        super().setUp()
        self.pages = papers.Pages([self.file("a.html", HTML)])

    def missing(self, kind, name):
        return papers.missing_entries([Offer(kind, name, "a.c")], self.pages)

    def test_what_is_declared_in_a_term_or_in_a_heading_has_an_entry(self):
        for kind, name in (("function", "dma_buf_poke"), ("parameter", "dma_poke.force"),
                           ("device", "/dev/poke"), ("device", "/dev/pokes"),
                           ("sysfs file", "poked")):
            self.assertEqual(self.missing(kind, name), [], name)

    def test_what_is_only_spoken_of_has_none(self):
        for kind, name in (("function", "dma_fence_typo"), ("variable", "dma_buf_table"),
                           ("parameter", "dma_poke.hard"), ("ioctl", "POKE"),
                           ("tracepoint", "poke:dma_buf_poke")):
            self.assertEqual(self.missing(kind, name),
                             [f"a.c: the {kind} {name} has no entry in the pages"])

    def test_part_of_another_name_is_no_entry(self):
        for kind, name in (("parameter", "dma_poke"), ("parameter", "poke.force"),
                           ("device", "/dev/po"), ("sysfs file", "poke"), ("sysfs file", "oked")):
            self.assertEqual(len(self.missing(kind, name)), 1, name)

    def test_a_function_needs_its_declaration(self):
        pages = papers.Pages([self.file("b.html", "<dl><dt>dma_buf_poke()</dt></dl>")])
        self.assertFalse(pages.has(Offer("function", "dma_buf_poke", "a.c")))

    def test_a_function_in_the_text_that_is_no_link_is_a_fault(self):
        self.assertEqual([name for _, name in self.pages.loose()],
                         ["dma_buf_typo()", "dma_fence_typo()"])


class Files(Work):
    def test_what_is_in_sysfs_or_debugfs_needs_an_abi_file(self):
        offers = [Offer("parameter", "poke.force", "a.c"), Offer("sysfs file", "poked", "a.c"),
                  Offer("debugfs file", "/sys/kernel/debug/poke/info", "a.c"),
                  Offer("parameter", "t.t", papers.TESTS + "t.c"), Offer("ioctl", "POKE", "a.c")]
        told = ["What:\t\t/sys/module/poke/parameters/force\nDate: x\n",
                "What:\t/sys/kernel/poke/<n>/poked\nWhat:\t/sys/kernel/debug/poke/info\n"]
        self.assertEqual(papers.missing_abi(offers, told), [])
        self.assertEqual(len(papers.missing_abi(offers, told[:1])), 2)
        self.assertEqual(len(papers.missing_abi(offers, [])), 3)

    def test_a_section_that_no_page_shows_is_a_fault(self):
        place = f"{papers.HOME}/a.c"
        files = {place: self.file("a.c", "/**\n * DOC: one\n */\n/**\n * DOC: the other\n */\n"),
                 "tools/b.c": self.file("b.c", "/**\n * DOC: of a program\n */\n")}
        for page, count in (
                (f".. kernel-doc:: {place}\n   :doc: one\n", 1),
                (f".. kernel-doc:: {place}\n   :no-identifiers:\n   :doc: the other\n"
                 f"\n.. kernel-doc:: {place}\n   :doc: one\n", 0),
                (f".. kernel-doc:: {place}\n   :export:\n", 2),
                (f".. kernel-doc:: {place}\n\nText\n", 0),
                (f".. kernel-doc:: {papers.HOME}/c.c\n   :doc: one\n", 2)):
            files["Documentation/a.rst"] = self.file("a.rst", page)
            self.assertEqual(len(papers.missing_sections(files)), count, page)

    def test_a_manual_page_names_the_ioctls_of_its_header(self):
        offers = [Offer("ioctl", "POKE", "a.h"), Offer("ioctl", "POKE", "other.h"),
                  Offer("function", "poke", "a.h")]
        self.assertEqual(papers.missing_in_manual(offers, {"a.h": ".B POKE\n"}), [])
        self.assertEqual(papers.missing_in_manual(offers, {"a.h": ".B POKE_HARD\n"}),
                         ["a.h: POKE is not in the manual page"])

    def test_a_page_that_is_mentioned_must_be_there(self):
        self.file("tree/Documentation/process/howto.rst")
        files = {"a.c": self.file("a.c", "/* Documentation/process/howto.rst */\n"),
                 "b.c": self.file("b.c", "Documentation/process/no.rst, Documentation/man/a.4\n")}
        self.file("README.md", "[a](a.c) [c](c.c#x) [web](https://example.org/x)\n")
        with mock.patch.object(docs.tree, "TREE", os.path.join(self.work, "tree")), \
                mock.patch.object(docs, "REPO", self.work):
            self.assertEqual(docs.dead_mentions(files),
                             ["b.c: there is no Documentation/man/a.4",
                              "b.c: there is no Documentation/process/no.rst",
                              "README.md: there is no c.c"])

    def test_the_front_page_comes_first_and_has_to_exist(self):
        files = dict.fromkeys(("Documentation/a.rst", "Documentation/dma-buf/index.rst", "a.c",
                               "Documentation/ABI/testing/x"))
        self.assertEqual(docs.page_names(files), ["dma-buf/index", "a"])
        with self.assertRaises(Failure):
            docs.page_names({"Documentation/a.rst": ""})


class Rendering(Work):
    """With a program in place of Sphinx that says what it is told to."""

    PAGE = "Documentation/dma-buf/index.rst"

    def setUp(self):
        super().setUp()
        for module, name, value in (
                (docs, "OUT", "docs"), (docs, "WORK", "docs-work"), (docs, "REPO", ""),
                (docs.tree, "TREE", "tree"), (stamps, "BUILD", "build"),
                (sys.modules["workshop.shell"], "LOGS", "logs")):
            patch = mock.patch.object(module, name, os.path.join(self.work, value))
            patch.start()
            self.addCleanup(patch.stop)
        self.files = {self.PAGE: self.file("index.rst")}
        self.file("README.md")
        self.file("tree/scripts/get_abi.pl", "")
        self.file("tree/Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 9\n")

    def verdicts(self, warning="", printed="", html=HTML, key="k"):
        self.page = os.path.join(docs.OUT, "dma-buf/index.html")
        program = self.file("sphinx", f"""
            echo "Running Sphinx"; echo "{printed}"; echo "{warning}" >{docs.WORK}/warnings
            mkdir -p {docs.OUT}/dma-buf; cp {self.file("made.html", html)} {self.page}
            echo x >>{self.work}/runs\n""")
        with mock.patch.object(docs, "project_files", return_value=self.files), \
                mock.patch.object(docs, "command", return_value=["sh", program]), \
                mock.patch.object(papers, "offered", return_value=[
                    Offer("device", "/dev/poke", "a.c")]), \
                mock.patch("workshop.shell.say"):
            return docs.verdicts(key)

    def faults(self, **options):
        return [line for _, wrong in self.verdicts(**options) for line in wrong]

    def runs(self):
        with open(os.path.join(self.work, "runs"), encoding="utf-8") as file:
            return len(file.readlines())

    GOOD = "<h1>/dev/poke</h1>"

    def test_pages_without_a_fault_are_rendered_once(self):
        self.assertEqual(self.faults(html=self.GOOD), [])
        self.assertEqual(self.faults(html=self.GOOD), [])
        self.assertEqual(self.runs(), 1)
        self.faults(html=self.GOOD, key="changed")
        self.assertEqual(self.runs(), 2)
        os.unlink(self.page)
        self.faults(html=self.GOOD, key="changed")
        self.assertEqual(self.runs(), 3)

    def test_a_warning_of_sphinx_is_a_fault_and_stays_one(self):
        line = "a.rst:1: WARNING: undefined label: b"
        for _ in 1, 2:
            self.assertEqual(self.faults(html=self.GOOD, warning=line), [line])
        self.assertEqual(self.runs(), 2)

    def test_what_kernel_doc_says_past_sphinx_is_a_fault(self):
        line = f"{self.work}/tree/include/a.h:3: warning: Excess function parameter"
        self.assertEqual(self.faults(html=self.GOOD, printed=line), [line.split("tree/")[1]])

    def test_a_page_that_lacks_an_entry_fails(self):
        self.assertEqual(self.faults(html="<h1>Nothing</h1>"),
                         ["a.c: the device /dev/poke has no entry in the pages"])

    def test_a_page_that_was_not_made_is_a_fault(self):
        self.files["Documentation/second.rst"] = self.file("second.rst")
        self.assertEqual(self.faults(html=self.GOOD),
                         [f"{docs.OUT}/second.html: was not made"])


if __name__ == "__main__":
    unittest.main()
