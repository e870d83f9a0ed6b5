"""Values: what the systems of a network answer, plausible and always the same for the same key."""

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Callable
from typing import Any

Maker = Callable[[int, dict[str, Any]], Any]


def _serial(seed: int, inputs: dict[str, Any]) -> str:
    size = str(inputs.get("size") or "M")[:1].upper()
    return f"TLE{size}{seed % 10**9:09d}"


def _prefix(seed: int, inputs: dict[str, Any]) -> str:
    length = int(str(inputs.get("prefix_length") or 29).lstrip("/") or 29)
    size = 2 ** (32 - length)
    base = int(ipaddress.ip_address("198.18.0.0"))  # RFC 2544: never on the Internet
    return f"{ipaddress.ip_address(base + (seed % (2**17 // size)) * size)}/{length}"


def _numbers(seed: int, inputs: dict[str, Any]) -> str:
    count = int(float(inputs.get("number_count") or inputs.get("numbers") or 1))
    first = 31_20_700_0000 + seed % 90_000 * 10
    return f"+{first}" if count == 1 else f"+{first} to +{first + count - 1}"


def _mac(seed: int, inputs: dict[str, Any]) -> str:
    return "02:" + ":".join(f"{(seed >> shift) & 255:02x}" for shift in (32, 24, 16, 8, 0))


def _pe(seed: int, inputs: dict[str, Any]) -> str:
    return f"pe{seed % 4 + 1}.{('ams', 'rtm', 'fra', 'bru')[seed % 4]}"


def _reach(seed: int, inputs: dict[str, Any]) -> str:
    """Near-net as a rule; far away it has to be built, and very far it cannot be."""
    metres = int(inputs.get("distance_m") or 0)
    return "near_net" if metres <= 11_000 else "off_net" if metres <= 20_000 else "impossible"


MAKERS: dict[str, Maker] = {
    "result": _reach,
    "technology": lambda seed, inputs: "fibre",
    "lead_days": lambda seed, inputs: {"near_net": 30, "off_net": 80}.get(_reach(seed, inputs), 0) + seed % 6,
    "build_cost": lambda seed, inputs: "0" if _reach(seed, inputs) != "off_net" else str(4_000 + seed % 60 * 100),
    "max_mbps": lambda seed, inputs: 10_000 if _reach(seed, inputs) == "near_net" else 1_000,
    "serial_number": _serial,
    "cpe_serial": _serial,
    "vlan": lambda seed, inputs: inputs.get("vlan") or 2000 + seed % 1900,
    "ip_prefix": _prefix,
    "ip_block": _prefix,
    "circuit_id": lambda seed, inputs: f"CIR-{seed % 10**8:08d}",
    "pe_port": lambda seed, inputs: f"{_pe(seed, inputs)} xe-0/0/{seed % 48}",
    "pe_router": _pe,
    "vrf": lambda seed, inputs: f"vrf-{seed % 65000}",
    "asn": lambda seed, inputs: 64512 + seed % 1023,
    "mac_address": _mac,
    "tracking_number": lambda seed, inputs: f"3S{seed % 10**10:010d}",
    "phone_numbers": _numbers,
    "msisdn": _numbers,
    "iccid": lambda seed, inputs: f"8931{seed % 10**15:015d}",
    "imsi": lambda seed, inputs: f"20499{seed % 10**10:010d}",
    "tenant_id": lambda seed, inputs: f"tn-{seed % 16**8:08x}",
    "licence_key": lambda seed, inputs: f"LIC-{seed % 10**6:06d}-{seed // 7 % 10**4:04d}",
    "management_ip": lambda seed, inputs: f"100.64.{seed % 250}.{seed // 251 % 250 + 1}",
    "olt_port": lambda seed, inputs: f"olt{seed % 12 + 1} 0/{seed % 16}/{seed % 64}",
    "foc_date": lambda seed, inputs: (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=4 + seed % 4)).isoformat(),
    "wan_optimisation": lambda seed, inputs: str(inputs.get("size")) in ("L", "large") or seed % 2 == 0,
    "peer_ip": lambda seed, inputs: f"198.19.{seed % 250}.{seed // 7 % 250}",
    "vrf_name": lambda seed, inputs: f"vrf-{seed % 65000}",
    "number_range": _numbers,
    "design_id": lambda seed, inputs: f"DES-{seed % 10**6:06d}",
    "instance_id": lambda seed, inputs: f"fw-{seed % 16**6:06x}",
    "tracking": lambda seed, inputs: f"3S{seed % 10**10:010d}",
    "availability": lambda seed, inputs: "available",
    "measured_mbps": lambda seed, inputs: inputs.get("bandwidth_mbps") or 940,
}  # fmt: skip

# What an operation answers when the caller does not say what it wants.
USUAL: dict[str, tuple[str, ...]] = {
    "allocate": ("serial_number",),
    "ship": ("tracking_number",),
    "port": ("pe_port", "vlan"),
    "circuit": ("circuit_id",),
    "prefix": ("ip_prefix",),
    "tenant": ("tenant_id",),
}


def outputs_of(
    system: str, operation: str, key: str, inputs: dict[str, Any], wanted: list[str] | None = None
) -> dict[str, Any]:
    """Values of an operation: those wanted, else those usual for the first word of the operation that we know."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6])
    usual = [name for word in operation.replace(".", "_").split("_") for name in USUAL.get(word, ())]
    names = usual if wanted is None else wanted
    return {name: _value(name, seed, inputs, system) for name in dict.fromkeys(names)}


def _value(name: str, seed: int, inputs: dict[str, Any], system: str) -> Any:
    maker = MAKERS.get(name)
    return (
        maker(seed, inputs)
        if maker
        else inputs.get(name) or f"{system[:3].upper()}-{name[:3].upper()}-{seed % 10**6:06d}"
    )
