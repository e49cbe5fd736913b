"""Pages as the site has them: with lists that are made from the code, and with links that lead out of the site.

Start with `complete_page`.
"""

import posixpath
import re
from collections.abc import Callable, Mapping

from listing.commands import list_commands
from listing.schemas import list_schemas
from listing.tables import list_tables

LISTS: Mapping[str, Callable[[], str]] = {"commands": list_commands, "tables": list_tables, "schemas": list_schemas}
"""Word of a comment `<!-- list of WORD -->` -> what stands there on the site."""
_COMMENT = re.compile(r"^<!-- list of (\w+) -->$", re.MULTILINE)
_PAGE = re.compile(r"\]\((\.\./[^)#\s]*\.md)(?:#[^)]*)?\)")


def complete_page(page: str, text: str) -> str:
    """Return the text of a page as the site has it.

    A code host shows the page as it stands: a comment there is nothing, and a link to a page beside `docs/` leads to it.
    On the site the comment becomes its list, and such a link gives the file to save, as a link to a table does.

    Parameters
    ----------
    page
        name of the page in `docs/`, without its ending, such as `how-to/fit`
    text
        what its file holds

    Raises
    ------
    KeyError
        for a comment that asks for a list there is not
    """

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), match[1]))
        return f"](path:{match[1]})" if target.startswith("../") else match[0]

    return _PAGE.sub(link, _COMMENT.sub(lambda match: LISTS[match[1]](), text))
