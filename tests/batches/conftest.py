"""What the tests of answers begin with."""

import pytest

from tests.batches.engines import processing


@pytest.fixture
def one():
    """A cycle of one application, whose worker request is with an engine."""
    return processing(1)
