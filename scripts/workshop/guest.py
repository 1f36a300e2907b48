# SPDX-License-Identifier: GPL-2.0-only
"""Boots a kernel in QEMU, runs a job in it, brings back its output and the kernel's log."""

import glob
import os
import re
import stat
import subprocess
import time

from workshop import log, stamps
from workshop.common import BUILD, REPO, Failure, read_text, say, write_text
from workshop.shell import LOGS, Clock, Timeout, stream

QEMU = "qemu-system-x86_64"
INIT = os.path.join(REPO, "scripts/guest/init")
CPUS = 2
PROBE_SECONDS = 25
ACCELERATORS = {
    "kvm": ("-accel", "kvm", "-cpu", "host"),
    "tcg": ("-accel", "tcg,thread=multi", "-cpu", "max"),
}


class Archive:
    """A cpio archive as the kernel reads it for its first root directory."""

    def __init__(self):
        self.blocks = []
        self.names = set()

    def add(self, name, mode, data=b"", device=(0, 0)):
        parent = os.path.dirname(name)
        if parent and parent not in self.names:
            self.add(parent, stat.S_IFDIR | 0o755)
        self.names.add(name)
        head = "070701" + "".join(f"{field:08x}" for field in (
            len(self.names), mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0))
        entry = head.encode() + name.encode() + b"\0"
        self.blocks += [entry, b"\0" * (-len(entry) % 4), data, b"\0" * (-len(data) % 4)]

    def add_file(self, name, source):
        with open(source, "rb") as file:
            self.add(name, stat.S_IFREG | 0o755, file.read())

    def bytes(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.blocks)


def busybox():
    """Debian's statically linked busybox."""
    for path in ("/usr/bin/busybox", "/bin/busybox"):
        if os.path.exists(path):
            return path
    raise Failure("there is no busybox: install busybox-static")


def initramfs(programs, libraries=(), init=INIT):
    """Writes the guest's root directory: programs go to its /bin, libraries where the host's are."""
    archive = Archive()
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add_file("init", init)
    archive.add_file("bin/busybox", busybox())
    archive.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    for program in programs:
        archive.add_file("bin/" + os.path.basename(program), program)
    for library in libraries:
        archive.add_file(library.lstrip("/"), library)
    data = archive.bytes()
    path = os.path.join(BUILD, f"initramfs-{stamps.key_of(data)[:16]}.cpio")
    if not os.path.exists(path):
        for old in glob.glob(os.path.join(BUILD, "initramfs-*.cpio")):
            if os.path.getmtime(old) < time.time() - 86400:
                os.unlink(old)
        with open(path + ".tmp", "wb") as file:
            file.write(data)
        os.replace(path + ".tmp", path)
    return path


def command(accelerator, vmlinux, root, kernel_log, share=None, words="", memory="1G",
            cpus=CPUS, devices=()):
    """The QEMU command line: kernel's console to a file, programs' to our stdout."""
    line = [QEMU, *ACCELERATORS[accelerator], "-machine", "q35", "-smp", str(cpus), "-m", memory,
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-serial", f"file:{kernel_log}", "-serial", "stdio",
            "-kernel", vmlinux, "-initrd", root,
            "-append", f"console=ttyS0 panic=-1 oops=panic {words}".strip()]
    if share:
        line += ["-fsdev", f"local,id=share,path={share},security_model=none",
                 "-device", "virtio-9p-pci,fsdev=share,mount_tag=share"]
    return [*line, *devices]


