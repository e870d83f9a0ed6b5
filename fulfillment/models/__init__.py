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
from fulfillment.models.jeopardy import FlowForecast, LearnedDuration, Level, Recheck, TaskDate, TaskForecast
from fulfillment.models.operation import Breaker, Capacity, Pause
from fulfillment.models.queue import Ready
from fulfillment.models.teams import TaskTeam

__all__ = [
    "MACHINE",
    "Action",
    "Attempt",
    "Breaker",
    "Callback",
    "Capacity",
    "DependencyKind",
    "Flow",
    "FlowForecast",
    "Kind",
    "LearnedDuration",
    "Level",
    "Pause",
    "PlanDefinition",
    "PlanDependency",
    "PlanItem",
    "Project",
    "ProjectTask",
    "ProjectTemplate",
    "Ready",
    "Recheck",
    "Task",
    "TaskDate",
    "TaskDependency",
    "TaskForecast",
    "TaskTeam",
    "WorkOrder",
]
