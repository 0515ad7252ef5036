"""A console for texts that strangers have written: names of people, of files, of collections."""

import re
from typing import Any

from rich.console import Console
from rich.text import Text

#: Control characters but for line ends and tabs: a terminal would obey them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class PlainConsole(Console):
    """Prints texts letter for letter.

    Square brackets are no markup and `:words:` no pictures, in tables too; in the place of what a
    terminal would take for an order there is a replacement character.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - Rich's own
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - Rich's own
        """See Console: every text that is printed passes here, cells of tables among them."""
        return super().render_str(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), **options)
