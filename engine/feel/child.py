"""The child process: QuickJS with the bundle, one request per line in, one reply per line out. Run as a program only.

A line in is `<CPU milliseconds> <JSON request>`; a line out is a reply, or `?<JSON question>` to which the parent
answers with one line. The kernel ends this process when a request has used up its CPU time (SIGPROF), so even a
regular expression that QuickJS itself cannot interrupt is stopped. It starts without site-packages and can open no
file once it runs.
"""

import resource
import signal
import sys

JAVASCRIPT_BYTES = 64 << 20
PROCESS_BYTES = 512 << 20  # only for what escapes QuickJS' own count
STACK_BYTES = 1 << 20
READ_SECONDS = 0.3  # CPU for reading one text of the greatest length
REPLY_CHARACTERS = 4 << 20
TOO_LARGE = '{"l":"memory"}'


def main(quickjs_folder: str, bundle: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    sys.path.append(quickjs_folder)
    budget = Budget()
    run = start(bundle, budget)
    confine()
    write(b'"ready"\n')
    for line in sys.stdin.buffer:
        milliseconds, _, request = line.partition(b" ")
        budget.begin(int(milliseconds) / 1000)
        reply = answer(run, request.decode())
        budget.end()
        write(reply.encode() + b"\n")
        if reply.startswith('{"l"'):
            return  # the parent starts a fresh one


class Budget:
    """The CPU seconds left before the kernel ends this process."""

    running = 0.0

    def begin(self, seconds: float) -> None:
        self.running = seconds
        signal.setitimer(signal.ITIMER_PROF, seconds)

    def allow(self, what: str) -> None:
        signal.setitimer(signal.ITIMER_PROF, max(READ_SECONDS, self.running) if what == "read" else self.running)

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)


def start(bundle: str, budget: Budget):
    import _quickjs

    context = _quickjs.Context()
    context.set_memory_limit(JAVASCRIPT_BYTES)
    context.set_max_stack_size(STACK_BYTES)
    context.add_callable("__ask", ask)
    context.add_callable("__allow", budget.allow)
    with open(bundle, encoding="utf-8") as file:
        context.eval(file.read())
    return context.eval("(run => (delete globalThis.__run, run))(globalThis.__run)")


def confine() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, PROCESS_BYTES),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):
            pass  # some systems know no limit on address space; QuickJS' own limit still holds


def answer(run, request: str) -> str:
    try:
        reply = run(request)
    except Exception:  # noqa: BLE001  QuickJS had not even room left to report
        return TOO_LARGE
    return reply if len(reply) <= REPLY_CHARACTERS else TOO_LARGE


def ask(question: str) -> str:
    write(b"?" + question.encode() + b"\n")
    return sys.stdin.buffer.readline().decode()


def write(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
