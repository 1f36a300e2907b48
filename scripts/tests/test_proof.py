# SPDX-License-Identifier: GPL-2.0-only
"""What the workshop makes of attacks from userspace and of coverage; needs no kernel."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

SCRIPTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, SCRIPTS)

from workshop import gcov, kernel, objects, proof, sites, soak, tree  # noqa: E402
from workshop.common import REPO, Failure, Refusal, read_text  # noqa: E402

LISTING = """
dma-buf.o:     file format elf64-x86-64


Disassembly of section .text:

0000000000000010 <make_it>:
  10:	endbr64
  14:	call   19 <make_it+0x9>
\t\t\t15: R_X86_64_PLT32\t__kmalloc_cache_noprof-0x4
  19:	mov    $0x0,%rdi
\t\t\t1c: R_X86_64_32S\tsome_data
  20:	call   25 <make_it+0x15>
\t\t\t21: R_X86_64_PLT32\t__sanitizer_cov_trace_pc-0x4

Disassembly of section .init.text:

0000000000000000 <begin>:
   0:	call   5 <begin+0x5>
\t\t\t1: R_X86_64_PLT32\tkstrdup_noprof-0x4
"""

SOURCE = """\
/* kmalloc(1) in a comment
 * kmalloc(2) */
static struct thing *thing_alloc(int n)
{
	struct thing *thing = kzalloc(sizeof(*thing), GFP_KERNEL);

	pr_info("kmalloc(3)");
	thing->ops->kmalloc(4);
	my_kmalloc(5);
	return thing;	// kmalloc(6)
}
EXPORT_SYMBOL(thing_alloc);

