"""How many steps long work will have taken whose chains end when they choose to: an estimate that is made again as they end.

Start with `Forecast`, and carry out what its `begin` returns.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kinimmune.fitting.workflow.task import Chain, Plain, Step, end

PRIOR_WALKS = 3.0
"""Walks for which the usual lengths count: few against some tens, enough that the first end of one decides nothing."""


@dataclass
class _Course:
    """How far a chain got."""

    single: bool
    """Whether it is known to be of one step."""
    steps: int = 0
    ended: bool = False


@dataclass
class Forecast:
    """The steps of work whose chains are of one step, or walk on until they end; walks begin together and last."""

    usual: tuple[int, ...]
    """Lengths of walks as they are known to come out."""
    singles: int = 0
    """Steps of their own that have not begun."""
    walks: int = 0
    """Walks that have not begun."""
    _courses: list[_Course] = field(default_factory=list)

    def begin(self, chains: Sequence[Chain]) -> list[Chain]:
        """Return the same chains, which tell how far they get; nothing else about them changes."""
        courses = [_Course(chain.follow is end) for chain in chains]
        walking = not all(course.single for course in courses)
        # what has no room to walk in never begins, so nothing is left to come once walks have begun
        self.singles = 0 if walking else max(self.singles - len(courses), 0)
        self.walks = 0 if walking else self.walks
        self._courses += courses
        return [Chain(chain.first, _tell(course, chain.follow)) for course, chain in zip(courses, chains, strict=True)]

    @property
    def total(self) -> int:
        """Steps of everything, those that have finished among them.

        Walks that go on count as what they are, longer than so many steps (E. Kaplan and P. Meier, Journal of the American
        Statistical Association 53:457, 1958): side by side they end in the order of their lengths, and the mean of those that
        ended would be too short.
        """
        known = sum(course.steps if course.ended else 1 for course in self._courses if course.ended or course.single)
        going = [course.steps for course in self._courses if not (course.ended or course.single)]
        if not going and not self.walks:
            return known + self.singles
        ending = self._chances()
        left = sum(steps + _expect(ending, steps) for steps in going) + self.walks * _expect(ending, 0)
        return round(known + left + self.singles)

    def _chances(self) -> list[float]:
        """Return how probable it is that a walk ends after its first step, its second and so on."""
        walked = [course for course in self._courses if not course.single]
        share = PRIOR_WALKS / len(self.usual)
        ended = Counter(course.steps for course in walked if course.ended)
        usual = Counter(self.usual)
        longest = max(*self.usual, *(course.steps for course in walked), 1)
        return [
            (ended[length] + share * usual[length])
            / (sum(course.steps >= length for course in walked) + share * sum(other >= length for other in self.usual))
            for length in range(1, longest + 1)
        ]

    @property
    def exact(self) -> bool:
        """Whether no walk is left whose length is unknown."""
        return not self.walks and all(course.ended or course.single for course in self._courses)


def _expect(ending: Sequence[float], steps: int) -> float:
    """Return how many steps a walk takes on that has so many and goes on: at least one.

    >>> _expect([0.0, 0.5, 1.0], 0), _expect([0.0, 0.5, 1.0], 2), _expect([0.0, 0.5, 1.0], 3)
    (2.5, 1.0, 1.0)
    """
    left, going = 1.0, 1.0
    for chance in ending[steps:]:
        going *= 1.0 - chance
        left += going
    return left


def _tell(course: _Course, follow: Callable[[Step, Plain], Step | None]) -> Callable[[Step, Plain], Step | None]:
    def follow_on(step: Step, outcome: Plain) -> Step | None:
        following = follow(step, outcome)
        course.steps += 1
        course.ended = following is None
        return following

    return follow_on
