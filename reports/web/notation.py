"""What only the typesetter can draw, for a page of the browser: notation as MathML, the diagram as SVG.

Start with `set_notation` and `draw_diagram_svg`.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import typst

from kinimmune.models.errors import MachineError
from kinimmune.reports.typesetting.blocks import DiagramBlock

_HERE = Path(__file__).parent
_MATHS = re.compile(r"<p>(<math.*?</math>)</p>", re.DOTALL)


def set_notation(items: Iterable[str]) -> Mapping[str, str]:
    """Return notation -> MathML, for notation that has been let pass."""
    wanted = list(dict.fromkeys(items))
    page = _compile("notation", json.dumps(wanted, ensure_ascii=False), "html").decode()
    return dict(zip(wanted, _MATHS.findall(page), strict=True))


def draw_diagram_svg(block: DiagramBlock) -> bytes:
    """Return the diagram of a model as a picture of its own."""
    return _compile("picture", json.dumps(asdict(block), ensure_ascii=False), "svg")


def _compile(name: str, content: str, form: Literal["html", "svg"]) -> bytes:
    try:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "main.typ").write_bytes((_HERE / f"{name}.typ").read_bytes())
            (root / "diagram.typ").write_bytes((_HERE.parent / "diagram.typ").read_bytes())
            (root / ("notation.json" if name == "notation" else "content.json")).write_text(content, encoding="utf-8")
            return bytes(typst.compile(root / "main.typ", root=root, ignore_system_fonts=True, timestamp=0, format=form))
    except OSError as error:
        raise MachineError(f"cannot write temporary files: {error.strerror or error}; make room, or set TMPDIR") from error
