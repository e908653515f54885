"""The parent's side of the sandbox: a few child processes, each serving one request at a time.

Threads share the children; a function of ours that evaluates again gets another child. After a fork the new process
forgets its parent's children and starts its own. A child that ran into a limit is replaced by the next request.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from engine.feel import values

CPU_MILLISECONDS = 100  # one request
READ_CPU_MILLISECONDS = 300  # reading a text for the first time, and checking one
LOAD_CPU_MILLISECONDS = 5_000  # reading a decision model: hundreds of cells are parsed
WALL_SECONDS = 0.8
START_SECONDS = 20
CHILDREN = 4
KNOWN_BY_A_CHILD = (
    100  # decision models and function sets; a child that knows more is replaced, so that it cannot grow for ever
)

BUNDLE = Path(__file__).with_name("bundle.js")
CHILD = Path(__file__).with_name("child.py")


class Stopped(Exception):
    """A request was stopped. `why` is time, memory or depth."""

    def __init__(self, why: str):
        self.why = why
        super().__init__(why)


class _Died(Exception):
    """The child is gone for a reason that is not the request's: try again with a fresh one."""


class _Child:
    def __init__(self):
        self.known: set = set()  # what was prepared in it: function sets, decision models
        self._rest = b""
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CHILD), _quickjs_folder(), str(_bundle())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={},
            close_fds=True,
        )
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN | select.POLLHUP)
        try:
            self._line(START_SECONDS)
        except (_Died, TimeoutError) as error:
            self.end()
            raise RuntimeError(
                "The FEEL sandbox does not start. Run `make setup`; `zhiban doctor` says more."
            ) from error

    def request(self, request: bytes, milliseconds: int, answer: Callable[[dict], bytes]) -> dict:
        """The reply to one request. Raises Stopped, or _Died if the child was already gone."""
        self._send(b"%d %b\n" % (milliseconds, request))
        patience = max(WALL_SECONDS, 2 * milliseconds / 1000)  # our functions do not count
        worked = self._cpu_seconds()
        while True:
            began = time.monotonic()
            line = self._line_or_stopped(patience, worked)
            if not line.startswith(b"?"):
                break
            patience -= time.monotonic() - began
            self._send(answer(values.loads(line[1:])) + b"\n")
        reply = values.loads(line)
        if "l" in reply:
            raise Stopped(reply["l"])
        return reply

    def _line_or_stopped(self, seconds: float, worked: float) -> bytes:
        try:
            return self._line(seconds)
        except TimeoutError:
            busy = self._cpu_seconds() - worked > CPU_MILLISECONDS / 2000
            self.process.kill()
            raise (Stopped("time") if busy else _Died) from None  # else it was starved: a suspended or crowded machine
        except _Died:
            if self.process.wait() == -signal.SIGPROF:
                raise Stopped("time") from None
            raise

    def _cpu_seconds(self) -> float:
        """What the child has used so far; 0 on a system that does not tell."""
        try:
            return time.clock_gettime(
                ~self.process.pid << 3 | 2
            )  # Linux' clock of another process, clock_getcpuclockid(3)
        except OSError:
            return 0.0

    def _send(self, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(self._in, line) :]
        except BrokenPipeError:
            raise _Died from None

    def _line(self, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                raise TimeoutError
            piece = os.read(self._out, 1 << 16)
            if not piece:
                raise _Died
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.forget()

    def forget(self) -> None:
        """Closes our ends of the pipes; the process itself belongs to whoever started it."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.returncode = self.process.returncode or 0


def _quickjs_folder() -> str:
    return str(Path(importlib.util.find_spec("_quickjs").origin).parent)


def _bundle() -> Path:
    if not BUNDLE.exists():
        raise RuntimeError(
            "engine/feel/bundle.js is missing. Run `make setup`, or `npm ci` and `node engine/feel/build.mjs`."
        )
    return BUNDLE


class Sandbox:
    """Children on demand, at most CHILDREN at work at a time (more only for nested requests)."""

    def __init__(self):
        self._reset()
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.close)

    def _reset(self) -> None:
        self._idle: list[_Child] = []
        self._all: weakref.WeakSet[_Child] = weakref.WeakSet()  # also those at work
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(CHILDREN)
        self._thread = threading.local()

    def _after_fork(self) -> None:
        for child in self._all:
            child.forget()
        self._reset()

    def call(
        self, request: list, *, needs: dict, answer: Callable[[dict], bytes], milliseconds: int = CPU_MILLISECONDS
    ) -> dict:
        """The reply to a request. `needs` maps what the child has to know before to the request that tells it.

        Raises Stopped when the request used too much time or memory, or nested too deep.
        """
        line = values.dumps(request)
        with self._slot():
            try:
                return self._once(line, needs, answer, milliseconds)
            except _Died:
                pass  # killed from outside or starved; a request changes nothing, so it may run again
            except Stopped as stopped:
                if stopped.why != "memory":
                    raise
                self.close()  # what earlier requests left may have filled the child: a fresh one decides
            try:
                return self._once(line, needs, answer, milliseconds)
            except _Died:
                raise Stopped("time") from None

    def _once(self, line: bytes, needs: dict, answer, milliseconds: int) -> dict:
        child = self._take()
        try:
            for key, telling in needs.items():
                if key not in child.known:
                    reply = child.request(values.dumps(telling), LOAD_CPU_MILLISECONDS, answer)
                    if "e" in reply:
                        raise RuntimeError(f"The FEEL sandbox does not take {key[0]}: {reply['e']}")
                    child.known.add(key)
            reply = child.request(line, milliseconds, answer)
        except BaseException:
            child.end()
            raise
        self._give_back(child)
        return reply

    @contextmanager
    def _slot(self):
        """A nested request of the same thread takes no second slot, or all threads could wait for each other."""
        depth = getattr(self._thread, "depth", 0)
        if not depth:
            self._slots.acquire()
        slots, self._thread.depth = self._slots, depth + 1
        try:
            yield
        finally:
            self._thread.depth = depth
            if not depth:
                slots.release()

    def _take(self) -> _Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.process.poll() is None:
                    return child
                child.forget()  # somebody killed it
        child = _Child()
        self._all.add(child)
        return child

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            if len(self._idle) < CHILDREN and len(child.known) < KNOWN_BY_A_CHILD:
                self._idle.append(child)
                return
        child.end()

    def close(self) -> None:
        """Ends the idle children. The sandbox stays usable: the next request starts one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()


shared = Sandbox()
