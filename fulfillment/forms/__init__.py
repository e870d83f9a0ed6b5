"""Forms of the engine's screens: plans and their steps."""

from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils import timezone

from catalog.models import Characteristic
from fulfillment import adapters, planfile
from fulfillment.forms import askrows, rowacts
from fulfillment.models import Action, DependencyKind, Kind, PlanDependency, PlanItem, ProjectTemplate
from fulfillment.plancheck import befores
from kernel.models import BusinessCalendar, User
from kernel.picking import RecordField, offer

PEOPLE = ("team", "skill", "checklist")
Entry = dict[str, Any]
ASKING = ("manual", "field_work")
OWN: dict[str, tuple[str, ...]] = {
    "manual": PEOPLE, "field_work": PEOPLE, "project": ("team", "template"), "automatic": ("team",),
    "api_call": ("system", "team", "max_attempts", "fallout_team"), "wait_event": ("system", "team", "fallout_team"),
    "milestone": (), "timer": ("timer_seconds",),
}  # fmt: skip
ONLY_SOME = {name for names in OWN.values() for name in names}


class Lines(forms.CharField):
    """A list of words, one a line or with commas between."""

    def __init__(self, *, commas: bool, **kwargs: Any) -> None:
        self.commas = commas
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 2 if commas else 3}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return (", " if self.commas else "\n").join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        text = str(value or "")
        parts = text.replace(",", "\n").split("\n") if self.commas else text.split("\n")
        return [part.strip() for part in parts if part.strip()]


class PlanForm(forms.Form):
    """What a plan is for."""

    key = forms.SlugField(label="Key", max_length=80, help_text="Small letters, digits, _ and -; it stays for ever.")
    name = forms.CharField(label="Name", max_length=120)
    specification = RecordField("catalog.specification", label="Specification", empty_label="Choose one")
    action = forms.ChoiceField(label="Action", choices=Action.choices)
    condition = forms.CharField(
        label="Only if", max_length=300, required=False, help_text="Such as access == 'off_net'; empty means always."
    )
    position = forms.IntegerField(
        label="Order of choice", min_value=0, max_value=9999, initial=0, required=False,
        help_text="Of several plans for the same, the lowest whose condition holds is taken.",
    )  # fmt: skip

    def __init__(self, *args: Any, by: User, existing: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "specification", by)
        if existing:
            del self.fields["key"]


class PublishForm(forms.Form):
    """From which day a version holds."""

    starts_on = forms.DateField(
        label="New flows follow it from",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        initial=timezone.localdate,
        error_messages={"required": "Say from which day new flows follow this version."},
    )


