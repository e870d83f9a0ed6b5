"""Tables of the kernel."""

from kernel.models.activity import Comment, Follow, Notification, NotificationChoice, Visit
from kernel.models.approvals import Absence, ApprovalRequest, ApprovalStep
from kernel.models.base import Numbered, Record, RecordQuerySet
from kernel.models.calendars import BusinessCalendar, Holiday
from kernel.models.clients import ApiCall, ApiClient, KeptAnswer, PersonalToken
from kernel.models.decisions import DecisionTable
from kernel.models.documents import Document, DocumentType
from kernel.models.hubs import Delivery, Subscription
from kernel.models.listing import Export, ReturnedFile, SavedView
from kernel.models.many import Many, ManyItem
from kernel.models.outbox import OutboxDelivery, OutboxEvent
from kernel.models.people import User
from kernel.models.reports import ReportMail
from kernel.models.statefield import StateField
from kernel.models.trail import AuditEntry
from kernel.models.versions import DatedQuerySet

__all__ = [
    "Absence",
    "ApiCall",
    "ApiClient",
    "ApprovalRequest",
    "ApprovalStep",
    "AuditEntry",
    "BusinessCalendar",
    "Comment",
    "DatedQuerySet",
    "DecisionTable",
    "Delivery",
    "Document",
    "DocumentType",
    "Export",
    "Follow",
    "Holiday",
    "KeptAnswer",
    "Many",
    "ManyItem",
    "Notification",
    "NotificationChoice",
    "Numbered",
    "OutboxDelivery",
    "OutboxEvent",
    "PersonalToken",
    "Record",
    "RecordQuerySet",
    "ReportMail",
    "ReturnedFile",
    "SavedView",
    "StateField",
    "Subscription",
    "User",
    "Visit",
]
