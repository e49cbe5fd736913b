"""The number of tasks of work whose chains end when they choose: exact once they have ended, and never below what is known."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.cli.terminal import Known, TaskCounter
from kinimmune.fitting.workflow.forecast import Forecast
from kinimmune.fitting.workflow.task import SerialExecutor, Task, TaskChain, TaskFunction, run_chains

USUAL = (2, 3, 3, 4, 4, 5, 5, 6, 8)


class Nowhere:
    """Keeps nothing."""

    def load(self, _step):
        return None

    def save(self, _step, _outcome):
        pass


NOTHING = TaskFunction("toy.nothing", lambda _inputs: {})


def walk(name, length):
    """Return a chain of some tasks that does not tell how many."""

    def follow(task, _outcome):
        number = task.inputs["number"] + 1
        return Task(NOTHING, f"{name}-{number}", {"number": number}) if number < length else None

    return TaskChain(Task(NOTHING, f"{name}-0", {"number": 0}), follow)


def singles(count):
    return [TaskChain(Task(NOTHING, f"single-{place}", {})) for place in range(count)]


def side_by_side(chains):
    """Carry chains out in turns, a task of each at a time; stop after every turn."""
    tasks = [(chain, chain.first) for chain in chains]
    while tasks:
        tasks = [(chain, task) for chain, last in tasks if (task := chain.next_task(last, {})) is not None]
        yield


lengths = st.lists(st.integers(1, 12), min_size=1, max_size=8)


@given(lengths, st.integers(0, 5))
def test_it_is_exact_when_all_chains_have_ended_and_never_below_what_has_begun(counts, alone):
    forecast, counter = Forecast(USUAL, alone, len(counts)), []
    run_chains(forecast.begin(singles(alone)), Nowhere(), SerialExecutor(), lambda *_: counter.append(forecast.total))
    walks = [walk(f"w{place}", length) for place, length in enumerate(counts)]

    def watch(*_):
        counter.append(forecast.total)
        assert forecast.total >= len(counter)

    run_chains(forecast.begin(walks), Nowhere(), SerialExecutor(), watch)

    assert forecast.exact
    assert forecast.total == len(counter) == alone + sum(counts)


def estimates(counts, usual, *, turns):
    """Return the estimate after every task, of walks one after the other or in turns."""
    forecast, seen = Forecast(usual, 0, len(counts)), []
    waiting = [(chain, chain.first) for chain in forecast.begin([walk(f"w{place}", n) for place, n in enumerate(counts)])]
    while waiting:
        chain, last = waiting.pop(0)
        task = chain.next_task(last, {})
        seen.append(forecast.total)
        if task is not None:
            waiting.insert(len(waiting) if turns else 0, (chain, task))
    return np.array(seen)


@pytest.mark.parametrize("turns", [False, True])
def test_it_is_right_on_average_all_along_whether_walks_go_one_after_the_other_or_side_by_side(turns):
    """Sixty walks as long as walks usually are; side by side, the mean of those that ended would be half of it at first."""
    errors = []
    for seed in range(30):
        counts = np.random.default_rng(seed).choice(USUAL, 60).tolist()
        seen = estimates(counts, USUAL, turns=turns)
        errors.append(seen[np.linspace(0, len(seen) - 1, 11).astype(int)] / sum(counts) - 1.0)

    assert np.abs(np.mean(errors, axis=0)).max() < 0.06
    assert np.abs(errors).max() < 0.3
    assert np.all(np.array(errors)[:, -1] == 0.0)


@pytest.mark.parametrize("turns", [False, True])
def test_what_is_seen_takes_the_place_of_what_is_usual(turns):
    """Walks three times as long as usual: told within a tenth when a third of them have ended, however they go."""
    counts = [*range(9, 18)] * 10
    seen = estimates(counts, USUAL, turns=turns)
    third = sum(counts[:30]) if not turns else sum(min(count, 12) for count in counts)

    assert seen[0] < 0.5 * sum(counts)
    assert np.all(np.abs(seen[third:] / sum(counts) - 1.0) < 0.1)


@given(lengths)
def test_every_walk_that_goes_on_takes_at_least_one_more_step(counts):
    forecast = Forecast((1,), 0, len(counts))
    turns = side_by_side(forecast.begin([walk(f"w{place}", length) for place, length in enumerate(counts)]))

    for turn, _ in enumerate(turns, start=1):
        done = sum(min(turn, length) for length in counts)
        assert forecast.total >= done + sum(length > turn for length in counts)
        assert forecast.exact == all(length <= turn for length in counts)
    assert forecast.total == sum(counts)


def test_a_walk_without_room_is_not_waited_for():
    """Of three walks that were expected one never begins."""
    forecast = Forecast((5,), 2, 3)
    assert (forecast.total, forecast.exact) == (17, False)

    run_chains(forecast.begin(singles(2)), Nowhere(), SerialExecutor())
    assert forecast.total == 17
    run_chains(forecast.begin([walk("a", 2), walk("b", 4)]), Nowhere(), SerialExecutor())

    assert (forecast.total, forecast.exact) == (2 + 2 + 4, True)


def test_steps_of_their_own_are_known_beforehand():
    forecast = Forecast(USUAL, 7)
    chains = forecast.begin(singles(3))

    assert (forecast.total, forecast.exact) == (7, True)
    run_chains(chains, Nowhere(), SerialExecutor())
    run_chains(forecast.begin(singles(4)), Nowhere(), SerialExecutor())
    assert (forecast.total, forecast.exact) == (7, True)


def test_a_chain_has_the_same_steps_with_a_forecast_as_without():
    seen = [[], []]
    for tasks, chains in zip(seen, ([walk("a", 3)], Forecast(USUAL).begin([walk("a", 3)])), strict=True):
        run_chains(chains, Nowhere(), SerialExecutor(), lambda task, *_, tasks=tasks: tasks.append((task.name, task.address)))

    assert seen[0] == seen[1]
    assert len(seen[0]) == 3


def test_a_counter_tells_an_estimate_as_one_and_a_number_as_it_is():
    forecast = Forecast((4,), 0, 2)
    chain, _ = forecast.begin([walk("a", 3), walk("b", 3)])
    counter = TaskCounter("profile", forecast)
    known = TaskCounter("sample", Known(3))
    known.add(kept=False, failures=0)

    assert counter.line == "profile: 0/~8"
    counter.add(kept=False, failures=0)
    chain.next_task(chain.first, {})
    assert re.fullmatch(r"profile: 1/~8, ~0:00:0\d left", counter.line)
    assert re.fullmatch(r"sample: 1/3, 0:00:0\d left", known.line)
    assert TaskCounter("toy", None).line == "toy: 0"


def counting(total, clock):
    return TaskCounter("toy", Known(total), clock=lambda: clock[0])


def test_the_time_left_is_that_of_the_last_steps():
    """A hundred tasks of 1 s and then forty of 10 s: the twenty left will take 200 s."""
    clock = [0.0]
    counter = counting(160, clock)
    for seconds in (1.0,) * 100 + (10.0,) * 40:
        clock[0] += seconds
        counter.add(kept=False, failures=0)

    assert counter.seconds_left == pytest.approx(200.0)


def test_kept_steps_take_no_time():
    clock = [0.0]
    counter = counting(10, clock)
    for _ in range(5):
        counter.add(kept=True, failures=0)
    assert counter.seconds_left is None
    clock[0] = 3.0
    counter.add(kept=False, failures=0)

    assert counter.seconds_left == pytest.approx(3.0 * 4)
