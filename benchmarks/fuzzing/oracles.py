"""What is wrong with the outcome of a command, whatever it was given.

Start with `find_crash`, `find_silence`, `find_unread` and `find_ignorance`; each returns words, empty where nothing is wrong.
"""

import json
import re

from fuzzing.children import LARGEST, LONGEST, Outcome

CRASH = "crash"
"""A traceback, an exit code that no table knows, an error that is not one line with a name in it, JSON that is none, a hang."""
SILENCE = "silent change"
"""Another number without a word."""
UNREAD = "unread, untold"
"""Something nothing reads was added, and nobody was told."""
IGNORANCE = "check knows less"
"""A command refused tables with which `check` finds nothing wrong."""
ORACLES = (CRASH, SILENCE, UNREAD, IGNORANCE)

KNOWN_CODES = range(6)
"""Exit codes a mutation may end in; 6 is for who was interrupted, 7 for a machine that failed."""
RAN = (0, 1)
REFUSED = (3, 4)
"""Of data or of a model made from it."""
_NAMED = re.compile(
    r"'[^']*'|--\w|[\w/.-]+\.(csv|json|toml|pdf|svg|py)\b|\b[A-Z][A-Z_]{3,}\b|\brun\b|\bcolumn\b|\bparameter\b|\w+_\w+"
)
_WORD = re.compile(r"^(error|warning|note):", re.MULTILINE)
_INSIDES = re.compile(r'Traceback \(most recent call last\)|internal error|^  File "|\.py:\d+: \w*Warning', re.MULTILINE)
MACHINE = 7


def find_crash(outcome: Outcome, *, as_json: bool, machine_may_fail: bool = False) -> str:
    """Return how a command ended as no command may.

    Parameters
    ----------
    outcome
        of the command
    as_json
        whether it was asked for JSON
    machine_may_fail
        whether the case leaves it a machine that fails, such as a folder that cannot be written
    """
    if outcome.killed:
        limit = f"{LONGEST:g} s of work or of waiting" if outcome.killed == "time" else f"{LARGEST / 2**30:g} GiB"
        return f"killed: more than {limit}; last words: {outcome.err[-200:]!r}"
    insides = _INSIDES.search(outcome.err) or _INSIDES.search(outcome.out)
    if insides:
        return f"'{insides[0]}': {_last_line(outcome.err)}"
    if outcome.code not in KNOWN_CODES and not (outcome.code == MACHINE and machine_may_fail):
        return f"exit code {outcome.code}: {_last_line(outcome.err)}"
    return _find_bad_error(outcome) or (_find_bad_json(outcome) if as_json else "")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1][:300]


def _find_bad_error(outcome: Outcome) -> str:
    """Return what is wrong with the line that tells an error."""
    if outcome.code in RAN:
        return ""
    errors = [line for line in outcome.err.splitlines() if line.startswith("error:")]
    if outcome.out.strip():  # `check` and `doctor` print what they find
        return "" if not errors else f"exit code {outcome.code} with results and an error: {errors[0][:200]}"
    if len(errors) != 1 or not outcome.err.rstrip().endswith(errors[0].rstrip()):
        return f"exit code {outcome.code} with {len(errors)} lines of error: {_last_line(outcome.err)}"
    return "" if _NAMED.search(errors[0]) else f"an error that names nothing: {errors[0][:200]}"


def _find_bad_json(outcome: Outcome) -> str:
    """Return what is wrong with the JSON a command printed."""
    if outcome.code not in RAN and not outcome.out.strip():
        return ""
    try:
        content = json.loads(outcome.out, parse_constant=_refuse)
    except ValueError as error:
        return f"exit code {outcome.code}, and stdout is no JSON: {error}"
    return "" if isinstance(content, dict) and "schema" in content else "stdout is no JSON object with a schema"


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def has_word(outcome: Outcome) -> bool:
    """Return whether a command told that something was not as usual."""
    return bool(_WORD.search(outcome.err))


def find_silence(outcome: Outcome, difference: str, *, refusals: tuple[int, ...]) -> str:
    """Return the number that changed without a word.

    Parameters
    ----------
    outcome
        of the command
    difference
        between its numbers and those without the mutation; empty for none
    refusals
        exit codes with which it may refuse
    """
    if outcome.code in RAN:
        return "" if not difference or has_word(outcome) else f"exit code {outcome.code} without a word; {difference}"
    return "" if outcome.code in refusals else f"exit code {outcome.code}: {_last_line(outcome.err)}"


def find_unread(outcome: Outcome, who: str) -> str:
    """Return that a command took no notice of what it does not read."""
    told = outcome.code in REFUSED or has_word(outcome)
    return "" if told else f"{who} ends with exit code {outcome.code} and without a word"


def find_ignorance(outcome: Outcome, check: Outcome) -> str:
    """Return that `check` found nothing where a command did."""
    if outcome.code in REFUSED and check.code == 0:
        return f"`check` finds nothing wrong, the command says: {_last_line(outcome.err)}"
    return ""
