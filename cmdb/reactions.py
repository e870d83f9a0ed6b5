"""What the inventory does when facts become known."""

from cmdb import events, qualification
from kernel import outbox


@outbox.reaction(events.SiteChecked)
def tell_who_asked(event: events.SiteChecked) -> None:
    """Requests of other systems that waited for this check are done."""
    qualification.take_answer(check_id=event.check_id)
