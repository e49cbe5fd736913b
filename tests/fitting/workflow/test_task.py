"""Chains of tasks: what comes out does not depend on where and in which order tasks end, and what has ended is kept."""

import json
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import SerialExecutor, Task, TaskChain, TaskFunction, run_chains
from kinimmune.models.errors import DataError, NumericalError, UsageError


def add(inputs):
    """Return a sum; what is below zero cannot be added."""
    if inputs["add"] < 0:
        raise NumericalError(f"{inputs['add']} is below zero")
    return {"sum": inputs["sum"] + inputs["add"], "add": inputs["add"]}


ADD = TaskFunction("toy.add", add)


def chain(name, numbers, at_end=lambda: None):
    """Return a chain that adds up numbers, each task beginning with the sum of the one before."""

    def task(place, total):
        return Task(ADD, f"{name}-{place:03d}", {"sum": total, "add": numbers[place], "place": place})

    def follow(last, outcome):
        place = last.inputs["place"] + 1
        if place == len(numbers):
            at_end()
            return None
        return task(place, outcome["sum"])

    return TaskChain(task(0, 0), follow)


@dataclass
class Memory:
    """A store in memory that remembers what was computed."""

    kept: dict = field(default_factory=dict)
    saved: list = field(default_factory=list)

    def load(self, task):
        return self.kept.get(task.name)

    def save(self, task, outcome):
        self.kept[task.name] = outcome
        self.saved.append(task.name)


@dataclass
class Shuffled:
    """A pool in which all chains run side by side and the task that ends next is drawn."""

    draw: object
    width: int
    """Chains that go on."""
    waiting: list = field(default_factory=list)

    def submit(self, task):
        future = Drawn(self)
        self.waiting.append((task, future))
        return future

    def end_chain(self):
        self.width -= 1
        self.finish_one()

    def finish_one(self):
        """End a task if nothing more can come before one has ended."""
        if len(self.waiting) < max(self.width, 1):
            return
        task, future = self.waiting.pop(self.draw(st.integers(0, len(self.waiting) - 1)))
        try:
            outcome = task.compute()
        except NumericalError as error:
            future.set_exception(error)
        else:
            future.set_result(outcome)


class Drawn(Future):
    """A future whose pool learns when somebody waits for it."""

    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def add_done_callback(self, fn):
        super().add_done_callback(fn)
        self.pool.finish_one()


numbers = st.lists(st.integers(0, 9), min_size=1, max_size=5)


@given(data=st.data(), trees=st.lists(numbers, max_size=5))
def test_outcomes_are_the_running_sums_whatever_the_order_in_which_steps_end(data, trees):
    pool = Shuffled(data.draw, len(trees))
    shuffled = [chain(f"c{index}", values, pool.end_chain) for index, values in enumerate(trees)]
    plain = [chain(f"c{index}", values) for index, values in enumerate(trees)]
    expected = [[sum(values[: place + 1]) for place in range(len(values))] for values in trees]

    for chains, where in ((shuffled, pool), (plain, SerialExecutor())):
        found = run_chains(chains, Memory(), where)
        assert [[outcome["sum"] for outcome in tasks] for tasks in found] == expected


@given(trees=st.lists(numbers, min_size=1, max_size=5), data=st.data())
def test_what_was_kept_is_not_computed_again_and_the_outcome_is_the_same(trees, data):
    chains = [chain(f"c{index}", values) for index, values in enumerate(trees)]
    whole = Memory()
    expected = run_chains(chains, whole, SerialExecutor())
    names = list(whole.kept)
    some = data.draw(st.sets(st.sampled_from(names)))
    half, told = Memory({name: whole.kept[name] for name in some}), []

    found = run_chains(chains, half, SerialExecutor(), lambda task, _outcome, kept: told.append((task.name, kept)))

    assert found == expected
    assert sorted(half.saved) == sorted(set(names) - some)
    assert sorted(told) == sorted((name, name in some) for name in names)


@given(data=st.data(), before=numbers, beside=numbers)
def test_an_exception_ends_everything_and_keeps_what_has_ended(data, before, beside):
    store, pool = Memory(), Shuffled(data.draw, 2)
    chains = [chain("good", beside, pool.end_chain), chain("bad", [*before, -1], pool.end_chain)]

    with pytest.raises(NumericalError, match="-1 is below zero"):
        run_chains(chains, store, pool)

    assert {f"bad-{place:03d}" for place in range(len(before))} <= set(store.saved)
    assert f"bad-{len(before):03d}" not in store.kept
    assert len(store.saved) == len(set(store.saved))


