"""Tables of the engine."""

from fulfillment.models.definitions import (
    Action,
    DependencyKind,
    Kind,
    PlanDefinition,
    PlanDependency,
    PlanItem,
)
from fulfillment.models.field import Project, ProjectTask, ProjectTemplate, WorkOrder
from fulfillment.models.flows import MACHINE, Attempt, Callback, Flow, Task, TaskDependency

__all__ = [
    "MACHINE",
    "Action",
    "Attempt",
    "Callback",
    "DependencyKind",
    "Flow",
    "Kind",
    "PlanDefinition",
    "PlanDependency",
    "PlanItem",
    "Project",
    "ProjectTask",
    "ProjectTemplate",
    "Task",
    "TaskDependency",
    "WorkOrder",
]
