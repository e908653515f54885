"""The sandbox under threads, forks and sudden deaths."""

import os
import signal
import threading
import time

import pytest

from engine.errors import ExpressionLimit
from engine.feel import Feel, Function, evaluate
from engine.feel.sandbox import CHILDREN, Sandbox, shared


def test_eight_threads_get_their_own_answers():
    wrong, feel = [], Feel([Function("twice", ("x",), lambda x: 2 * x, "")])

    def work(number):
        for turn in range(60):
            if feel.evaluate("twice(x) + 1", {"x": number * 1000 + turn}) != 2 * (number * 1000 + turn) + 1:
                wrong.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(shared._idle) <= CHILDREN


def test_bombs_in_some_threads_do_not_disturb_the_others():
    failures = []

    def bomb():
        try:
            evaluate("count(for i in 1..1000000000 return i)")
            failures.append("not stopped")
        except ExpressionLimit:
            pass

    def work():
        failures.extend(turn for turn in range(40) if evaluate("x", {"x": turn}) != turn)

    threads = [threading.Thread(target=target) for target in (bomb, work) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_functions_that_evaluate_again_in_many_threads_do_not_wait_for_each_other():
    feel = Feel([Function("inner", ("x",), lambda x: (time.sleep(0.02), evaluate("x + 1", {"x": x}))[1], "")])
    results = []
    threads = [threading.Thread(target=lambda: results.append(feel.evaluate("inner(1)"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert results == [2] * 8


def test_a_forked_process_starts_children_of_its_own():
    assert evaluate("1 + 1") == 2
    parents = {child.process.pid for child in shared._idle}
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:  # the forked process reports one word and leaves without pytest's clean-up
        try:
            fine = evaluate("20 + 1") == 21 and not parents & {child.process.pid for child in shared._idle}
            shared.close()
            os.write(write, b"fine" if fine else b"wrong")
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    assert os.read(read, 10) == b"fine"
    os.close(read)
    assert evaluate("2 + 1") == 3
    assert {child.process.pid for child in shared._idle} >= parents


def test_a_child_that_was_killed_is_replaced():
    evaluate("1")
    for child in list(shared._idle):
        child.process.send_signal(signal.SIGKILL)
        child.process.wait()
    assert evaluate("1 + 1") == 2


def test_a_starved_child_is_replaced_and_the_request_repeated():
    sandbox = Sandbox()
    assert sandbox.call(["evaluate", "", "1", {}], needs={}, answer=lambda question: b"")["v"] == 1
    os.kill(sandbox._idle[0].process.pid, signal.SIGSTOP)
    assert sandbox.call(["evaluate", "", "2", {}], needs={}, answer=lambda question: b"")["v"] == 2
    sandbox.close()


def test_an_interrupted_function_leaves_a_working_sandbox():
    def interrupt(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Feel([Function("interrupt", ("x",), interrupt, "")]).evaluate("interrupt(1)")
    assert evaluate("1 + 1") == 2


def test_closing_ends_the_children_and_the_next_evaluation_starts_one():
    evaluate("1")
    pids = [child.process.pid for child in shared._idle]
    Feel().close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert evaluate("1 + 1") == 2
