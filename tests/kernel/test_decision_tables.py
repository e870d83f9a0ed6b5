"""Decision tables as versioned data: drafts, cells, test rows, publication, trial."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from kernel import cells, csvfile, decisions, tablecheck, tabledrafts, tablefile, tablepublication, tabletrial, tableuse
from kernel.models import AuditEntry, DecisionTable, User
from kernel.refusal import Conflict, NotPermitted, Refusal
from tests.factories.people import UserFactory

NUMBER = {"name": "speed", "label": "Speed", "type": "number", "values": []}
WORDS = {"name": "city", "label": "City", "type": "text", "values": []}
CLOSED = {**WORDS, "values": ["Breda", "Zwolle"]}
YES_NO = {"name": "ha", "label": "Two devices", "type": "boolean"}


def made(rows: list[dict[str, Any]], **values: Any) -> DecisionTable:
    """A table of speed and city to a team."""
    return DecisionTable(**{
        "key": "t-team", "title": "Who does it", "inputs": [NUMBER, WORDS], "rows": rows,
        "outputs": [{"name": "team", "label": "Team", "type": "text"}], **values,
    })  # fmt: skip


def admin() -> User:
    """A process admin."""
    return UserFactory(roles=["process_admin"])


def drafted(by: User, rows: list[dict[str, Any]] | None = None, **values: Any) -> DecisionTable:
    """Version 1 in force and a draft of version 2."""
    table = made(rows or [{"speed": "> 100", "team": "'fast'"}, {"team": "'slow'"}], **values)
    table.save()
    return tabledrafts.revise(table_id=table.pk, by=by)


def stored(draft: DecisionTable) -> DecisionTable:
    """The draft as it is stored now."""
    return DecisionTable.objects.get(pk=draft.pk)


@pytest.mark.parametrize(
    ("column", "typed", "kept"),
    [
        (NUMBER, "> 15", "> 15"), (NUMBER, "10..20", "[10..20]"), (NUMBER, "(4000..11000]", "(4000..11000]"),
        (NUMBER, "5, 7", "5, 7"), (NUMBER, "any", ""), (NUMBER, " – ", ""), (NUMBER, "not 5", "not in [5]"),
        (NUMBER, "= $ > other", "$ > other"), (WORDS, "Breda", "'Breda'"),
        (WORDS, "Breda, Zwolle", "'Breda', 'Zwolle'"),
        (WORDS, "not Breda", "not in ['Breda']"), (WORDS, "'s-Hertogenbosch", None), (YES_NO, "yes", "true"),
        (WORDS, "'any'", "'any'"), (WORDS, "'=x', 'a,b'", "'=x', 'a,b'"), (WORDS, "'not x'", "'not x'"),
        (WORDS, "L'Aquila", "\"L'Aquila\""), (CLOSED, "Breda", "'Breda'"),
    ],
)  # fmt: skip
def test_a_condition_is_typed_as_people_write_it(column: dict[str, Any], typed: str, kept: str | None) -> None:
    if kept is None:
        kept = f'"{typed}"'
    assert cells.read(column, typed, output=False) == kept
    shown = cells.show(column, kept, output=False)
    assert cells.read(column, shown, output=False) == kept


@pytest.mark.parametrize(
    ("column", "typed", "said"),
    [
        (NUMBER, "fast", "not a number"), (NUMBER, "20..10", "below its start"), (NUMBER, "> ", "not a number"),
        (CLOSED, "Utrecht", "none of the allowed values"), (YES_NO, "maybe", "not yes or no"),
        (NUMBER, "=1 +", "cannot be read"), ({**WORDS, "type": "any"}, "((", "cannot be read"),
        (WORDS, "x" * 600, "500"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_is_refused_with_what_fits(column: dict[str, Any], typed: str, said: str) -> None:
    with pytest.raises(cells.CellRefused, match=said):
        cells.read(column, typed, output=False)


@given(st.text(max_size=60) | st.text(alphabet="'\"=,- noatyx.5[]()", max_size=12))
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    for column in (NUMBER, WORDS, YES_NO):
        for output in (False, True):
            try:
                kept = cells.read(column, typed, output=output)
            except cells.CellRefused:
                continue
            assert cells.read(column, cells.show(column, kept, output=output), output=output) == kept


def test_a_column_without_a_type_gets_the_one_of_its_cells() -> None:
    plain = [{"name": name} for name in ("a", "b", "c", "d")]
    rows = [{"a": "> 5", "b": "'x', 'y'", "c": "where", "d": "2 + 2"}, {"c": "'LC'", "d": "4 * n"}]
    table = DecisionTable(inputs=plain[:2], outputs=plain[2:], rows=rows)
    inputs, outputs = cells.typed(table)
    assert [c["type"] for c in inputs + outputs] == ["number", "text", "text", "any"]
    assert [cells.show(outputs[0], text, output=True) for text in ("where", "'LC'")] == ["=where", "LC"]


def test_unique_and_priority_say_which_row_counts() -> None:
    rows = [{"speed": "> 10", "team": "'a'", "_priority": 1}, {"speed": "> 20", "team": "'b'", "_priority": 5}]
    best = decisions.reader_of(made(rows, hit="priority"))
    assert [best({"speed": speed, "city": ""}) for speed in (5, 15, 25)] == [[], [{"team": "a"}], [{"team": "b"}]]
    only = decisions.reader_of(made(rows, hit="unique"))
    assert only({"speed": 15}) == [{"team": "a"}]
    with pytest.raises(decisions.BrokenRule, match="rows 1 and 2"):
        only({"speed": 25})


@pytest.mark.django_db
def test_the_version_that_counts_is_the_one_started_last() -> None:
    today = timezone.localdate()
    for version, days in ((1, -10), (2, -2), (3, 5)):
        made([{"team": f"'v{version}'"}], version=version, valid_from=today + dt.timedelta(days=days)).save()
    assert decisions.decide("t-team", {}) == {"team": "v2"}
    for days, wanted in ((-11, None), (-3, "v1"), (5, "v3")):
        ask = decisions.reader("t-team", today + dt.timedelta(days=days))
        assert (ask({})[0]["team"] if ask else None) == wanted


@pytest.mark.django_db
def test_many_facts_and_many_tables_cost_one_query_once_they_were_read() -> None:
    for key in ("t-a", "t-b"):
        made([{"speed": "> 5", "team": "city"}], key=key).save()
    decisions.readers(["t-a", "t-b"])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        ask = decisions.readers(["t-a", "t-b", "t-none"])
        said = [ask[key]({"speed": n, "city": f"c{n}"}) for key in ("t-a", "t-b") for n in range(100)]
    assert len(queries) == 1
    assert said[99] == [{"team": "c99"}]
    assert set(ask) == {"t-a", "t-b"}
    DecisionTable.objects.filter(key="t-a").update(rows=[{"team": "'new'"}])
    assert decisions.decide("t-a", {}) == {"team": "new"}


@pytest.mark.django_db
def test_a_draft_is_written_cell_by_cell_and_the_version_in_force_stays() -> None:
    by = admin()
    draft = drafted(by)
    first, second = (row["_id"] for row in draft.rows)
    assert tabledrafts.write_cell(table_id=draft.pk, row=first, name="speed", typed="100..200", was="> 100", by=by)
    added = tabledrafts.add_row(table_id=draft.pk, after=first, by=by)
    tabledrafts.write_cell(table_id=draft.pk, row=added, name="team", typed="middle", was="", by=by)
    tabledrafts.move_row(table_id=draft.pk, row=added, by=by, steps=-1)
    tabledrafts.remove_row(table_id=draft.pk, row=second, by=by)
    rows = stored(draft).rows
    assert [(row.get("speed", ""), row["team"]) for row in rows] == [("", "'middle'"), ("[100..200]", "'fast'")]
    assert decisions.decide("t-team", {"speed": 150}) == {"team": "fast"}
    trail = AuditEntry.objects.filter(subject_type="kernel.decisiontable", subject_id=draft.pk)
    assert list(trail.order_by("id").values_list("action", flat=True)) == [
        "drafted", "cell changed", "row added", "cell changed", "row moved", "row removed",
    ]  # fmt: skip


@pytest.mark.django_db
def test_two_editors_of_one_cell_do_not_overwrite_each_other() -> None:
    by = admin()
    draft = drafted(by)
    row = draft.rows[0]["_id"]
    tabledrafts.write_cell(table_id=draft.pk, row=row, name="speed", typed="> 200", was="> 100", by=by)
    with pytest.raises(tabledrafts.CellChanged) as conflict:
        tabledrafts.write_cell(table_id=draft.pk, row=row, name="speed", typed="> 300", was="> 100", by=by)
    assert conflict.value.stored == "> 200"
    assert stored(draft).rows[0]["speed"] == "> 200"


@pytest.mark.django_db
def test_what_is_in_force_cannot_be_written_and_rights_are_asked() -> None:
    by = admin()
    draft = drafted(by)
    active = DecisionTable.objects.get(key="t-team", version=1)
    with pytest.raises(tabledrafts.NoDraft, match="never changes"):
        tabledrafts.add_row(table_id=active.pk, by=by)
    with pytest.raises(Conflict, match="draft of this table already"):
        tabledrafts.revise(table_id=active.pk, by=by)
    with pytest.raises(NotPermitted):
        tabledrafts.add_row(table_id=draft.pk, by=UserFactory(roles=["order_agent"]))
    with pytest.raises(NotPermitted):
        tablepublication.publish(
            table_id=draft.pk, valid_from=timezone.localdate(), by=UserFactory(roles=["order_agent"])
        )
    assert stored(draft).state == "draft"
    with pytest.raises(IntegrityError), transaction.atomic():
        made([], version=9, state="draft").save()


@pytest.mark.django_db
def test_columns_come_and_go_with_their_cells() -> None:
    by = admin()
    draft = drafted(by)
    column = {"table_id": draft.pk, "side": "in", "label": "", "kind": "text", "values": ["Breda", " "], "by": by}
    tabledrafts.write_column(name="place", **column)
    with pytest.raises(Refusal) as refusal:
        tabledrafts.write_column(name="place", **column)
    assert "name" in refusal.value.problems
    row = draft.rows[0]["_id"]
    with pytest.raises(cells.CellRefused):
        tabledrafts.write_cell(table_id=draft.pk, row=row, name="place", typed="Utrecht", was=None, by=by)
    tabledrafts.write_cell(table_id=draft.pk, row=row, name="place", typed="Breda", was=None, by=by)
    tabledrafts.write_column(name="town", old="place", **column)
    assert stored(draft).rows[0]["town"] == "'Breda'"
    tabledrafts.remove_column(table_id=draft.pk, name="town", by=by)
    assert "town" not in stored(draft).rows[0]


@pytest.mark.django_db
def test_publishing_needs_a_start_and_passing_test_rows() -> None:
    by, today = admin(), timezone.localdate()
    draft = drafted(by)
    for day in (None, today - dt.timedelta(days=1)):
        with pytest.raises(tablepublication.NotReady) as refusal:
            tablepublication.publish(table_id=draft.pk, valid_from=day, by=by)
        assert set(refusal.value.problems) == {"valid_from"}
    test = tabledrafts.add_test(table_id=draft.pk, by=by)
    with pytest.raises(cells.CellRefused):
        tabledrafts.write_test(table_id=draft.pk, row=test, part="given", name="speed", typed="fast", by=by)
    tabledrafts.write_test(table_id=draft.pk, row=test, part="given", name="speed", typed="50", by=by)
    tabledrafts.write_test(table_id=draft.pk, row=test, part="expect", name="team", typed="fast", by=by)
    with pytest.raises(tablepublication.NotReady, match="1 of 1 test rows fail: row 1"):
        tablepublication.publish(table_id=draft.pk, valid_from=today, by=by)
    assert tablecheck.run(stored(draft))[0].wrong == {"team": "expected fast, got slow"}
    tabledrafts.write_test(table_id=draft.pk, row=test, part="expect", name="team", typed="slow", by=by)
    tablepublication.publish(table_id=draft.pk, valid_from=today, by=by)
    assert list(DecisionTable.objects.filter(key="t-team").order_by("version").values_list("state", flat=True)) == [
        "retired",
        "active",
    ]
    assert decisions.decide("t-team", {"speed": 5}) == {"team": "slow"}


@pytest.mark.django_db
def test_a_version_that_starts_later_leaves_the_present_one_in_force() -> None:
    by, later = admin(), timezone.localdate() + dt.timedelta(days=7)
    draft = drafted(by)
    tabledrafts.write_cell(table_id=draft.pk, row=draft.rows[1]["_id"], name="team", typed="new", was=None, by=by)
    tablepublication.publish(table_id=draft.pk, valid_from=later, by=by)
    assert decisions.decide("t-team", {"speed": 5}) == {"team": "slow"}
    assert decisions.decide("t-team", {"speed": 5}, later) == {"team": "new"}


@pytest.mark.django_db
def test_a_table_that_somebody_asks_is_not_retired(monkeypatch: pytest.MonkeyPatch) -> None:
    by = admin()
    draft = drafted(by)
    active = DecisionTable.objects.get(key="t-team", version=1)
    use = tableuse.Use("t-team", "Teams", "Who does it.", needed=lambda key: ["The desk asks it."])
    monkeypatch.setattr(tableuse, "_uses", [use])
    with pytest.raises(tablepublication.InUse, match="The desk asks it"):
        tablepublication.retire(table_id=active.pk, by=by)
    tablepublication.publish(table_id=draft.pk, valid_from=timezone.localdate(), by=by)
    with pytest.raises(tablepublication.InUse):
        tablepublication.retire(table_id=draft.pk, by=by)
    monkeypatch.setattr(tableuse, "_uses", [])
    tablepublication.retire(table_id=draft.pk, by=by)
    assert decisions.reader("t-team") is None


def test_contradictions_hidden_rows_and_gaps_are_named() -> None:
    rows = [{"speed": "> 10", "team": "'a'"}, {"speed": "[5..15]", "city": "'Breda'", "team": "'b'"}]
    said = [(hint.kind, hint.text) for hint in tablecheck.hints(made(rows, hit="unique"))]
    assert said[0] == ("contradiction", "Rows 1 and 2 both match speed 12.5, city Breda.")
    assert ("gap", "No row matches speed 4, city Breda.") in said
    behind = [{"speed": "> 10", "team": "'a'"}, {"speed": "> 20", "team": "'b'"}, {"team": "'c'"}]
    assert [hint.text for hint in tablecheck.hints(made(behind))] == [
        "Row 2 is never reached: rows above it match first."
    ]
    assert tablecheck.hints(made([{"speed": "$ > other", "team": "'a'"}], hit="unique")) == []


CONDITIONS = ["", "> 10", "<= 10", "[5..15]", "5, 20", "(10..15)", "!= 10", "> 5 and < 12"]


@given(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=4), st.integers(-5, 30))
def test_hints_agree_with_the_engine(conditions: list[str], speed: int) -> None:
    table = made([{"speed": text, "team": "'x'"} for text in conditions], hit="collect")
    hit = {answer.row for answer in decisions.judge(table)({"speed": speed})}
    tests = [tablecheck._numbers(text) for text in conditions]
    assert hit == {n for n, test in enumerate(tests) if test and test(speed)}


@pytest.mark.django_db
def test_a_trial_says_what_changes_in_real_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    by = admin()
    draft = drafted(by)
    tabledrafts.write_cell(table_id=draft.pk, row=draft.rows[0]["_id"], name="speed", typed="> 500", was=None, by=by)
    found = [tableuse.Case(f"case {n}", {"speed": n}) for n in (50, 300, 900)]
    use = tableuse.Use("t-team", "Teams", "Who does it.", cases=lambda key, limit, user: found)
    monkeypatch.setattr(tableuse, "_uses", [use])
    draft, active = stored(draft), DecisionTable.objects.get(key="t-team", version=1)
    trial = tabletrial.run(draft, active, by=by)
    assert (trial.changed, trial.unanswered, trial.unused) == (1, 0, [])
    assert trial.tried[0].case.name == "case 300"
    assert trial.tried[0].differences == [tabletrial.CellChange("Team", "fast", "slow")]
    said, rows = tabletrial.compare(active, draft)
    assert said == []
    assert [(row.kind, row.number, row.cells) for row in rows] == [
        ("changed", 1, [tabletrial.CellChange("Speed", "> 100", "> 500")])
    ]
    assert tabletrial.unused(draft, found[:1]) == [1]


@pytest.mark.django_db
def test_rows_go_out_as_a_file_and_come_back() -> None:
    by = admin()
    draft = drafted(by, rows=[{"speed": "> 100", "city": "not in ['Breda']", "team": "city", "_note": "far"}])
    lines = tablefile.lines(draft)
    assert lines == [["speed", "city", "team", "why"], ["> 100", "not Breda", "=city", "far"]]
    text = "\ufeffCity;Speed;team;why\r\nnot Breda;> 100;'=city;far\r\n;;slow;\r\n"
    rows = tablefile.read(draft, text.encode())
    tabledrafts.replace_rows(table_id=draft.pk, rows=rows, by=by)
    assert tablefile.lines(stored(draft))[1:] == [["> 100", "not Breda", "=city", "far"], ["", "", "slow", ""]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"), (b"speed,planet\n1,2", "planet"), (b"speed,team\nfast,x\n> 5,y", "Row 1, Speed"),
        (b"speed,speed\n1,2", "twice"), (b"\xff\xfe\x00", "UTF-8"), (b"team,why\na,,b", "3 cells for 2"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_at_its_cells(content: bytes, said: str) -> None:
    draft = drafted(admin())
    with pytest.raises(csvfile.Unreadable, match=said):
        tablefile.read(draft, content)


@pytest.mark.django_db
def test_a_key_that_somebody_has_just_taken_is_refused_at_its_field() -> None:
    made([]).save()
    with pytest.raises(Refusal) as refusal:
        tabledrafts.insert(made([], state="draft", valid_from=None))
    assert set(refusal.value.problems) == {"key"}


def asker(key: str = "t-team", **values: Any) -> tableuse.Use:
    facts = (tableuse.Fact("speed", "Speed", "number"), tableuse.Fact("tier", "Tier", values=("gold", "silver")),
             tableuse.Fact("city", "City"))  # fmt: skip
    team = tableuse.Fact("team", "Team", check=lambda value: "" if value in ("fast", "slow") else f"No {value}.")
    return tableuse.Use(
        key, "Teams", "Who does it.", **{"facts": lambda key: facts, "answers": lambda key: (team,)} | values
    )


UNKNOWN = "Whoever asks this table knows no “{}”. They know city, speed, tier."


@pytest.mark.django_db
def test_what_nobody_knows_and_what_nobody_understands_is_refused_where_it_is_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by = admin()
    draft = drafted(by)
    cell = {"table_id": draft.pk, "row": draft.rows[0]["_id"], "was": None, "by": by}
    monkeypatch.setattr(tableuse, "_uses", [asker()])
    column = {"table_id": draft.pk, "side": "in", "label": "", "kind": "text", "values": [], "by": by}
    with pytest.raises(Refusal) as refusal:
        tabledrafts.write_column(name="colour", **column)
    assert refusal.value.problems == {"name": [UNKNOWN.format("colour")]}
    tabledrafts.write_column(name="tier", **column)
    none_of = "“bronze” is none of gold, silver."
    for name, typed, said in (
        ("tier", "gold, bronze", none_of), ("tier", "not bronze", none_of), ("team", "nobody", "No nobody."),
        ("speed", "=sped > 5", UNKNOWN.format("sped")),
    ):  # fmt: skip
        with pytest.raises(cells.CellRefused) as refused:
            tabledrafts.write_cell(name=name, typed=typed, **cell)
        assert str(refused.value) == said
    assert stored(draft).rows[0].get("tier", "") == ""
    for name, typed in (("tier", "not gold"), ("team", "slow"), ("speed", "=speed > 5 and tier == 'gold'")):
        tabledrafts.write_cell(name=name, typed=typed, **cell)


@pytest.mark.django_db
def test_what_does_not_fit_its_askers_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    draft = drafted(admin())
    monkeypatch.setattr(tableuse, "_uses", [asker()])
    kept = DecisionTable.objects.get(pk=draft.pk)  # as a file or an older version may have left it
    kept.inputs = [*kept.inputs, {"name": "colour"}, {"name": "tier"}]
    kept.rows[1] |= {"team": "'nobody'", "tier": "'bronze'"}
    kept.save()
    with pytest.raises(tablepublication.NotReady) as stopped:
        tablepublication.publish(table_id=draft.pk, valid_from=timezone.localdate(), by=admin())
    assert stopped.value.problems[""] == [
        f"Column Colour: {UNKNOWN.format('colour')}",
        "Row 2, Tier: “bronze” is none of gold, silver.",
        "Row 2, Team: No nobody.",
    ]
    more = (tableuse.Fact("colour", "Colour"), tableuse.Fact("tier", "Tier", values=("bronze",)))
    monkeypatch.setattr(tableuse, "_uses", [asker(), asker("t-*", facts=lambda key: more)])
    assert [problem.text for problem in tablecheck.problems(kept)] == ["Row 2, Team: No nobody."]
