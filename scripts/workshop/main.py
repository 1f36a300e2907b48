# SPDX-License-Identifier: GPL-2.0-only
"""Entry of every command: main.py NAME ARGS... runs NAME.main(ARGS)."""

import importlib
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from workshop.common import Failure, Refusal, say  # noqa: E402


def terminated(signum, _frame):
    raise SystemExit(128 + signum)


def run(name, argv):
    signal.signal(signal.SIGTERM, terminated)
    signal.signal(signal.SIGHUP, terminated)
    try:
        return importlib.import_module("workshop." + name).main(argv)
    except Refusal as reason:
        say(f"{name}: {reason}", error=True)
        return 2
    except Failure as reason:
        say(f"{name}: {reason}", error=True)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        say(f"{name}: interrupted", error=True)
        return 130


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
