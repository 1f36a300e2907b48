# SPDX-License-Identifier: GPL-2.0-only
"""The BPF iterator and tools/dmabuf, in a guest whose kernel knows BPF and whose buffers we know."""

import json
import os
import re
import shutil

from workshop import kernel, stamps, tree
from workshop.common import BUILD, REPO, read_text
from workshop.guest import Boot
from workshop.overlay import project_files
from workshop.shell import Job

PROGRAMS = os.path.join(BUILD, "dmabuf-tool")
OUT = os.path.join(BUILD, "dmabuf-tool-share")
COMMAND = "tools/dmabuf"
TESTS = "tests/selftests/dmabuf-tool"

# What runs in the guest; each run of the command leaves a file.
JOB = """
iter_test
echo "iter_test: status $?"
cat >/tmp/runs <<'END'
dmabuf --json >/out/all.json || exit 1
for source in bpf debugfs sysfs proc; do
    dmabuf --json --source $source,proc >/out/$source.json || exit 1
done
scene --as 1000 dmabuf --json >/out/plain.json || exit 1
dmabuf --bytes >/out/tables.txt || exit 1
dmabuf --watch 0.1 --exporters >/out/watch.txt &
sleep 2
kill -INT $!
wait $!
END
exec scene /out/facts sh /tmp/runs
"""

KIB = 1024
# What scene.c makes: size in KiB and exporter.
SCENE = {
    "frame": (1024, "udmabuf"),
    "imported": (256, "system"),
    "mapped": (64, "system"),
    "plain": (4, "system"),
    "evil": (4, "system"),
}
EVIL_NAME = '"a\\b"\nsize:\t1\n\x1b[2J\u00e9\ufffd'
EVIL_PRINTED = r'"a\134b"\012size:\0111\012\033[2J\303\251\377'


def programs(output):
    """Builds what the guest runs, static, with the headers of the kernel in output."""
    wanted = [os.path.join(PROGRAMS, name) for name in ("dmabuf", "iter_test", "scene")]
    parts = [part for path, source in sorted(project_files(REPO).items())
             if path.startswith(("tools/", f"drivers/dma-buf/{TESTS}/", "include/uapi/"))
             for part in (path, ("file", source))]
    key = stamps.key_of(*parts)
    if not stamps.fresh("dmabuf-tool", key, *wanted):
        stamps.forget("dmabuf-tool")
        shutil.rmtree(PROGRAMS, ignore_errors=True)
        Job("building the command and its tests", "dmabuf-tool-build.log").run(
            ["make", "-C", tree.TREE, f"O={output}", "ARCH=x86_64", "-s", "headers"],
            ["make", "-C", os.path.join(REPO, COMMAND), f"OUT={PROGRAMS}", "STATIC=1", "BPF=1"],
            ["make", "-C", os.path.join(REPO, TESTS), f"OUT={PROGRAMS}",
             f"HEADERS={output}/usr/include"])
        stamps.seal("dmabuf-tool", key)
    return wanted


class Facts:
    """What scene.c says that it made, and what one run of the command says about it."""

    def __init__(self, name):
        lines = (read_text(os.path.join(OUT, "facts")) or "").splitlines()
        self.facts = {key: int(value) for key, _, value in
                      (line.rpartition(" ") for line in lines)}
        with open(os.path.join(OUT, name + ".json"), encoding="utf-8") as file:
            self.said = json.load(file)
        self.buffers = {buffer["inode"]: buffer for buffer in self.said["buffers"]}

    def buffer(self, name):
        return self.buffers[self.facts["inode." + name]]

    def known(self):
        """{what scene.c calls it: size and exporter} of all that the command lists."""
        names = {value: key.removeprefix("inode.") for key, value in self.facts.items()
                 if key.startswith("inode.")}
        return {names.get(inode, inode): (buffer["size"], buffer["exporter"])
                for inode, buffer in self.buffers.items()}

    def holders(self, name):
        """{command: (descriptors, mappings, bytes mapped)}, pids checked on the way."""
        holders = {}
        for holder in self.buffer(name)["holders"]:
            command = holder["command"]
            if holder["pid"] != self.facts["pid." + command]:
                command += " with another pid"
            holders[command] = (len(holder["fds"]), holder["mappings"], holder["mapped"])
        return holders

    def states(self):
        return {name: source["state"] for name, source in self.said["sources"].items()}


def expected(got, wanted):
    """Nothing, or what is wrong."""
    return None if got == wanted else f"{got!r} instead of {wanted!r}"


WHOLE = {name: (size * KIB, exporter) for name, (size, exporter) in SCENE.items()}
TOTAL = sum(size for size, _ in WHOLE.values())


