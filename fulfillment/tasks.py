"""Background work of the engine: a message only wakes, the database holds what is to be done."""

from celery import shared_task

from fulfillment import assignment, execution, learning, planversions, recovery, sitechecks
from kernel import sweeping

sweeping.watch("fulfillment.tasks.run", recovery.WORK, queue="engine")
sweeping.watch("fulfillment.tasks.ask_partners", sitechecks.DUE)
sweeping.watch("fulfillment.tasks.sweep", recovery.RETRIES, queue="engine")


@shared_task(name="fulfillment.tasks.run")
def run() -> int:
    """Do what is ready."""
    return execution.run_ready()


@shared_task(name="fulfillment.tasks.sweep")
def sweep() -> int:
    """Find what no message announced."""
    return recovery.sweep()


@shared_task(name="fulfillment.tasks.learn")
def learn() -> int:
    """Bring the learned durations up to date; run by beat every hour."""
    return learning.learn()


@shared_task(name="fulfillment.tasks.retire_plans")
def retire_plans() -> int:
    """Retire versions of plans that a later one has replaced by now."""
    return planversions.retire_outlived()


@shared_task(name="fulfillment.tasks.assign_free")
def assign_free() -> int:
    """Give free tasks to people where their team wants it; run by beat twice a minute."""
    return assignment.assign_free()


@shared_task(name="fulfillment.tasks.ask_partners")
def ask_partners() -> int:
    """Ask partners whether they reach sites, where it is time."""
    return sitechecks.ask_due()
