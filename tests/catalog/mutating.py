"""For the mutation score: tests without a database go first, so that most mutants are noticed within a moment."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by what a test needs; the rest of their order stays."""
    items.sort(key=lambda item: item.get_closest_marker("django_db") is not None)