int
other(struct thing *thing,
      int n)
{
	return PTR_ERR(alloc_page(GFP_KERNEL)) ? kvmalloc_array(1,
		2, 3) : 0;
}
"""


class Objects(unittest.TestCase):
    def test_calls_are_found_with_where_they_return_to(self):
        self.assertEqual(objects.calls_in(LISTING), [
            (".text", "make_it", 9, "__kmalloc_cache_noprof"),
            (".text", "make_it", 0x15, "__sanitizer_cov_trace_pc"),
            (".init.text", "begin", 5, "kstrdup_noprof")])

    def test_frames_are_named_as_in_the_tree(self):
        text = ("0x0000000000000010\n/home/x/build/tree/include/linux/slab.h:3\n"
                "/home/x/build/tree/drivers/dma-buf/heaps/../udmabuf.c:12 (discriminator 2)\n"
                "0x0000000000000020\n??:0\n")
        self.assertEqual(objects.frames_in(text), [
            [("/home/x/build/tree/include/linux/slab.h", 3), ("drivers/dma-buf/udmabuf.c", 12)],
            [("??", 0)]])


class Tools(unittest.TestCase):
    """The compiler and binutils of this machine say what is expected of them."""

    PROGRAM = """\
        void *__kmalloc_noprof(int size);
        void __sanitizer_cov_trace_pc(void);
        static inline void *get(int size)
        {
                return size ? __kmalloc_noprof(size) : 0;
        }
        int use(int size)
        {
                char *memory = get(size);
                if (!memory)
                        return -12;
                return *memory;
        }
        """
    MAIN = """\
        int use(int size);
        void *__kmalloc_noprof(int size) { return (char *)main + 0 * size; }
        void __sanitizer_cov_trace_pc(void) {}
        """.replace("(char *)main", "__builtin_return_address(0)")

    def setUp(self):
        work = tempfile.TemporaryDirectory(prefix="proof-test.")
        self.addCleanup(work.cleanup)
        self.work = work.name
        self.place = os.path.join(self.work, kernel.HOME)
        os.makedirs(self.place)
        self.source = os.path.join(self.place, "a.c")
        with open(self.source, "w", encoding="ascii") as file:
            file.write(self.PROGRAM)
        with open(os.path.join(self.work, "main.c"), "w", encoding="ascii") as file:
            file.write(self.MAIN + "int main(int argc, char **argv) "
                                   "{ (void)argv; return use(argc - 1) != -12; }\n")

    def gcc(self, *words):
        subprocess.run(["gcc", *words], cwd=self.work, check=True)

    def test_an_allocation_is_found_in_a_linked_program(self):
        self.gcc("-O2", "-g1", "-fsanitize-coverage=trace-pc", "-fno-optimize-sibling-calls",
                 "-fno-pie", "-c", self.source, "-o", self.place + "/a.o")
        self.gcc("-O2", "-no-pie", "main.c", self.place + "/a.o", "-o", "vmlinux")
        found = {(file, line): (function, callee) for file, (line, function, callee) in
                 (("a.c", call) for call in sites.calls_in(
                     re.sub(r"(?m)^ {8}", "", self.PROGRAM.replace("__kmalloc_noprof", "kmalloc"))))
                 if function == "get"}
        self.assertEqual(found, {("a.c", 5): ("get", "kmalloc")})
        with mock.patch.object(kernel, "own_sources",
                               return_value={kernel.HOME + "/a.o": kernel.HOME + "/a.c"}):
            there = sites.in_kernel(self.work, found)
            self.assertEqual([call for _, call in there], [("a.c", 5)])
            rows = proof.places_by_file(self.work, [])
        self.assertGreater(rows[kernel.HOME + "/a.c"][1], 1)

    def test_what_gcov_counts_is_read(self):
        self.gcc("-O0", "--coverage", "-c", self.source, "-o", self.place + "/a.o")
        self.gcc("--coverage", "main.c", self.place + "/a.o", "-o", "run")
        subprocess.run([os.path.join(self.work, "run")], check=True)
        share = os.path.join(self.work, "share")
        os.makedirs(share)
        os.rename(self.place, os.path.join(self.work, "objects"))
        os.makedirs(os.path.join(share, "gcda"))
        os.rename(os.path.join(self.work, "objects/a.gcda"), os.path.join(share, "gcda/a.gcda"))
        with mock.patch.object(objects, "own_objects", return_value={
                os.path.join(self.work, "objects/a.o"): kernel.HOME + "/a.c"}):
            counts = gcov.collect(self.work, share)["a.c"]
        run, lines, taken, ways = counts.share()
        self.assertEqual(counts.missed(), [12])
        self.assertEqual((run, taken < ways), (lines - 1, True))


class Sites(unittest.TestCase):
    def test_allocations_are_found_in_code_alone(self):
        self.assertEqual(sites.calls_in(SOURCE), [
            (5, "thing_alloc", "kzalloc"), (18, "other", "alloc_page"),
            (18, "other", "kvmalloc_array")])

    def test_the_project_has_some(self):
        found = sites.in_source()
        self.assertGreater(len(found), 40)
        self.assertIn(("dma-buf.c", "dma_buf_alloc", "kmalloc"),
                      {(file, *what) for (file, _), what in found.items()})

    def test_names_in_objects_are_known(self):
        for name in ("__kmalloc_cache_noprof", "__kmalloc_noprof", "__kvmalloc_node_noprof",
                     "alloc_pages_noprof", "sg_alloc_table", "alloc_anon_inode",
                     "__seq_open_private", "kmem_cache_alloc_noprof", "vmemdup_user",
                     "get_unused_fd_flags"):
            self.assertTrue(sites.CALLEE.match(name), name)
        for name in ("kfree", "mutex_lock", "dma_fence_init", "__fentry__"):
            self.assertFalse(sites.CALLEE.match(name), name)

    def test_a_call_over_several_lines_is_one(self):
        found = {("a.c", 10): (), ("a.c", 11): (), ("b.c", 10): ()}
        self.assertEqual(sites.nearest(found, "a.c", 10), ("a.c", 10))
        self.assertEqual(sites.nearest(found, "a.c", 12), ("a.c", 11))
        self.assertEqual(sites.nearest(found, "a.c", 9), ("a.c", 10))
        self.assertIsNone(sites.nearest(found, "a.c", 20))

    def test_what_is_neither_reached_nor_excused_is_told(self):
        found = {("a.c", 1): ("f", "kmalloc"), ("a.c", 2): ("g", "kzalloc"),
                 ("a.c", 3): ("h", "kcalloc")}
        excused = sites.excuses("# a comment\na.c g only at boot\na.c x gone long ago\n")
        self.assertEqual(sites.verdict(found, {("a.c", 1)}, excused),
                         (1, ["a.c:3: kcalloc() in h()"], ["a.c x"]))

    def test_each_excuse_is_for_a_function_that_allocates(self):
        there = {(file, function) for (file, _), (function, _) in sites.in_source().items()}
        self.assertEqual(set(sites.excuses(read_text(sites.EXCUSED))) - there, set())


class Ring(unittest.TestCase):
    def ring(self, calls, made):
        data = bytearray(proof.RING_HEAD.size + proof.RING_ENTRIES * proof.RING_ENTRY.size)
        proof.RING_HEAD.pack_into(data, 0, proof.RING_MAGIC, made)
        for number, call in calls.items():
            proof.RING_ENTRY.pack_into(
                data, proof.RING_HEAD.size + number % proof.RING_ENTRIES * proof.RING_ENTRY.size,
                *call)
        return bytes(data)

    def test_calls_come_out_in_their_order(self):
        data = self.ring({0: (7, 1, 0, True, 5), 1: (8, 0, 3, False, proof.RUNNING)}, 2)
        self.assertEqual(proof.last_calls(data, ["a", "b"]),
                         [("b", 7, True, 5), ("a", 8, False, None)])

    def test_only_the_last_ones_are_there(self):
        entries = proof.RING_ENTRIES
        calls = {number: (number, 0, 0, False, 0) for number in range(5, entries + 5)}
        found = proof.last_calls(self.ring(calls, entries + 5), ["a"])
        self.assertEqual((found[0][1], found[-1][1], len(found)), (5, entries + 4, entries))

    def test_what_is_no_log_is_none(self):
        self.assertEqual(proof.last_calls(bytes(proof.RING_SIZE), ["a"]), [])

    def test_it_is_as_the_program_has_it(self):
        text = read_text(os.path.join(REPO, "tests/fuzz/ring.h"))
        self.assertIn(f"{proof.RING_MAGIC:#x}ULL", text)
        self.assertIn(f"RING_ENTRIES\t{proof.RING_ENTRIES}\n", text)
        self.assertLessEqual(proof.RING_HEAD.size + proof.RING_ENTRIES * proof.RING_ENTRY.size,
                             proof.RING_SIZE)


def run_of(lines, alarms=(), status=0, problem=None):
    boot = types.SimpleNamespace(problem=problem, status=status, output="out.log",
                                 kernel_log="kernel.log", alarms=lambda: list(alarms))
    return types.SimpleNamespace(boot=boot, lines=lines, share="/nonexistent", ring="/nonexistent",
                                 verdicts=lambda: proof.Run.verdicts(
                                     types.SimpleNamespace(boot=boot, lines=lines)))


def wrong(verdicts):
    return [reason for _, reason in verdicts if reason]


class Verdicts(unittest.TestCase):
    GOOD = ["op close 10 9", "op poll 5 1", "fuzz: ok"]

    def test_a_good_run_passes(self):
        self.assertEqual(wrong(proof.fuzz_verdicts(run_of(self.GOOD))), [])

    def test_an_operation_that_never_works_is_told(self):
        self.assertIn("poll", wrong(proof.fuzz_verdicts(run_of(["op poll 5 0", "fuzz: ok"])))[0])

    def test_an_operation_that_is_not_there_need_not(self):
        lines = ["fuzz: not here: poll", "op poll 0 0", "fuzz: ok"]
        self.assertEqual(wrong(proof.fuzz_verdicts(run_of(lines))), [])

    def test_each_kind_of_trouble_fails(self):
        for run in (run_of(self.GOOD[:2]), run_of(self.GOOD, problem="gone"),
                    run_of(self.GOOD, status=1),
                    run_of([*self.GOOD, "unreferenced object 0xffff (size 8):"])):
            with contextlib.redirect_stdout(io.StringIO()):
                found = wrong(proof.fuzz_verdicts(run)) + wrong(run.verdicts())
            self.assertNotEqual(found, [])

    def test_failures_of_allocations_are_counted(self):
        found = {("a.c", 1): ("f", "kmalloc"), ("a.c", 2): ("g", "kzalloc")}
        lines = ["ok 1 - open: 3 allocations fail", "site a.c:1 open -12", "1..1"]
        with mock.patch.object(sites, "EXCUSED", "/nonexistent"):
            verdicts = list(proof.fail_verdicts(run_of(lines), found))
        self.assertEqual(verdicts[0], ("open: 3 allocations fail", None))
        self.assertEqual(verdicts[1], (
            "1 of 2 allocation calls of the source have failed, 0 are excused",
            "not reached: a.c:2: kzalloc() in g()"))


class Gcov(unittest.TestCase):
    def report(self, lines, file="/b/build/tree/drivers/dma-buf/a.c"):
        return json.dumps({"files": [
            {"file": file, "lines": lines},
            {"file": "/b/build/tree/include/linux/slab.h", "lines": [
                {"line_number": 1, "count": 0}]},
            {"file": "drivers/dma-buf/tests/t.c", "lines": [{"line_number": 1, "count": 0}]}]})

    def test_reports_add_up(self):
        counts = {}
        for first, second in (1, 0), (0, 0):
            gcov.add_report(counts, self.report([
                {"line_number": 4, "count": first, "branches": [
                    {"count": first}, {"count": second}, {"count": 0, "throw": True}]},
                {"line_number": 5, "count": second}]))
        self.assertEqual(list(counts), ["a.c"])
        self.assertEqual(counts["a.c"].share(), (1, 2, 1, 2))
        self.assertEqual((counts["a.c"].missed(), counts["a.c"].one_sided()), ([5], [4]))

    def test_too_little_fails(self):
        counts = {}
        gcov.add_report(counts, self.report(
            [{"line_number": number, "count": number > 2} for number in range(1, 22)]))
        with tempfile.TemporaryDirectory() as work:
            path = os.path.join(work, "list")
            lines, branches = gcov.verdicts(counts, path)
            self.assertIn("a.c:1: never: ", read_text(path))
        self.assertIsNotNone(lines[1])
        self.assertIsNone(branches[1])

    def test_a_share_of_nothing_is_all_of_it(self):
        self.assertEqual(gcov.per_cent(0, 0), 100)
        self.assertEqual(gcov.total({}), (0, 0, 0, 0))

    def test_an_object_without_counts_is_a_failure(self):
        with tempfile.TemporaryDirectory() as share, \
                mock.patch.object(objects, "own_objects", return_value={"/x/a.o": "a.c"}), \
                self.assertRaises(Failure):
            gcov.collect("/x", share)


class Kernels(unittest.TestCase):
    def test_only_the_projects_files_are_instrumented(self):
        words = kernel.instruments("coverage")
        self.assertIn("GCOV_PROFILE_dma-buf.o=y", words)
        self.assertIn("GCOV_PROFILE_system_heap.o=y", words)
        self.assertFalse([word for word in words if "test" in word or "mock" in word])

    def test_ordinary_kernels_are_not(self):
        self.assertEqual(kernel.instruments("guest"), [])


class Programs(unittest.TestCase):
    """The programs, built with the project's headers and those of this machine."""

    @classmethod
    def setUpClass(cls):
        out = tempfile.TemporaryDirectory(prefix="fuzz-test.")
        cls.addClassCleanup(out.cleanup)
        headers = os.path.join(out.name, "include")
        os.mkdir(headers)
        os.symlink(os.path.join(REPO, "include/uapi/linux"), os.path.join(headers, "linux"))
        os.symlink(os.path.join(tree.STOCK, "include/uapi/drm"), os.path.join(headers, "drm"))
        done = subprocess.run(["make", "-s", "-C", os.path.join(REPO, "tests/fuzz"),
                               f"OUT={out.name}", f"HEADERS={headers}", "CFLAGS=-O0 -Werror -D__user="],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(done.stderr)
        cls.fuzz = os.path.join(out.name, "dmabuf-fuzz")
        cls.fail_nth = os.path.join(out.name, "dmabuf-fail")

    def test_each_ioctl_of_the_headers_has_its_row(self):
        done = subprocess.run([self.fuzz, "--list"], capture_output=True, text=True, check=True)
        there = {re.sub(r"-large$", "", name) for name in done.stdout.split()}
        wanted = set()
        for name in "dma-buf", "dma-heap", "sync_file", "udmabuf":
            text = read_text(os.path.join(REPO, f"include/uapi/linux/{name}.h"))
            wanted |= set(re.findall(r"#define (\w+)\s+_IO[WR]*\(", text))
        self.assertEqual(wanted - there - {"DMA_BUF_SET_NAME"}, set())

    def test_wrong_use_is_refused(self):
        for program, *words in ((self.fuzz,), (self.fuzz, "--threads", "0", "--calls", "1"),
                                (self.fuzz, "word"), (self.fail_nth, "--seeds", "0"),
                                (self.fail_nth, "--what")):
            done = subprocess.run([program, *words], capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, words)


class Soak(unittest.TestCase):
    def test_wrong_use_is_refused(self):
        for words in (["--minutes", "0"], ["--replay", "/nonexistent"]):
            with self.assertRaises(Refusal):
                soak.main(words)

    def test_the_job_of_the_endurance_run_is_a_script(self):
        done = subprocess.run(["sh", "-n"], input=soak.ENDURANCE, text=True, capture_output=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
