"""The notation of printed symbols: the part of typst's mathematics in which a symbol of a table may be written.

Start with `require_notation`.  Symbols are the only text of a table that reaches the typesetter as notation.  The grammar is
narrower than the typesetter's, so that what is accepted here can always be set; it is parsed in one pass, in linear time::

    sum    = ["+" | "-"] product { ("+" | "-") product }
    product = scripted { ["/"] scripted }
    scripted = atom ["_" atom] ["^" atom]
    atom   = letter | number | named letter | "quoted words" | name "(" sum ")" | "(" sum ")"
"""

import re
from dataclasses import dataclass

from kinimmune.models.errors import DataError

LETTERS = frozenset(
    (
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi"),
        *("pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "ln", "exp"),
        *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
    )
)
"""Names of letters, and of functions that are printed upright."""
ACCENTS = frozenset(("upright", "overline", "hat", "tilde"))
"""Names that take one argument in brackets."""
LONGEST = 80
_GREEK = "\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9"
_TOKEN = re.compile(
    rf'"[A-Za-z0-9{_GREEK} +/\-]+"|[A-Za-z{_GREEK}][A-Za-z0-9{_GREEK}]*|[0-9]+(?:\.[0-9]+)?(?![A-Za-z{_GREEK}.])|[_^/()+\-]| +'
)
_ADVICE = 'write single letters, named Greek letters, numbers, "words" in double quotes, hat(x), and _ ^ / ( ) + - between them'


def require_notation(text: str, subject: str) -> str:
    """Return `text` if it is plain mathematical notation.

    Parameters
    ----------
    text
        a symbol in typst's notation, such as `g_"N"`
    subject
        what it belongs to, for messages

    Raises
    ------
    DataError
        when it is not in the grammar of this module, or longer than `LONGEST` characters

    Examples
    --------
    >>> require_notation('theta_"RAF"', "parameter 'x'")
    'theta_"RAF"'
    """
    if not 0 < len(text) <= LONGEST:
        raise DataError(
            f"symbol '{text[:LONGEST]}' of {subject} is no plain notation ({len(text)} characters, not 1 to {LONGEST}); {_ADVICE}"
        )
    try:
        parser = _Parser(_split(text))
        parser.sum()
        parser.require_end()
    except _NotationError as error:
        raise DataError(f"symbol '{text}' of {subject} is no plain notation ({error}); {_ADVICE}") from error
    return text


class _NotationError(ValueError):
    """Where a text leaves the grammar."""


def _split(text: str) -> list[str]:
    """Return the tokens of a text, blanks left out."""
    tokens, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _NotationError(f"'{text[place]}' at character {place + 1}")
        if match[0].strip():
            tokens.append(match[0])
        place = match.end()
    return tokens


@dataclass
class _Parser:
    """Reads tokens by the rules of the grammar, each by a method of its name."""

    tokens: list[str]
    place: int = 0

    @property
    def next(self) -> str:
        """The token that comes next, empty at the end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, *allowed: str) -> bool:
        """Step over the next token where it is one of those."""
        if self.next and self.next in allowed:
            self.place += 1
            return True
        return False

    def sum(self) -> None:
        """Read a sum."""
        self.take("+", "-")
        self.product()
        while self.take("+", "-"):
            self.product()

    def product(self) -> None:
        """Read factors side by side or over each other."""
        self.scripted()
        while self.take("/") or self.next not in ("", "+", "-", ")"):
            self.scripted()

    def scripted(self) -> None:
        """Read an atom with what stands below and above it."""
        self.atom()
        for sign in ("_", "^"):
            if self.take(sign):
                self.atom()

    def atom(self) -> None:
        """Read one letter, number, quoted word, name or bracket."""
        token = self.next
        self.place += 1
        if token == "(" or token in ACCENTS:
            if token != "(":
                self.require("(")
            self.sum()
            self.require(")")
        elif not (len(token) == 1 and token.isalpha()) and token not in LETTERS and token[:1] != '"' and not token[:1].isdigit():
            raise _NotationError(f"'{token}' where a letter or word belongs" if token else "it ends too early")

    def require(self, token: str) -> None:
        """Step over a token that must come."""
        if not self.take(token):
            raise _NotationError(f"no '{token}' after '{self.tokens[self.place - 1]}'")

    def require_end(self) -> None:
        """Refuse what is left over."""
        if self.next:
            raise _NotationError(f"'{self.next}' after its end")
