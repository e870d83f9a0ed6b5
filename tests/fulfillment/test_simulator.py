"""The simulated network over real HTTP, and the fakes held to the same contract."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from config.valkey import free_port
from fulfillment import adapters
from fulfillment.adapters import Adapter, Call, http
from fulfillment.adapters.http import close, masked
from tests.factories.people import UserFactory

ROOT = Path(__file__).resolve().parents[2]


class Mailbox(BaseHTTPRequestHandler):
    """Takes callbacks."""

    received: list[tuple[str, dict[str, str], bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def mailbox() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Mailbox)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def network(mailbox: HTTPServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    state = tmp_path_factory.mktemp("network") / "state.sqlite3"
    back = f"http://127.0.0.1:{mailbox.server_address[1]}"
    command = [
        sys.executable, "manage.py", "simulate_network", "--port", str(port), "--state", str(state),
        "--callback-url", back, "--delay", "0.02",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "listens" in process.stdout.readline()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    assert process.wait(15) == 0
    process.stdout.close()
    close()


@pytest.fixture
def clean(network: str) -> str:
    httpx.post(f"{network}/_reset", trust_env=False)
    Mailbox.received.clear()
    return network


def get(url: str) -> Any:
    return httpx.get(url, trust_env=False).json()


def faults(url: str, *wanted: dict[str, Any]) -> None:
    assert httpx.put(f"{url}/_faults", json=list(wanted), trust_env=False).status_code == 200


def call(
    system: str = "provisioning", operation: str = "port.create", key: str = "TSK0000001-do-1", **more: Any
) -> Call:
    return Call(key=key, task=key.split("-")[0], system=system, operation=operation, **more)


def client(system: str, url: str) -> Adapter:
    made: Adapter = import_module(f"fulfillment.adapters.{system}.client").Client(url)
    return made


def fake(system: str, url: str) -> Adapter:
    made: Adapter = import_module(f"fulfillment.adapters.{system}.fake").Fake()
    return made


@pytest.mark.slow
@pytest.mark.parametrize("made", [client, fake], ids=["client", "fake"])
@pytest.mark.parametrize("system", adapters.SYSTEMS)
def test_every_adapter_keeps_the_contract(system: str, made: Any, clean: str) -> None:
    adapter = made(system, clean)
    assert adapter.system == system
    work = call(system, "device.allocate", inputs={"size": "L"})
    assert adapter.query(work) is None
    first = adapter.do(work)
    assert (first.outcome, first.status) == ("done", 200)
    assert first.outputs["serial_number"].startswith("TLEL")
    assert adapter.do(work) == first
    assert adapter.query(work).outputs == first.outputs
    undo = call(system, "device.allocate", key="TSK0000001-undo-1", mode="undo")
    assert adapter.undo(undo).outcome == "done"
    waiting = adapter.do(call(system, "event.await", key="TSK0000002-do-1", kind="wait_event"))
    assert waiting.outcome == "accepted"
    done = adapter.read_callback({"status": "completed", "outputs": {"a": 1}})
    assert (done.outcome, done.outputs) == ("done", {"a": 1})
    assert adapter.read_callback({"status": "failed", "code": "x", "message": "No"}).outcome == "rejected"


@pytest.mark.slow
def test_a_taken_vlan_is_refused_with_the_first_free_one(clean: str) -> None:
    adapter = client("provisioning", clean)
    work = call(inputs={"vlan": 2114}, context={"site": {"code": "AMS-01"}, "wanted": ["pe_port"]})
    answer = adapter.do(work)
    assert (answer.outcome, answer.status, answer.kind) == ("rejected", 409, "data")
    assert answer.suggestion == {"vlan": 2131}
    assert "2114" in answer.detail
    again = adapter.do(call(inputs={"vlan": 2131}, context={"wanted": ["pe_port"]}))
    assert (again.outcome, list(again.outputs)) == ("done", ["pe_port"])
    found = get(f"{clean}/_effects")
    assert {name: found[name] for name in ("total", "calls", "owed", "duplicates")} == {
        "total": 1, "calls": 2, "owed": 0, "duplicates": {},
    }  # fmt: skip
    assert (found["by_system"], len(found["recent"])) == ({"provisioning": 1}, 1)


@pytest.mark.slow
def test_faults_happen_as_often_as_they_are_set(clean: str) -> None:
    faults(
        clean, {"operation": "port.create", "kind": "error", "times": 2},
        {"kind": "reject", "code": "no_capacity", "message": "Full", "match": {"site": "AMS-02"}},
    )  # fmt: skip
    adapter = client("provisioning", clean)
    assert [adapter.do(call()).outcome for _ in range(3)] == ["unknown", "unknown", "done"]
    answer = adapter.do(call(key="TSK0000002-do-1", context={"site": {"code": "AMS-02"}}))
    assert (answer.outcome, answer.kind, answer.detail) == ("rejected", "inventory_allocation", "Full")
    assert [fault["times"] for fault in get(f"{clean}/_faults")] == [0, 0]
    assert httpx.put(f"{clean}/_faults", json={"kind": "x"}, trust_env=False).status_code == 400


@pytest.mark.slow
def test_a_lost_answer_had_its_effect_and_can_be_asked_after(clean: str) -> None:
    faults(clean, {"kind": "lost_answer"})
    adapter = client("inventory", clean)
    work = call("inventory", "device.allocate")
    assert adapter.do(work).outcome == "unknown"
    known = adapter.query(work)
    assert known is not None
    assert known.outcome == "done"
    assert get(f"{clean}/_effects")["by_key"] == {work.key: 1}


@pytest.mark.slow
def test_a_system_that_is_not_there_is_retried_and_after_five_times_left_alone(clean: str) -> None:
    adapter = client("billing", f"http://127.0.0.1:{free_port()}")
    outcomes = [adapter.do(call("billing", "account.open")).outcome for _ in range(6)]
    assert outcomes == ["retry"] * 5 + ["postponed"]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "statuses"), [
    ("duplicate_callback", ["progress", "completed", "completed", "completed"]),
    ("out_of_order", ["completed", "progress"]),
    ("reject_later", ["failed"]),
])  # fmt: skip
def test_callbacks_come_signed_in_the_order_that_a_fault_says(kind: str, statuses: list[str], clean: str) -> None:
    from fulfillment import receipt

    faults(clean, {"kind": kind})
    assert client("porting", clean).do(call("porting", "number.port")).outcome == "accepted"
    for _ in range(200):
        if len(Mailbox.received) == len(statuses):
            break
        threading.Event().wait(0.02)
    import json

    assert [json.loads(body)["status"] for _, _, body in Mailbox.received] == statuses
    path, headers, body = Mailbox.received[0]
    assert path == "/callbacks/porting/"
    receipt.check(headers["X-Trunkline-Timestamp"], headers["X-Trunkline-Signature"], body)


@pytest.mark.slow
def test_nonsense_is_refused_in_words(clean: str) -> None:
    for content in (b"{", b"[]", b"\xff"):
        answer = httpx.post(f"{clean}/billing/x", content=content, headers={"Idempotency-Key": "k"}, trust_env=False)
        assert answer.status_code == 400
        assert answer.json()["code"] == "bad_request"
    assert httpx.get(f"{clean}/billing/x", trust_env=False).status_code == 404


def test_secrets_are_masked_at_any_depth() -> None:
    stored = masked({"vlan": 7, "admin_password": "x", "list": [{"api_key": "y", "pin": ""}], "token": None})
    assert stored == {"vlan": 7, "admin_password": "•••", "list": [{"api_key": "•••", "pin": ""}], "token": None}


def test_people_set_and_take_back_faults_by_the_command(
    network: str, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SIMULATOR_URL = network
    call_command("simulate_network", "--fault", "lost_answer:port.create:3", "--fault", "error", "--share", "0.02")
    found = json.loads(capsys.readouterr().out)
    assert [(one["kind"], one["operation"], one["times"], one["share"]) for one in found] == [
        ("lost_answer", "port.create", 3, 0.02), ("error", "*", -1, 0.02),
    ]  # fmt: skip
    with pytest.raises(CommandError, match="There is no fault"):
        call_command("simulate_network", "--fault", "flood")
    call_command("simulate_network", "--no-faults")
    call_command("simulate_network", "--effects")
    said = capsys.readouterr().out
    assert said.startswith("[]")
    assert '"duplicates"' in said


@pytest.mark.slow
@pytest.mark.django_db
def test_a_process_admin_sets_faults_and_reads_effects_in_the_browser(clean: str, settings: Any) -> None:
    browser = Client()
    settings.SIMULATOR_URL = clean
    page, fault, remove = (
        reverse(f"fulfillment:{name}") for name in ("network", "network_fault", "network_remove")
    )  # fmt: skip
    browser.force_login(UserFactory(role="process_admin"))
    assert "Nothing goes wrong" in browser.get(page).content.decode()
    assert browser.post(fault, {"kind": "flood", "operation": "*"}).status_code == 422
    for values in ({"kind": "error", "operation": "port.create", "times": 2}, {"kind": "timeout", "operation": "*",
                   "share": 2, "site": "AMS-02"}):  # fmt: skip
        assert browser.post(fault, values).status_code == 302
    shown = browser.get(page).content.decode()
    assert all(word in shown for word in ("It answers with an error", "2 more", "2 %", "site AMS-02"))
    assert client("provisioning", clean).do(call()).outcome == "unknown"
    assert browser.post(remove, {"fault": "0"}).status_code == 302
    assert [one["kind"] for one in get(f"{clean}/_faults")] == ["timeout"]
    assert browser.post(remove).status_code == 302
    assert client("provisioning", clean).do(call()).outcome == "done"
    assert "port.create" in browser.get(page).content.decode()
    browser.force_login(UserFactory(role="fulfilment_manager"))
    assert "Process admins set faults" in browser.get(page).content.decode()
    assert browser.post(remove).status_code == 403

    settings.SIMULATOR_URL = f"http://127.0.0.1:{free_port()}"
    assert "It does not answer" in browser.get(page).content.decode()
    browser.force_login(UserFactory(role="process_admin"))
    assert browser.post(remove).status_code == 409
    settings.SYSTEM_URLS = dict.fromkeys(adapters.SYSTEMS, "https://real.example")
    assert browser.get(page).status_code == 404


def test_a_real_system_takes_the_place_of_the_simulated_one(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SYSTEM_URLS, settings.SYSTEM_TOKENS = {"billing": "https://bill.example/api/"}, {"billing": "s3cret"}
    asked: list[tuple[str, dict[str, str]]] = []

    class Line:
        def request(self, method: str, url: str, headers: dict[str, str], **more: Any) -> httpx.Response:
            asked.append((url, headers))
            return httpx.Response(200, json={"status": "done"})

    monkeypatch.setattr(http, "client", Line)
    module = import_module("fulfillment.adapters.billing.client")
    assert module.Client().do(call("billing", "billing.start")).outcome == "done"
    assert asked[0][0] == "https://bill.example/api/billing.start"
    assert asked[0][1]["Authorization"] == "Bearer s3cret"
    assert asked[0][1]["Idempotency-Key"]
    assert module.Client("http://other").url == "http://other/billing"
