# SPDX-License-Identifier: GPL-2.0-only
"""Runs other programs: output by the line, time limits, progress for the patient."""

import os
import re
import selectors
import signal
import subprocess
import time

from workshop.common import BUILD, REPO, Failure, say

LOGS = os.path.join(BUILD, "logs")
PROGRESS_SECONDS = 20


class Timeout(Failure):
    """A program did not end within its time limit."""


def minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def environment():
    """Ours, with a ccache that does not care where the repository lies."""
    return dict(os.environ, CCACHE_BASEDIR=REPO, CCACHE_NOHASHDIR="1", LC_ALL="C.UTF-8")


def stop(process):
    """Ends a program and all that it started.

    The program is buried last: until then nobody else can get its number, which is also
    that of its group.
    """
    for number, patience in (signal.SIGTERM, 5), (signal.SIGKILL, None):
        if process.returncode is None:
            os.killpg(process.pid, number)
            over(process, patience)
    process.wait()


def over(process, patience):
    """Waits for a program's end, at most so many seconds, and leaves its status to be fetched."""
    end = time.monotonic() + patience if patience else None
    while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        if end and time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def lines_of(fd, process, limit, tick):
    """Yields the program's lines; fails when the limit, in seconds, is over."""
    end = time.monotonic() + limit if limit else None
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            if end and time.monotonic() > end:
                raise Timeout(f"not done after {minutes(limit)} minutes, stopped")
            if not selector.select(1):
                tick()
                if over(process, 0.01):
                    break
                continue
            data = os.read(fd, 65536)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r")
            tick()
    if rest:
        yield rest.decode(errors="replace")


def stream(argv, on_line, limit=None, cwd=None, env=None, tick=lambda: None):
    """Runs a program, hands each line of its output on, returns its status."""
    process = subprocess.Popen(argv, cwd=cwd, env=env or environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        for line in lines_of(process.stdout.fileno(), process, limit, tick):
            on_line(line)
        if not over(process, 10):
            raise Timeout(f"{argv[0]} closed its output and did not end")
    finally:
        stop(process)
        process.stdout.close()
    return process.returncode


class Clock:
    """Tells the reader now and then that something long goes on."""

    def __init__(self, title, note=lambda: ""):
        self.title = title
        self.note = note
        self.begin = self.told = time.monotonic()

    def passed(self):
        return minutes(time.monotonic() - self.begin)

    def tick(self):
        if time.monotonic() - self.told >= PROGRESS_SECONDS:
            self.told = time.monotonic()
            say(f"  {self.title}: {self.passed()}{self.note()}")


class Job:
    """A long step: its output goes to a log, its progress to the reader."""

    def __init__(self, title, log, counted=r"^\s+(CC|LD|AR|AS|HOSTCC)\b"):
        self.title = title
        self.log = os.path.join(LOGS, log)
        self.counted = re.compile(counted)
        self.count = 0
        self.tail = []
        self.clock = Clock(title, lambda: f", {self.count} objects" if self.count else "")

    def run(self, *commands, cwd=None, env=None, limit=None):
        """Runs the commands in turn; fails, with the end of the log, when one does."""
        os.makedirs(LOGS, exist_ok=True)
        say(f"  {self.title} ...")
        with open(self.log, "w", encoding="utf-8") as file:
            def on_line(line):
                file.write(line + "\n")
                file.flush()
                self.tail = [*self.tail[-19:], line]
                self.count += bool(self.counted.search(line))

            for argv in commands:
                file.write(f"+ {' '.join(argv)}\n")
                try:
                    status = stream(argv, on_line, limit, cwd, env, self.clock.tick)
                except FileNotFoundError as reason:
                    raise Failure(f"{self.title}: {reason}") from None
                if status:
                    say("\n".join("    " + line for line in self.tail))
                    raise Failure(f"{self.title}: {argv[0]} ended with {status}; "
                                  f"the whole log: {self.log}")
        say(f"  {self.title}: done in {self.clock.passed()}")