class StepForm(forms.Form):
    """One step; fields that its kind has no use for are left out."""

    kind = forms.ChoiceField(label="Kind", choices=Kind.choices)
    name = forms.CharField(label="Name", max_length=120)
    key = forms.SlugField(label="Key", max_length=60, help_text="Names the step in this and other plans.")
    days = forms.DecimalField(
        label="Working days", min_value=0, max_value=999, decimal_places=2,
        error_messages={"min_value": "At least 0 days.", "max_value": "At most 999 days."},
    )  # fmt: skip
    calendar = forms.ChoiceField(label="Calendar", required=False)
    system = forms.ChoiceField(label="System and operation", required=False)
    team = forms.ChoiceField(label="Team", required=False)
    skill = forms.CharField(label="Skill", max_length=60, required=False)
    template = forms.ChoiceField(label="Project template", required=False)
    timer_seconds = forms.IntegerField(label="Seconds to wait", min_value=0, max_value=31_536_000, required=False)
    condition = forms.CharField(
        label="Only if", max_length=300, required=False, help_text="Left out of the flow unless this holds."
    )
    inputs = Lines(label="Needs", commas=True, help_text="Characteristics, with commas between.")
    outputs = Lines(label="Supplies", commas=False, help_text="One a line; name = expression calculates it.")
    checklist = Lines(label="Checklist", commas=False, help_text="One point a line.")
    stage = forms.CharField(label="Stage that the customer reads", max_length=40, required=False)
    no_return = forms.ChoiceField(label="Point of no return", choices=PlanItem.NoReturn.choices)
    compensation = forms.ChoiceField(label="When it is taken back", choices=PlanItem.Compensation.choices)
    sla_hours = forms.IntegerField(label="Hours allowed", min_value=1, max_value=9999)
    max_attempts = forms.IntegerField(label="Tries", min_value=1, max_value=99, required=False)
    fallout_team = forms.ChoiceField(label="Team for fallout", required=False)

    def __init__(
        self, *args: Any, plan: Entry, befores_of: list[tuple[str, str]], arranging: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.arranging = arranging
        kind = str((self.data or self.initial).get("kind") or "manual")
        for name in ONLY_SOME - set(OWN.get(kind, ())):
            del self.fields[name]
        self._choose("calendar", _rows(BusinessCalendar.objects.order_by("name").values_list("name", flat=True)))
        self._choose("template", list(ProjectTemplate.objects.order_by("name").values_list("key", "name")))
        systems = [(f"{s} {o}", f"{s}: {o}") for s in adapters.SYSTEMS for o in adapters.OPERATIONS.get(s, ())]
        self._choose("system", systems)
        teams = _rows(sorted({team for row in User.objects.values_list("teams", flat=True) for team in row}))
        for name in ("team", "fallout_team"):
            self._choose(name, teams)
        self.asking = kind in ASKING
        self.known = _known(plan) if self.asking else {}
        self.asks = askrows.add(self, self.initial.get("form") or [], self.known) if self.asking else []
        self.asked: list[dict[str, Any]] = []
        self.waits = _waits(self, plan, befores_of)
        if arranging in self.fields:
            self.fields[arranging].widget.attrs["autofocus"] = True

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        if name in self.fields:
            now = str(self.initial.get(name) or "")
            known = {value for value, _ in choices}
            more = [(now, now)] if now and now not in known else []
            self.fields[name].choices = [("", "–"), *more, *choices]  # type: ignore[attr-defined]

    @property
    def errors(self) -> ErrorDict:
        """None while rows are added and moved: nothing is kept by that."""
        return ErrorDict() if self.arranging else super().errors

    def clean(self) -> dict[str, Any]:
        """What it asks of people, read row by row."""
        self.asked = askrows.read(self, self.asks, self.initial.get("form") or [], self.known)
        return self.cleaned_data

    def entry(self) -> dict[str, Any]:
        """The step in the shape of a file."""
        given = {name: value for name, value in self.cleaned_data.items() if name not in self.row_names}
        system, _, operation = str(given.pop("system", "") or "").partition(" ")
        given = {name: value for name, value in given.items() if value is not None}
        asked = {"form": self.asked} if self.asking else {}
        return given | asked | {"adapter": system, "operation": operation, "after": self._after()}

    @property
    def row_names(self) -> set[str]:
        """Names of the fields that stand in rows: what it waits for, what it asks."""
        return {name for row in (*self.waits, *self.asks) for name in row}

    def _after(self) -> list[dict[str, Any]]:
        found = []
        for before, kind, lag, scope in self.waits:
            specification, _, item = str(self.cleaned_data.get(before) or "").partition(":")
            if specification or item:
                found.append(
                    {"item": item, "kind": self.cleaned_data[kind] or "FS", "lag": self.cleaned_data[lag] or 0}
                    | ({"specification": specification, "scope": self.cleaned_data[scope]} if specification else {})
                )
        return found

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What was sent that this kind has no field for; it is there again when the kind changes back."""
        sent = [(name, str(self.data.get(name) or "")) for name in self.data if name not in self.fields]
        return [(name, value) for name, value in sent if name in ONLY_SOME or name.startswith("ask_")]

    def main_fields(self) -> list[Any]:
        """Bound fields without those that stand in rows."""
        return [self[name] for name in self.fields if name not in self.row_names]

    def ask_rows(self) -> list[tuple[list[Any], list[Any], bool]]:
        """Fields of each question with their part: the first, those that narrow it, whether one of these is set."""
        rows = [[(part, self[name]) for part, name in zip(askrows.PARTS, names, strict=True)] for names in self.asks]
        at = len(askrows.FIRST)
        return [(row[:at], row[at:], any(one.value() or one.errors for _, one in row[at:])) for row in rows]

    def suggested(self) -> list[tuple[str, str]]:
        """Values of what the plan is for, with their names."""
        return [(key, one.name) for key, one in self.known.items()]

    def wait_rows(self) -> list[list[Any]]:
        """Bound fields of the dependencies, a row each."""
        return [[self[name] for name in row] for row in self.waits]


def _known(plan: dict[str, Any]) -> dict[str, Characteristic]:
    """What the catalogue says of the values of what the plan is for."""
    rows = Characteristic.objects.filter(specification__key=plan["specification"], specification__state="active")
    return {row.key: row for row in rows.order_by("position", "pk")}


def _rows(names: Any) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


def _waits(form: StepForm, plan: dict[str, Any], choices: list[tuple[str, str]]) -> list[tuple[str, str, str, str]]:
    """Add four fields for each dependency that the step has or that was sent; their names, a row each."""
    have = befores({"after": form.initial.get("after") or []})
    scopes = [choice for choice in PlanDependency.Scope.choices if choice[0] != "flow"]
    names = []
    for n in range(rowacts.count(form.data, "before") if form.is_bound else max(len(have), 1)):
        row = have[n] if n < len(have) and not form.is_bound else {}
        before, kind, lag, scope = (f"{part}_{n}" for part in ("before", "wait", "lag", "scope"))
        value = f"{row.get('specification') or ''}:{row.get('item') or ''}" if row else form.data.get(before, "")
        more = [] if value in {choice for choice, _ in choices} or not value else [(value, value)]
        form.fields[before] = forms.ChoiceField(label="Waits for", required=False, choices=[("", "–"), *more, *choices])
        form.fields[kind] = forms.ChoiceField(label="How", required=False, choices=DependencyKind.choices)
        form.fields[lag] = forms.DecimalField(
            label="Days later", required=False, min_value=-99, max_value=999, decimal_places=2
        )
        form.fields[scope] = forms.ChoiceField(label="Of the other plan in", required=False, choices=scopes)
        form.initial.update({before: value, kind: row.get("kind", "FS"), lag: row.get("lag") or 0})
        form.initial[scope] = row.get("scope") if row.get("specification") else "line"
        names.append((before, kind, lag, scope))
    return names


def step_initial(entry: dict[str, Any]) -> dict[str, Any]:
    """A step in the shape of a file as the form shows it."""
    whole = planfile.normal_item(entry)
    system = f"{whole['adapter']} {whole['operation']}".strip()
    days = f"{whole['days'].normalize():f}" if whole["days"] else "0"
    return {**whole, "days": days, "system": system}
