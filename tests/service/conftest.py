"""What the tests of the domain share: the demo centre as a story in which the named people act."""

from __future__ import annotations

import pytest

from tests.people import Story


@pytest.fixture
def story(centre) -> Story:
    """People acting on the demo centre (on both databases)."""
    return Story(centre)
