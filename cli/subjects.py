"""What MODEL on a command line stands for, and what is said first about it: whose code is run, and which file is not read.

Start with `say_first`.
"""

from typing import TYPE_CHECKING

from kinimmune.cli.terminal import Notes

if TYPE_CHECKING:
    from kinimmune.fitting.projects.project import Subject


def say_first(notes: Notes, subject: "Subject") -> None:
    """Say which code is about to be run, or which model a project is of, and what a user may take to be read and is not.

    Raises
    ------
    UsageError
        for an unknown model, or a file that is not there
    """
    from kinimmune.fitting.projects.project import require_known
    from kinimmune.models.model_file import find_code
    from kinimmune.models.plug_ins import PlugIn
    from kinimmune.models.tables.rows import Tables

    require_known(subject)
    code = find_code(subject.model, Tables(subject.settings.data))
    if isinstance(code, PlugIn):
        if not code.problem:
            notes.say(f"runs the code of {code.label}")
    elif code is not None:
        notes.say(f"runs the code of {code}")
    elif subject.project is not None:
        notes.say(f"project {subject.project.folder}: model '{subject.model}'")
    if not notes.quiet:
        for text in _find_unread(subject, at_hand=code is None):
            notes.say(f"note: {text}")


def _find_unread(subject: "Subject", *, at_hand: bool) -> tuple[str, ...]:
    """Return what is not used although it has the name of what is: the file of a project, and a plug-in."""
    from kinimmune.models.plug_ins import find_plug_ins
    from kinimmune.models.tables.files import PROJECT_FILE

    found, data = [], subject.settings.data
    if subject.project is None and data is not None and (data / PROJECT_FILE).exists():
        found.append(f"{data / PROJECT_FILE} is not read: --data takes tables alone; for it give {data} in place of MODEL")
    hidden = find_plug_ins().get(subject.model) if at_hand else None
    if hidden is not None:
        found.append(f"{hidden.label} is not used: the library, or a model beside the tables, goes before it")
    return tuple(found)
