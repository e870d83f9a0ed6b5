"""What portal tests stand on: a catalogue for quotes, and files that stay with the test."""

from pathlib import Path
from typing import Any

import pytest

from tests.factories import catalog


@pytest.fixture
def stock(db: None) -> None:
    """The test catalogue."""
    catalog.publish()


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """Files of a test stay with the test."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path