def test_every_step_is_kept_before_the_next_one_begins():
    store, seen = Memory(), []

    def look(task):
        seen.append(list(store.saved))
        return task.compute()

    run_chains([chain("a", [1, 2]), chain("b", [3])], store, SerialExecutor(look))

    assert seen == [[], ["a-000"], ["a-000", "a-001"]]


def test_no_chains_give_no_outcomes():
    assert run_chains([], Memory(), SerialExecutor()) == []


def test_a_step_is_found_again_by_its_inputs_and_by_nothing_beside_them():
    first = Task(ADD, "s", {"sum": 1, "add": 2}, {"folder": "here"})

    assert first.address == Task(ADD, "t", {"add": 2, "sum": 1}, {"folder": "there"}).address
    assert first.address != Task(ADD, "s", {"sum": 1, "add": 3}).address
    assert first.address != Task(TaskFunction("toy.other", add), "s", {"sum": 1, "add": 2}).address


def test_a_kept_step_tells_which_function_made_it_from_what(tmp_path):
    store, task = TaskStore(tmp_path / "tasks"), Task(ADD, "s", {"sum": 1, "add": 2}, {"folder": None})
    store.save(task, task.compute())

    kept = store.read("s")

    assert kept.function == "toy.add"
    assert add({**kept.inputs, **kept.context}) == kept.outcome == {"sum": 3, "add": 2}


def test_an_interrupted_write_is_no_step(tmp_path):
    store, task = TaskStore(tmp_path), Task(ADD, "s-1", {"sum": 1, "add": 2})
    (tmp_path / ".s-1.json-x1y2.tmp").write_text('{"schema": "kinim')
    (tmp_path / ".s-1.json-x1y2.tmp.json").write_text('{"schema": "kinim')

    assert store.names() == []
    assert store.load(task) is None
    assert run_chains([TaskChain(task)], store, SerialExecutor()) == [[{"sum": 3, "add": 2}]]
    assert store.names() == ["s-1"]


def test_steps_of_a_prefix_are_removed_and_no_others(tmp_path):
    store = TaskStore(tmp_path)
    for name in ("profile-a-1", "profile-a-2", "start-1"):
        store.save(Task(ADD, name, {}), {})

    store.remove("profile")

    assert store.names() == ["start-1"]


def test_a_step_that_is_not_there_or_cannot_be_read_is_named(tmp_path):
    (tmp_path / "s.json").write_text(json.dumps({"name": "s"}))

    with pytest.raises(UsageError, match=r"no finished task 't' in .*; give the name of a file there"):
        TaskStore(tmp_path).read("t")
    with pytest.raises(UsageError, match="no finished task"):
        TaskStore(tmp_path).read("../s")
    with pytest.raises(DataError, match=r"s.json is no finished task: address: Field required; delete it and resume"):
        TaskStore(tmp_path).read("s")


@pytest.mark.parametrize(
    "inputs", [{"sum": 1, "add": 3}, {"sum": 1}, {"sum": 1, "add": 2, "extra": None}, {"sum": 1.0, "add": 2}]
)
def test_a_step_whose_inputs_were_changed_on_disk_is_not_shown_as_what_was_computed(tmp_path, inputs):
    store, task = TaskStore(tmp_path), Task(ADD, "s", {"sum": 1, "add": 2})
    store.save(task, task.compute())
    content = json.loads((tmp_path / "s.json").read_text())
    (tmp_path / "s.json").write_text(json.dumps({**content, "inputs": inputs}))

    with pytest.raises(DataError, match=r"s.json was changed since it was saved; delete it and resume"):
        store.read("s")


@pytest.mark.parametrize("change", [{"sum": 4}, {"sum": 3.0000000001}, {"add": None}, {"more": 1}])
def test_an_outcome_that_was_changed_on_disk_is_computed_again_and_told(tmp_path, change):
    store, task = TaskStore(tmp_path), Task(ADD, "s-1", {"sum": 1, "add": 2})
    store.save(task, task.compute())
    content = json.loads((tmp_path / "s-1.json").read_text())
    content["outcome"] |= change
    (tmp_path / "s-1.json").write_text(json.dumps(content))

    assert store.load(task) is None
    assert store.discarded == ["s-1"]
    assert run_chains([TaskChain(task)], store, SerialExecutor()) == [[{"sum": 3, "add": 2}]]
    assert store.load(task) == {"sum": 3, "add": 2}
