"""Pictures for the guide that want a year of business: homes, lists and dashboards of the demo, when SCREENSHOTS=1."""

from collections.abc import Callable, Iterator

import pytest

from config.stack import ALL, Stack, scratch
from tests.browser import delivering
from tests.browser.office import Office

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.xdist_group("stack")]

PEOPLE = (
    "mira", "petra", "tom", "anke", "ingrid", "ravi", "lena", "michael", "sofia", "nils", "paula", "clara", "jonas",
    "vera",
)  # fmt: skip
SCREENS = (
    ("ingrid", "/orders/", "orders"),
    ("ingrid", "/dashboards/delivery/", "dashboard"),
    ("mira", "/inbox/", "inbox"),
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The whole product with the demo, as `make run` shows it."""
    with scratch(only=ALL, stocked=True) as running:
        made = running.manage("seed_demo")
        assert made.returncode == 0, made.stderr
        yield running


def test_pictures_of_the_demo(office: Office, shoot: Callable[..., None]) -> None:
    delivering.fallen(office("michael"))  # the engine has come as far as it can alone
    for name in PEOPLE:
        page = office(name)
        page.goto("/")
        page.wait_for_load_state("networkidle")
        shoot(page, f"home-{name}")
    for name, address, picture in SCREENS:
        page = office(name)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        shoot(page, picture)
