"""What the server answers: plain values in, plain values out, one computation at a time.

Start with `Answers`; how they travel is in `kinimmune.reports.explorer.server`.
"""

import base64
import io
import math
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cached_property
from itertools import count
from typing import Any

from kinimmune.fitting.exploration.bands import compute_bands
from kinimmune.fitting.exploration.patients import compute_courses, compute_patients
from kinimmune.fitting.exploration.saved_arm import save_arm
from kinimmune.fitting.exploration.session import Session
from kinimmune.fitting.exploration.setting import read_setting
from kinimmune.fitting.exploration.views import KnownArms, compute_view
from kinimmune.models.errors import UsageError
from kinimmune.reports.explorer.drawing import ShownDiagram, draw_model, draw_whole
from kinimmune.reports.explorer.subject import describe_subject

Json = Mapping[str, Any]
Save = Callable[[str, Mapping[str, str]], str]
"""Writes the files of an arm of that name; returns what to tell of it."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Date of files in an archive, the earliest it can hold."""


@dataclass(frozen=True)
class Turn:
    """One computation at a time; a longer one goes on only while nobody else waits."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: "set[int]" = field(default_factory=set)
    tickets: Iterator[int] = field(default_factory=count)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for the turn, and give it back."""
        ticket = next(self.tickets)
        self.waiting.add(ticket)
        with self.lock:
            self.waiting.discard(ticket)
            yield

    def is_free(self) -> bool:
        """Return whether nobody waits."""
        return not self.waiting


@dataclass(frozen=True)
class Answers:
    """What can be asked of a session; every answer is made of plain values."""

    session: Session
    folder: str
    """That saved arms are written to, for the page to tell; empty where they are downloaded."""
    save: Save | None
    """Writes saved arms; None where the browser keeps them."""
    known: KnownArms = field(default_factory=KnownArms)
    turn: Turn = field(default_factory=Turn)

    @cached_property
    def diagram(self) -> ShownDiagram:
        """The diagram of the whole model."""
        return draw_whole(self.session.model)

    def answer(self, question: str, given: Json) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to a question, by its name.

        Raises
        ------
        UsageError
            for a question there is not, or a setting that cannot be
        """
        answers: dict[str, Callable[[Json], Any]] = {
            "subject": self._subject,
            "view": self._view,
            "bands": self._bands,
            "patients": self._patients,
            "courses": self._courses,
            "diagram": lambda _: self.diagram,
            "model": self._model,
            "arm": self._arm,
        }
        if question not in answers:
            raise UsageError(f"no question '{question}'; reload the page")
        with self.turn.take():
            return to_plain(answers[question](given))

    def _subject(self, _: Json) -> object:
        return describe_subject(self.session, self.folder)

    def _view(self, given: Json) -> object:
        return compute_view(self.session, read_setting(given.get("setting")), self.known)

    def _bands(self, given: Json) -> object:
        if self.session.run is None:
            raise UsageError("bands are of a posterior; explore a run")
        return compute_bands(self.session, read_setting(given.get("setting")), self.turn.is_free)

    def _patients(self, given: Json) -> object:
        return compute_patients(self.session, read_setting(given.get("setting")))

    def _courses(self, given: Json) -> object:
        return compute_courses(self.session, read_setting(given.get("setting")))

    def _model(self, given: Json) -> object:
        return draw_model(self.session.model, self.diagram, read_setting(given.get("setting")).cuts)

    def _arm(self, given: Json) -> object:
        study, arm, name = (str(given.get(key, "")) for key in ("study", "arm", "name"))
        found = save_arm(self.session, read_setting(given.get("setting")), study, arm, name)
        if self.save is not None:
            return {"archive": "", "told": self.save(name, found)}
        return {"archive": pack(name, found), "told": f"{name}.zip has the tables of a trial with this arm"}


def pack(folder: str, files: Mapping[str, str]) -> str:
    """Return files in a folder as a ZIP archive in base 64; the same files give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}", EARLIEST), text)
    return base64.b64encode(content.getvalue()).decode()


def to_plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value as JSON has it: dataclasses as objects, numbers that are none as null.

    >>> to_plain((1.5, math.inf, {"a": ()}))
    [1.5, None, {'a': []}]
    """
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): to_plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
