"""Signals end a command in order; what is about to end is not disturbed, and an ignored hang-up stays ignored."""

import os
import signal

import pytest

from kinimmune.cli.interruptions import interruptible, undisturbed
from kinimmune.cli.main import app, main

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


@pytest.fixture(autouse=True)
def handlers():
    """Return the handlers of before, which are those of afterwards unless a test says otherwise."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS[:3])
def test_a_signal_interrupts_and_handlers_are_put_back(handlers, number):
    with pytest.raises(KeyboardInterrupt), interruptible(), interruptible():
        os.kill(os.getpid(), number)

    assert {number: signal.getsignal(number) for number in SIGNALS} == handlers
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_hang_up_that_is_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptible():
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_what_is_about_to_end_is_not_disturbed():
    done = []
    with interruptible():
        with undisturbed():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("one")
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert done == ["one"]


@pytest.mark.parametrize("number", SIGNALS[:3])
def test_a_signal_in_any_command_is_exit_code_6_and_a_second_one_changes_nothing(capsys, number):
    @app.command("wait", hidden=True)
    def wait():
        os.kill(os.getpid(), number)

    try:
        code = main(["wait"])
        os.kill(os.getpid(), number)
    finally:
        app.registered_commands.pop()

    assert code == 6
    assert capsys.readouterr().err == "error: interrupted\n"
