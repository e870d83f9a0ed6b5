"""The process admin's home: drafts that wait, test rows that fail, rows that nothing uses."""

from collections.abc import Iterable

from django.urls import reverse

from kernel import decisions, home, tablecheck, tabletrial, tableuse
from kernel.models.decisions import DecisionTable
from kernel.models.people import User

CASES = 100  # of each table, before a row counts as unused
VIEW, EDIT = "kernel.view_decisiontable", "kernel.change_decisiontable"


def _url(table: DecisionTable, name: str = "decision_table") -> str:
    return reverse(name, args=[table.key, table.version])


def _drafts(user: User) -> Iterable[home.Action]:
    """Drafts that wait to be published, first those that cannot be."""
    rows = DecisionTable.objects.visible_to(user).filter(state="draft").order_by("updated_at")
    for table in rows[:8]:
        failed = sum(not one.ok for one in tablecheck.run(table))
        yield home.Action(
            text=f"Publish {table.title}, version {table.version}",
            url=_url(table, "decision_tests" if failed else "decision_table"), number=table.key,
            detail=f"{failed} of {len(table.tests)} test rows fail" if failed else "nothing changes until then",
            icon="alert-triangle" if failed else "pencil", tone="risk" if failed else "idle", due="Draft",
            due_detail=f"changed {table.updated_at:%-d %b}", word="Look", at=table.updated_at,
        )  # fmt: skip


def _failing(user: User) -> Iterable[home.Action]:
    """Tables in force that do not do what their test rows say."""
    for table in DecisionTable.objects.visible_to(user).in_force():
        failed = [n for n, one in enumerate(tablecheck.run(table), 1) if not one.ok]
        if failed:
            yield home.Action(
                text=f"{table.title} fails its test rows", url=_url(table, "decision_tests"), number=table.key,
                detail=f"{len(failed)} of {len(table.tests)} fail, and it is in force", icon="alert-triangle",
                tone="bad", due="In force", due_detail=f"version {table.version}", word="Look", at=table.updated_at,
            )  # fmt: skip


def _unused(user: User) -> Iterable[home.Action]:
    """Rows that none of the newest real cases used."""
    for table in DecisionTable.objects.visible_to(user).in_force():
        cases = tableuse.cases_for(table.key, CASES, user)
        try:
            rows = tabletrial.unused(table, cases) if cases else []
        except decisions.BrokenRule:
            continue
        if rows:
            which = ", ".join(map(str, rows[:6])) + (" …" if len(rows) > 6 else "")
            yield home.Action(
                text=f"{table.title}: nothing used row {which}", number=table.key,
                url=_url(table, "decision_trial"), icon="table", tone="idle", due=f"{len(rows)} of {len(table.rows)}",
                detail=f"not used in the last {len(cases)} {'case' if len(cases) == 1 else 'cases'}",
                due_detail="rows", word="Look",
            )  # fmt: skip


def _figures(user: User) -> Iterable[home.Figure]:
    url = reverse("decision_tables")
    tables = list(DecisionTable.objects.visible_to(user).in_force())
    untested = sum(not table.tests for table in tables)
    drafts = DecisionTable.objects.visible_to(user).filter(state="draft").count()
    yield home.Figure("Decision tables", str(len(tables)), url, "in force")
    yield home.Figure("Drafts", str(drafts), url, "wait to be published", "wait" if drafts else "")
    yield home.Figure("Without test rows", str(untested), url, "of those in force", "risk" if untested else "")


home.next_actions(EDIT, _failing)
home.next_actions(EDIT, _drafts)
home.figures(EDIT, _figures, order=15)
home.add(
    home.Block(
        "unused_rows", "Rows that nothing used", EDIT, rows=_unused, order=60, hint="in the newest real cases",
        all_url_name="decision_tables", all_label="Decision tables",
        empty="Every row was used, or there are no cases yet.",
    )
)  # fmt: skip
