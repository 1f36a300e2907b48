# SPDX-License-Identifier: GPL-2.0-only
"""What tools/dmabuf makes of recorded systems, and how it treats its caller; needs no kernel."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SOURCE = os.path.join(REPO, "tools/dmabuf")

HEAD = "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n"


def setUpModule():
    """The command, built once, without what libbpf would find on this machine."""
    global COMMAND
    out = tempfile.mkdtemp(prefix="dmabuf-tool.")
    unittest.addModuleCleanup(shutil.rmtree, out)
    subprocess.run(["make", "-s", "-C", SOURCE, f"OUT={out}", "BPF=0", "CFLAGS=-O1 -g -Werror"],
                   check=True)
    COMMAND = os.path.join(out, "dmabuf")


def row(inode, size, exporter="system", name="<none>", below="", devices=()):
    """What bufinfo says about a buffer."""
    lines = "".join(f"\t{device}\n" for device in devices)
    return (f"{size:08}\t00000002\t000a801f\t00000001\t{exporter}\t{inode:08}\t{name}\n{below}"
            f"\tAttached Devices:\n{lines}Total {len(devices)} devices attached\n\n")


class Recorded(unittest.TestCase):
    """A directory that looks like the /proc and /sys of a system."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="dmabuf-root.")
        self.addCleanup(shutil.rmtree, self.root)
        self.process(1, "init")

    def file(self, path, data):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)

    def process(self, pid, command, fds=(), maps=""):
        """fds: {number: (path, fdinfo)}"""
        self.file(f"proc/{pid}/comm", command + "\n")
        self.file(f"proc/{pid}/maps", maps)
        os.makedirs(os.path.join(self.root, f"proc/{pid}/fd"), exist_ok=True)
        for fd, (path, fdinfo) in dict(fds).items():
            os.symlink(path, os.path.join(self.root, f"proc/{pid}/fd/{fd}"))
            self.file(f"proc/{pid}/fdinfo/{fd}", fdinfo)

    def bufinfo(self, *rows):
        total = sum(int(text.split("\t")[0]) for text in rows)
        self.file("sys/kernel/debug/dma_buf/bufinfo",
                  HEAD + "".join(rows) + f"\nTotal {len(rows)} objects, {total} bytes\n")

    def run_command(self, *words, status=0):
        done = subprocess.run([COMMAND, "--root", self.root, *words], capture_output=True,
                              check=False, timeout=20)
        self.assertEqual(done.returncode, status, done)
        return done.stdout.decode()

    def json(self, *words):
        return json.loads(self.run_command("--json", *words))


def fdinfo(inode, size, exporter="system", name=None):
    text = (f"pos:\t0\nflags:\t02000002\nmnt_id:\t12\nino:\t{inode}\nsize:\t{size}\n"
            f"count:\t1\nexp_name:\t{exporter}\n")
    return text + ("" if name is None else f"name:\t{name}\n")


def mapping(inode, length, path="/dmabuf:", device="00:09"):
    return f"7f0000000000-{0x7f0000000000 + length:x} rw-s 00000000 {device} {inode}     {path}\n"


