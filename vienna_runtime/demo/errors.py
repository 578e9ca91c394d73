"""What stops the demo before its end.

ViennaError
└── DemoError
    └── CommandFailed   one of the demo's own processes ended otherwise than it should
"""

from __future__ import annotations

from vienna_runtime.errors import ViennaError


class DemoError(ViennaError):
    """The demo cannot go on."""


class CommandFailed(DemoError):
    """A command or process of the demo ended otherwise than it should; the text holds its own words."""
