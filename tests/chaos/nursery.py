"""Starts the project's processes quickly: everything is imported once, and each start is a fork that runs `zhiban`'s own main.

Orders come as lines of JSON on standard input ({"arguments": ["clock"], "log": path}); the answer is the new process's id. An order
may name functions to call first (`before`: [["module:function", value, ...], ...]) and one to run instead of `zhiban` (`call`). When the
input closes, whatever still runs is killed. Surprise: nothing is opened before the fork, so a child is as fresh as a new process.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
import traceback

PR_SET_PDEATHSIG = 1


def main() -> None:
    import gunicorn.app.base
    import gunicorn.workers.gthread  # noqa: F401

    import service.scheduler  # noqa: F401
    import tests.chaos.hands  # noqa: F401
    import webui.app
    import webui.cli  # noqa: F401  (loaded here, once, for all children)

    print("ready", flush=True)
    children = set()
    for line in sys.stdin:
        _bury(children)
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
        children.add(child)
        print(child, flush=True)
    _bury(children)
    for child in children:
        os.kill(child, signal.SIGKILL)


def named(name: str):
    """The function that "module:function" names."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _bury(children: set[int]) -> None:
    """Take the dead off the list; only those that still run are ever signalled."""
    for child in list(children):
        if os.waitpid(child, os.WNOHANG)[0] == child:
            children.discard(child)


def _become(order: dict) -> None:
    code = 1
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, target in ((0, nothing), (1, log), (2, log)):
            os.dup2(target, number)
        os.setsid()
        for name, *values in order.get("before", ()):
            named(name)(*values)
        if "call" in order:
            name, *values = order["call"]
            code = named(name)(*values)
        else:
            from webui.cli import main as zhiban

            code = zhiban(order["arguments"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it was, this process must not go on as a second nursery
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    main()