class Picture(Recorded):
    def test_a_system_without_buffers_is_no_error(self):
        self.assertEqual(self.json()["total"]["buffers"], 0)
        self.assertIn("0 buffers, 0 B", self.run_command())

    def test_a_buffer_is_one_wherever_it_is_seen(self):
        self.process(7, "app", {3: ("/dmabuf:", fdinfo(5, 8192)), 9: ("/dmabuf:",
                                                                      fdinfo(5, 8192))},
                     mapping(5, 4096) + mapping(5, 8192))
        self.bufinfo(row(5, 8192))
        picture = self.json()
        self.assertEqual(len(picture["buffers"]), 1)
        self.assertEqual(picture["buffers"][0]["holders"], [
            {"pid": 7, "command": "app", "fds": [3, 9], "mappings": 2, "mapped": 12288}])
        self.assertEqual(picture["total"]["size"], 8192)

    def test_fences_and_devices_come_from_bufinfo(self):
        self.bufinfo(row(5, 4096, below="\twrite fence:sw_sync tl seq 1 unsignalled\n"
                                        "\tread fence:drv tl seq 7 signalled\n",
                         devices=("vgem", "0000:00:02.0")), row(6, 4096))
        first, second = self.json()["buffers"]
        self.assertEqual(first["fences"], {"total": 2, "pending": 1})
        self.assertEqual(first["devices"], ["vgem", "0000:00:02.0"])
        self.assertEqual((second["fences"]["total"], second["devices"]), (0, []))

    def test_what_is_not_known_is_null(self):
        self.process(7, "app", maps=mapping(5, 4096))
        buffer = self.json()["buffers"][0]
        self.assertEqual([buffer[key] for key in ("size", "exporter", "name", "devices", "fences")],
                         [None] * 5)
        self.assertEqual(self.json()["total"]["unsized"], 1)

    def test_shares_add_up(self):
        for pid in 7, 8, 9:
            self.process(pid, f"app{pid}", {3: ("/dmabuf:", fdinfo(5, 1000))})
        picture = self.json()
        self.assertEqual([row["share"] for row in picture["processes"]], [334, 333, 333])
        self.assertNotRegex(self.run_command(), r"(?m) $")
        self.assertEqual([row["size"] for row in picture["processes"]], [1000] * 3)
        self.assertEqual(picture["total"]["size"], 1000)

    def test_exporters_are_summed(self):
        self.bufinfo(row(5, 100, "a"), row(6, 50, "b"), row(7, 10, "a"), row(8, 500, "b"))
        self.assertEqual(self.json()["exporters"], [
            {"exporter": "b", "buffers": 2, "size": 550},
            {"exporter": "a", "buffers": 2, "size": 110}])

    def test_the_kernel_has_what_no_process_has(self):
        self.bufinfo(row(5, 4096))
        self.assertEqual(self.json()["buffers"][0]["kernel_only"], True)
        self.assertRegex(self.run_command("-b"), r"(?m)^ +5 .* -  \(kernel\) +- +-  -$")

    def test_many_buffers(self):
        self.bufinfo(*(row(number, 4096) for number in range(1, 5001)))
        picture = self.json()
        self.assertEqual(sorted(buffer["inode"] for buffer in picture["buffers"]),
                         list(range(1, 5001)))

    def test_a_large_buffer_comes_first(self):
        self.bufinfo(row(5, 10), row(6, 1 << 40), row(7, 1000))
        self.assertEqual([buffer["inode"] for buffer in self.json()["buffers"]], [6, 7, 5])
        self.assertIn("1.0 TiB", self.run_command("-b"))
        self.assertIn(str(1 << 40), self.run_command("-b", "-B"))

    def test_sysfs_serves_where_debugfs_does_not(self):
        self.file("sys/kernel/dmabuf/buffers/5/size", "4096\n")
        self.file("sys/kernel/dmabuf/buffers/5/exporter_name", "system\n")
        picture = self.json()
        self.assertEqual(picture["sources"]["sysfs"]["state"], "used")
        self.assertEqual(picture["buffers"][0]["size"], 4096)
        self.assertEqual(self.json("-s", "proc")["buffers"], [])


class Deception(Recorded):
    """Names are given by whoever likes to."""

    def test_escapes_of_the_kernel_are_undone_for_json_and_kept_in_tables(self):
        self.process(7, "app", {3: (r"/dmabuf:a\012b", fdinfo(5, 4096, name=r"a\012\134b"))})
        self.assertEqual(self.json()["buffers"][0]["name"], "a\n\\b")
        self.assertIn(r"a\012\134b", self.run_command())

    def test_a_name_that_is_not_escaped_adds_nothing_to_fdinfo(self):
        name = "x\nsize:\t1\nexp_name:\tforged"
        self.process(7, "app", {3: ("/dmabuf:x", fdinfo(5, 4096, name=name))})
        buffer = self.json()["buffers"][0]
        self.assertEqual((buffer["size"], buffer["exporter"], buffer["name"]),
                         (4096, "system", name))

    def test_a_forged_row_of_bufinfo_is_noticed(self):
        text = row(5, 4096, name="x\n00000001\t0\t0\t1\tforged\t00000006\ty")
        self.file("sys/kernel/debug/dma_buf/bufinfo",
                  HEAD + text + "\nTotal 1 objects, 4096 bytes\n")
        self.assertIn("total", self.json()["sources"]["debugfs"]["detail"])

    def test_an_ordinary_file_called_dmabuf_is_none(self):
        ordinary = "pos:\t0\nflags:\t02\nmnt_id:\t1\nino:\t5\n"
        self.process(7, "app", {3: ("/dmabuf:x", ordinary)},
                     mapping(5, 4096, "/dmabuf:x", "08:01"))
        self.assertEqual(self.json()["buffers"], [])

    def test_bytes_that_are_no_text_become_replacements(self):
        self.file("sys/kernel/debug/dma_buf/bufinfo",
                  HEAD.encode() + row(5, 1, name="NAME").encode().replace(
                      b"NAME", b"\\303\\251\xc3\xa9\xff\xe2\x82\xed\xa0\x80") +
                  b"\nTotal 1 objects, 1 bytes\n")
        self.assertEqual(self.json()["buffers"][0]["name"], "\u00e9\u00e9" + 6 * "\ufffd")
        self.assertEqual(re.sub(r"[ -~\n]", "", self.run_command()), "")

    def test_a_command_with_escapes_is_printed_safely(self):
        self.process(7, "\x1b[2J", {3: ("/dmabuf:", fdinfo(5, 1))})
        self.assertIn(r"\033[2J", self.run_command())


