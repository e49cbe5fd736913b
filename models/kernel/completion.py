"""How an integration can end: the number a compiled loop writes, and the sentence a user is told.

Start with `Completion`.
"""

from enum import IntEnum


class Completion(IntEnum):
    """How an integration ended."""

    message: str
    """Sentence for the user: what happened and what to do."""

    def __new__(cls, code: int, message: str) -> "Completion":
        """Return the member with a code of the compiled loop and a sentence for the user."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member

    COMPLETE = 0, "complete"
    NOT_FINITE = 1, "a rate or state became infinite or not a number; look at the parameters of its rate"
    STEP_UNDERFLOW = 2, "the step size fell below what the clock resolves; a rate diverges or switches too fast"
    TOO_MANY_STEPS = 3, "the maximum number of steps was reached; loosen the tolerance or shorten the horizon"
    PIVOT_GROWTH = 4, "the linear solve lost its accuracy; loosen the tolerance or rescale the state"
    INACCURATE = 5, "the course depends on the tolerance, as an oscillation over many periods does; ask for a smaller tolerance"
