"""Facts that the engine announces. Owners are named by type label and key, for the engine does not know them."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FlowStarted:
    """The first task of a flow started."""

    flow_id: int
    owner_type: str
    owner_id: int


@dataclass(frozen=True)
class FlowCompleted:
    """Every task of a flow is closed."""

    flow_id: int
    owner_type: str
    owner_id: int


@dataclass(frozen=True)
class TaskSuppliedValues:
    """A task put out characteristic values, which are in the flow's data already."""

    task_id: int
    flow_id: int
    owner_type: str
    owner_id: int
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StageReached:
    """A task with a plain-word stage or a milestone was completed."""

    task_id: int
    flow_id: int
    root_type: str
    root_id: int
    site_id: int | None
    stage: str


@dataclass(frozen=True)
class TaskFellOut:
    """A task failed for good and is on hold until somebody mends it.

    `kind` is a Fallout type; `cause` the same words for the same cause; `suggestion` maps inputs to values that should
    work.
    """

    task_id: int
    kind: str
    cause: str
    detail: str
    suggestion: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskRecovered:
    """A task that had fallen out was completed or skipped."""

    task_id: int


@dataclass(frozen=True)
class ProjectStarted:
    """A project began because its task became ready."""

    project_id: int


@dataclass(frozen=True)
class DatesLeft:
    """Some tasks or flows of a root were held while it was dated, so it has to be dated again. Days are ISO text."""

    root_type: str
    root_id: int
    start: str
    requested_on: str
