"""Run the whole product: database, seed, web, worker, beat, network simulator."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import connections, transaction

from config import supervisor
from kernel.roles import ROLES


class Command(BaseCommand):
    """`make run`; settings come from the environment."""

    help = "Run the whole product until Ctrl-C."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        with supervisor.alone():
            stack = supervisor.stack()
            supervisor.say("bringing the database up to date")
            call_command("migrate", verbosity=0, interactive=False)
            call_command("synchronise_roles", verbosity=0)
            if settings.DEMO and not get_user_model().objects.exists():
                supervisor.say("the database is empty: filling it with the demo")
                with transaction.atomic():  # all of it or nothing, so that an interrupted start can be repeated
                    call_command("seed_demo", verbosity=0)
            welcome = self.welcome(stack.url)
            connections.close_all()
            supervisor.say("starting web, worker, beat and network simulator")
            supervisor.keep(stack, lambda: self.stdout.write(welcome))
        supervisor.say("stopped")

    def welcome(self, url: str) -> str:
        """Where to go, and who may log in: the first active person of each role."""
        found: dict[str, str] = {}
        people = get_user_model().objects.filter(is_active=True, groups__name__in=ROLES).order_by("-pk")
        for role, name in people.values_list("groups__name", "username"):
            found[str(role)] = name
        lines = [f"  {ROLES[role]:<24}{found[role]}" for role in ROLES if role in found]
        if superuser := get_user_model().objects.filter(is_superuser=True, is_active=True).order_by("pk").first():
            lines.append(f"  {'Administrator':<24}{superuser.username}")
        if not lines:
            return f"\nTrunkline runs at {url}\nNobody can log in yet: `.venv/bin/python manage.py createsuperuser`.\n"
        password = demo_password()
        told = f", password {password}" if password else ""
        return "\n".join([f"\nTrunkline runs at {url}", f"Log in as{told}", *lines, "Ctrl-C stops it.\n"])


def demo_password() -> str:
    """The password of the demo's people, named by the command that makes them; empty without it."""
    app = get_commands().get("seed_demo")
    if app is None:
        return ""
    command = load_command_class(app, "seed_demo") if isinstance(app, str) else app
    return str(getattr(command, "PASSWORD", ""))
