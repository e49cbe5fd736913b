"""How many tasks long work will have taken whose chains stop when they choose to: an estimate that is made again as they stop.

Start with `Forecast`, and run the chains its `begin` returns.  A bar tells the time left of a known total, and
never the total.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kinimmune.fitting.workflow.task import Json, Task, TaskChain, stop

PRIOR_WALKS = 3.0
"""Number of walks for which the usual lengths count: few against some tens, enough that the first stop of one decides nothing."""


@dataclass
class _ChainProgress:
    """How far a chain got."""

    single: bool
    """Whether it is known to be of one task."""
    tasks: int = 0
    """Tasks that have finished."""
    ended: bool = False


@dataclass
class Forecast:
    """The tasks of work whose chains are of one task, or walk on until they stop; walks begin together and last."""

    usual: tuple[int, ...]
    """Lengths of walks as they are known to come out."""
    singles: int = 0
    """Tasks of their own that have not begun."""
    walks: int = 0
    """Walks that have not begun."""
    _begun: list[_ChainProgress] = field(default_factory=list)

    def begin(self, chains: Sequence[TaskChain]) -> list[TaskChain]:
        """Return the same chains, which tell how far they get; nothing else about them changes."""
        begun = [_ChainProgress(chain.next_task is stop) for chain in chains]
        walking = not all(one.single for one in begun)
        # what has no room to walk in never begins, so nothing is left to come once walks have begun
        self.singles = 0 if walking else max(self.singles - len(begun), 0)
        self.walks = 0 if walking else self.walks
        self._begun += begun
        return [TaskChain(chain.first, _count(one, chain.next_task)) for one, chain in zip(begun, chains, strict=True)]

    @property
    def total(self) -> int:
        """Tasks of everything, those that have finished among them.

        Walks that go on count as what they are, longer than so many tasks (E. Kaplan and P. Meier, Journal of the American
        Statistical Association 53:457, 1958): side by side they stop in the order of their lengths, and the mean of those that
        ended would be too short.
        """
        known = sum(one.tasks if one.ended else 1 for one in self._begun if one.ended or one.single)
        going = [one.tasks for one in self._begun if not (one.ended or one.single)]
        if not going and not self.walks:
            return known + self.singles
        ending = self._chances()
        left = sum(tasks + _expect(ending, tasks) for tasks in going) + self.walks * _expect(ending, 0)
        return round(known + left + self.singles)

    def _chances(self) -> list[float]:
        """Return how probable it is that a walk ends after its first task, its second and so on."""
        walked = [one for one in self._begun if not one.single]
        share = PRIOR_WALKS / len(self.usual)
        ended = Counter(one.tasks for one in walked if one.ended)
        usual = Counter(self.usual)
        longest = max(*self.usual, *(one.tasks for one in walked), 1)
        return [
            (ended[length] + share * usual[length])
            / (sum(one.tasks >= length for one in walked) + share * sum(other >= length for other in self.usual))
            for length in range(1, longest + 1)
        ]

    @property
    def exact(self) -> bool:
        """Whether no walk is left whose length is unknown."""
        return not self.walks and all(one.ended or one.single for one in self._begun)


def _expect(ending: Sequence[float], tasks: int) -> float:
    """Return how many tasks a walk takes on that has so many and goes on: at least one.

    >>> _expect([0.0, 0.5, 1.0], 0), _expect([0.0, 0.5, 1.0], 2), _expect([0.0, 0.5, 1.0], 3)
    (2.5, 1.0, 1.0)
    """
    left, going = 1.0, 1.0
    for chance in ending[tasks:]:
        going *= 1.0 - chance
        left += going
    return left


def _count(progress: _ChainProgress, follow: Callable[[Task, Json], Task | None]) -> Callable[[Task, Json], Task | None]:
    """Return a function that gives the next task as `follow` does, and takes note of each that has finished."""

    def follow_on(task: Task, outcome: Json) -> Task | None:
        following = follow(task, outcome)
        progress.tasks += 1
        progress.ended = following is None
        return following

    return follow_on
