"""Site files of any size: the same number gives the same good file, made from the demo's own rows."""

import csv
import io

import pytest

from config.demo import sites
from crm import sitefile


def rows(number: int) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sites.file(number).decode())))


def test_a_file_of_many_sites_is_good_and_always_the_same() -> None:
    made = rows(500)
    assert sites.file(500) == sites.file(500)
    assert len({row["code"] for row in made}) == len({(r["street"], r["city"]) for r in made}) == 500
    assert {row["country"] for row in made} == {"NL", "DE", "BE"}
    assert all(-90 <= float(row["latitude"]) <= 90 for row in made)
    assert made[:5] == rows(5)
    assert sitefile.parse(sites.file(500)).records


def test_without_a_number_it_is_the_demos_own_file_and_nonsense_is_refused() -> None:
    assert sites.file() == sites.FILE.read_bytes()
    for number in (-1, 5001):
        with pytest.raises(ValueError, match="1 to 5,000"):
            sites.file(number)