def kvm_works(vmlinux):
    """Whether a kernel really comes up with KVM, remembered until the next boot of the host."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    version = subprocess.run([QEMU, "--version"], capture_output=True, check=False).stdout
    key = stamps.key_of(read_text("/proc/sys/kernel/random/boot_id", ""), version)
    verdict = read_text(stamps.path_of("kvm"), "").split()
    if verdict[:1] == [key]:
        return verdict[1] == "works"
    say("  trying KVM ...")
    seen = []
    os.makedirs(LOGS, exist_ok=True)
    try:
        stream(command("kvm", vmlinux, initramfs([]), os.path.join(LOGS, "kvm-probe.log"),
                       words="workshop.probe kunit.enable=0"),
               lambda line: seen.append(line.startswith("guest: up")), PROBE_SECONDS)
    except Timeout:
        pass
    verdict = "works" if any(seen) else "fails"
    say(f"  KVM {verdict} here" + ("" if any(seen) else ": software emulation instead"))
    write_text(stamps.path_of("kvm"), f"{key} {verdict}\n")
    return any(seen)


def sections(lines):
    """What a job printed for each part of it: {name: (lines, status)}.

    A part begins with `== NAME` and ends with `== status N`, which is None when it is missing.
    """
    found = {}
    current = None
    for text in lines:
        status = re.fullmatch(r"== status (\d+)", text)
        start = re.fullmatch(r"== (\S+)", text)
        if status and current:
            found[current] = found[current][0], int(status.group(1))
            current = None
        elif start:
            current = start.group(1)
            found[current] = [], None
        elif current:
            found[current][0].append(text)
    return found


class Boot:
    """One run of the guest: status of its job, lines of its programs, alarms of its kernel."""

    def __init__(self, name, vmlinux, job, share, programs=(), libraries=(), words="",
                 limit=600, accelerator="auto", on_line=None, memory="1G", cpus=CPUS, devices=()):
        self.name = name
        self.status = None
        self.lines = []
        self.kernel_log = os.path.join(LOGS, f"{name}-kernel.log")
        self.output = os.path.join(LOGS, f"{name}-output.log")
        self.on_line = on_line
        self.problem = None
        self.record = self.clock = None
        if accelerator == "auto":
            accelerator = "kvm" if kvm_works(vmlinux) else "tcg"
        root = initramfs(programs, libraries)
        machine = {"words": words, "memory": memory, "cpus": cpus, "devices": devices}
        self._run(accelerator, vmlinux, job, os.path.abspath(share), root, limit, machine)

    def _line(self, line):
        status = re.match(r"guest: status (\d+)$", line)
        if status:
            self.status = int(status.group(1))
        elif line == "guest: up":
            say(f"  {self.name}: the guest is up after {self.clock.passed()}")
        else:
            self.lines.append(line)
            print(line, file=self.record, flush=True)
            if self.on_line:
                self.on_line(line)

    def _run(self, accelerator, vmlinux, job, share, root, limit, machine):
        os.makedirs(LOGS, exist_ok=True)
        os.makedirs(share, exist_ok=True)
        write_text(os.path.join(share, "job"), job)
        write_text(self.kernel_log, "")
        say(f"  {self.name}: booting with {accelerator.upper()}, {machine['cpus']} CPUs ...")
        self.clock = Clock(self.name, lambda: f", {len(self.lines)} lines")
        tick = (lambda: None) if self.on_line else self.clock.tick
        try:
            with open(self.output, "w", encoding="utf-8") as self.record:
                stream(command(accelerator, vmlinux, root, self.kernel_log, share, **machine),
                       self._line, limit, tick=tick)
        except Timeout as reason:
            self.problem = str(reason)
        except FileNotFoundError as reason:
            raise Failure(str(reason)) from None
        finally:
            os.unlink(os.path.join(share, "job"))
        if self.status is None and not self.problem:
            self.problem = f"the guest ended early; its last words: {self.last_words()}"

    def log(self):
        return read_text(self.kernel_log, "")

    def last_words(self):
        text = self.log().strip().splitlines() or self.lines
        return text[-1].strip() if text else "none"

    def alarms(self):
        """What is wrong with the kernel's log; an empty log is wrong as well."""
        text = self.log()
        if "Linux version 6.12" not in text:
            return ["the kernel's log is empty"]
        return log.alarms(text)