class Caller(Recorded):
    def test_help(self):
        self.assertIn("usage: dmabuf", self.run_command("--help"))

    def test_sections(self):
        self.bufinfo(row(5, 4096))
        heads = {"-b": "INODE", "-p": "SHARE", "-e": "EXPORTER  BUFFERS"}
        for option in heads:
            text = self.run_command(option)
            self.assertEqual([head in text for head in heads.values()],
                             [head == option for head in heads])

    def test_wrong_use_is_refused(self):
        for words in (["-x"], ["word"], ["--json", "-b"], ["--json", "--watch"],
                      ["--watch=never"], ["--watch", "0"], ["--watch=nan"], ["--watch=1e9"],
                      ["--source", "nowhere"], ["--source", ""], ["--source"]):
            self.assertEqual(self.run_command(*words, status=2), "")

    def test_nothing_to_read_is_an_error(self):
        shutil.rmtree(os.path.join(self.root, "proc"))
        self.assertEqual(self.run_command(status=1), "")

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([COMMAND, "--root", self.root], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)

    def test_what_may_not_be_read_is_said(self):
        self.process(7, "mine", {3: ("/dmabuf:", fdinfo(5, 4096))})
        self.process(8, "theirs", {3: ("/dmabuf:", fdinfo(6, 4096))})
        self.bufinfo(row(5, 4096), row(6, 4096))
        for path in "proc/8/fd", "sys/kernel/debug":
            path = os.path.join(self.root, path)
            os.chmod(path, 0)
            self.addCleanup(os.chmod, path, 0o700)
        os.chmod(self.root, 0o755)
        os.chmod(os.path.dirname(COMMAND), 0o755)
        # Modes do not keep root from anything.
        nobody = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        done = subprocess.run([COMMAND, "--root", self.root, "-j"], stdout=subprocess.PIPE,
                              check=True, **nobody)
        picture = json.loads(done.stdout)
        self.assertEqual([buffer["inode"] for buffer in picture["buffers"]], [5])
        self.assertEqual((picture["all_buffers"], picture["all_processes"]), (False, False))
        self.assertIn("Permission denied", picture["sources"]["debugfs"]["detail"])
        self.assertIn("1 more may not be read", picture["sources"]["proc"]["detail"])


class Terminal(Recorded):
    """--watch on a terminal of 40 columns and 10 lines."""

    def watch(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        subprocess.run(["stty", "cols", "40", "rows", "10"], stdin=slave, check=True)
        process = subprocess.Popen([COMMAND, "--root", self.root, "--watch", "0.1"],
                                   stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        data, end = b"", time.monotonic() + 15
        while data.count(b"\x1b[H") < 3 and time.monotonic() < end:
            if select.select([master], [], [], 1)[0]:
                data += os.read(master, 65536)
        process.send_signal(signal.SIGINT)
        while True:
            try:
                more = os.read(master, 65536)
            except OSError:
                break
            if not more:
                break
            data += more
        return process.wait(10), data

    def test_refreshes_in_place_and_gives_the_terminal_back(self):
        self.bufinfo(*(row(number, 4096) for number in range(1, 50)))
        status, data = self.watch()
        self.assertEqual(status, 0)
        pictures = data.split(b"\x1b[H")[1:]
        self.assertGreaterEqual(len(pictures), 3)
        lines = pictures[1].replace(b"\r", b"").split(b"\n")
        self.assertEqual(len(lines), 10)
        for line in lines:
            self.assertLessEqual(len(re.sub(rb"\x1b\[\??\d*[A-Za-z]", b"", line)), 40)
        self.assertTrue(data.startswith(b"\x1b[?1049h"))
        self.assertTrue(data.endswith(b"\x1b[?1049l"))


class Manual(unittest.TestCase):
    PAGE = os.path.join(SOURCE, "dmabuf.1")

    def test_page_is_well_formed(self):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", self.PAGE],
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_page_has_every_option(self):
        text = subprocess.run([COMMAND, "--help"], capture_output=True, check=True).stdout.decode()
        with open(self.PAGE, encoding="utf-8") as file:
            page = file.read().replace("\\-", "-")
        options = set(re.findall(r"--\w+", text))
        self.assertEqual({option for option in options if option not in page}, set())
        self.assertGreaterEqual(len(options), 9)
