"""Systems outside: one interface to all of them, each with a client and a fake.

Start reading at base.py; `named(system)` gives the adapter that the engine calls.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from fulfillment.adapters.base import Adapter, Answer, Call

SYSTEMS = ("provisioning", "inventory", "porting", "logistics", "billing", "access")
ASKED = ("feasibility",)  # asked before an order, so that no plan calls them
# What the systems can do; an API call of a plan names one of these.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "provisioning": (
        "bgp.configure", "cpe.configure", "fw.activate", "fw.deploy", "fw.dmz", "fw.utm", "mobile.activate", "olt.port",
        "overlay.push", "pe.attach", "port.block", "port.change", "port.create", "port.open", "port.remove",
        "sbc.configure", "sdwan.turn_up", "security.apply",
        "tenant.create", "tv.packs", "vrf.create", "wanopt.enable",
    ),
    "inventory": (
        "cpe.allocate", "emergency.register", "ip.allocate", "licence.assign", "msisdn.assign", "numbers.assign",
        "sdwan.design",
    ),
    "porting": ("porting.activate", "porting.request"),
    "logistics": ("cpe.collect", "cpe.ship", "sim.pick"),
    "billing": ("billing.start", "billing.stop"),
    "access": ("access.cancel", "access.order"),
}  # fmt: skip

_in_use: dict[str, Adapter] = {}


def named(system: str) -> Adapter:
    """The adapter of a system. Raises LookupError for one that we have no adapter for."""
    if system not in _in_use:
        if system not in (*SYSTEMS, *ASKED):
            raise LookupError(f"There is no adapter for a system called “{system}”.")
        _in_use[system] = import_module(f"fulfillment.adapters.{system}.client").Client()
    return _in_use[system]


@contextmanager
def replaced(*fakes: Adapter) -> Iterator[None]:
    """Use other adapters for a while; for tests and dry runs."""
    before = dict(_in_use)
    _in_use.update({fake.system: fake for fake in fakes})
    try:
        yield
    finally:
        _in_use.clear()
        _in_use.update(before)


__all__ = ["ASKED", "OPERATIONS", "SYSTEMS", "Adapter", "Answer", "Call", "named", "replaced"]