def everything():
    """What root sees, with all sources."""
    run = Facts("all")
    said = run.said
    yield "root is shown all buffers", expected(run.known(), WHOLE)
    yield "and told from where", expected(
        run.states(), {"bpf": "used", "debugfs": "used", "sysfs": "unasked", "proc": "used"})
    yield "and that this is all", expected((said["all_buffers"], said["all_processes"]),
                                           (True, True))
    yield "a buffer that two processes share has both", expected(
        run.holders("frame"), {"painter": (2, 0, 0), "viewer": (1, 0, 0)})
    yield "a buffer that is mapped, without a descriptor, has its process", expected(
        run.holders("mapped"), {"mapper": (0, 2, 80 * KIB)})
    imported = run.buffer("imported")
    yield "a buffer that only a driver has is the kernel's, and on its device", expected(
        (imported["holders"], imported["kernel_only"], imported["devices"]), ([], True, ["vgem"]))
    yield "a pending fence is counted", expected(
        [run.buffer(name)["fences"] for name in ("evil", "frame")],
        [{"total": 1, "pending": 1}, {"total": 0, "pending": 0}])
    yield "names are exact", expected([run.buffer(name)["name"] for name in
                                       ("frame", "evil", "plain")], ["frame", EVIL_NAME, None])
    yield "the total counts each buffer once", expected(
        said["total"], {"buffers": 5, "size": TOTAL, "unsized": 0,
                        "kernel_only": {"buffers": 1, "size": 256 * KIB}})
    sums = {row["command"]: (row["size"], row["share"]) for row in said["processes"]}
    yield "those who share a buffer have a part each", expected(
        [sums.get(name) for name in ("painter", "viewer", "mapper")],
        [(1024 * KIB, 512 * KIB), (1024 * KIB, 512 * KIB), (64 * KIB, 64 * KIB)])
    yield "the parts add up to the whole", expected(
        sum(share for _, share in sums.values()) + 256 * KIB, TOTAL)
    yield "exporters have their sums", expected(
        said["exporters"], [{"exporter": "udmabuf", "buffers": 1, "size": 1024 * KIB},
                            {"exporter": "system", "buffers": 4, "size": 328 * KIB}])


def each_source():
    """What each source can tell without the others."""
    for source in "bpf", "debugfs", "sysfs":
        run = Facts(source)
        yield f"{source} alone lists all buffers", expected(run.known(), WHOLE)
        yield f"{source} alone knows what the kernel holds", expected(
            [name for name in SCENE if run.buffer(name)["kernel_only"]], ["imported"])
        yield f"{source} alone tells devices only if it can", expected(
            run.buffer("imported")["devices"], ["vgem"] if source == "debugfs" else None)
    run = Facts("proc")
    wanted = {name: value for name, value in WHOLE.items() if name != "imported"}
    wanted["mapped"] = (None, None)
    yield "without a list there is what processes hold", expected(run.known(), wanted)
    yield "and that there may be more is told", expected(
        (run.said["all_buffers"], run.said["total"]["unsized"]), (False, 1))


def unprivileged():
    """What a user sees."""
    run = Facts("plain")
    yield "a user sees what sysfs shows to everybody", expected(run.known(), WHOLE)
    yield "and the holders that are the user's own", expected(
        {name: list(run.holders(name)) for name in SCENE if run.buffer(name)["holders"]},
        {"plain": ["some\x1bbody"]})
    yield "and is told what could not be read", expected(
        run.states(), {"bpf": "failed", "debugfs": "failed", "sysfs": "used", "proc": "used"})
    yield "and not that the kernel holds the rest", expected(
        (run.said["all_processes"], {run.buffer(name)["kernel_only"] for name in SCENE
                                     if name != "plain"}), (False, {None}))


def printed():
    """The tables."""
    with open(os.path.join(OUT, "tables.txt"), encoding="ascii") as file:
        text = file.read()
    inode = Facts("all").facts["inode.frame"]
    yield "tables show a known buffer", None if re.search(
        rf"^ *{inode} +1048576  udmabuf +- +0/0 +\d+  painter +\d+,\d+ +-  frame$", text, re.M) \
        else f"no line of inode {inode} in {text!r}"
    yield "tables hold only printable characters", expected(
        re.sub(r"[ -~\n]", "", text), "")
    yield "a name cannot forge a line", None if EVIL_PRINTED + "\n" in text and \
        not re.search(r"^size:", text, re.M) else f"in {text!r}"
    pictures = (read_text(os.path.join(OUT, "watch.txt")) or "").count("5 buffers, 1.3 MiB")
    yield "--watch prints again and again", None if pictures > 2 else f"{pictures} times"


def tap(lines):
    """The verdicts of iter_test."""
    tests = [match.groups() for match in
             (re.match(r"(ok|not ok) \d+ (.*)", line) for line in lines) if match]
    for verdict, name in tests:
        yield name, None if verdict == "ok" else "not so"
    yield f"iter_test comes to its end after {len(tests)} tests", None if \
        f"1..{len(tests)}" in lines and "iter_test: status 0" in lines else "see the guest's output"


def verdicts(source_key):
    """Builds, boots and looks; yields (guarantee, None or what is wrong)."""
    vmlinux, _ = kernel.build("guest", source_key)
    binaries = programs(os.path.dirname(vmlinux))
    shutil.rmtree(OUT, ignore_errors=True)
    boot = Boot("dmabuf-tool", vmlinux, JOB, OUT, binaries)
    yield from tap(boot.lines)
    yield "all runs of the command end well", boot.problem or (
        f"status {boot.status}: see {boot.output}" if boot.status else None)
    alarms = boot.alarms()
    yield "the kernel's log holds no warning", \
        f"{len(alarms)} in {boot.kernel_log}: {alarms[0]}" if alarms else None
    if boot.status == 0:
        for look in everything, each_source, unprivileged, printed:
            yield from look()
