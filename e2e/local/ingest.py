"""``make bench-ingest``: webhooks at a fixed rate through HAProxy, gateway and service, and what became of each.

First the clinic is suspended: the pool's whatsapp service verifies, stores and acknowledges for it while no worker
takes anything. Then it is awake and the same is sent again, with workers handling it, and reported. The load is the
generator of `services/bench`, for an HTTP client in Python does not reach this rate beside a cluster on two cores; it
goes to 127.0.0.1 alone, is bounded in count and time, and every acknowledged message is looked for in PostgreSQL.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local import database, edge, kubectl, world
from local.load import PATIENTS

RATE = float(os.environ.get("RATE", "1000"))
SECONDS = min(300.0, float(os.environ.get("LOAD_SECONDS", "60")))
CONNECTIONS = 200
P95_MS = 200
ACKNOWLEDGED = 0.999
GENERATOR = Path(__file__).parents[2] / "services" / "bench" / "load"
_CHUNK = 5000


@dataclass(frozen=True)
class Result:
    """How one load went. Times count from the moment a message was due."""

    offered: int
    acknowledged: int
    found: int
    p50: float
    p95: float
    p99: float

    @property
    def good(self) -> bool:
        """Whether it is as wanted."""
        enough = self.acknowledged >= ACKNOWLEDGED * RATE * SECONDS
        return enough and self.found == self.acknowledged and self.p95 < P95_MS

    def line(self, title: str) -> str:
        """Say it."""
        return (
            f"{title}: {RATE:,.0f}/s for {SECONDS:.0f} s, acknowledged {self.acknowledged:,} of {self.offered:,}"
            f" ({self.acknowledged / max(1, self.offered):.3%}), found in PostgreSQL {self.found:,};"
            f" p50 {self.p50:.0f} ms, p95 {self.p95:.0f} ms, p99 {self.p99:.0f} ms"
        )


def suspend(clinic: world.LocalClinic, *, suspended: bool) -> None:
    """Suspend or wake a clinic, and wait until its configuration says so."""
    kubectl.change("clinic", clinic.name, {"suspended": suspended}, namespace=world.NAMESPACE)
    query = f"select suspended from atendeai.clinic_config where name = '{clinic.name}'"  # noqa: S608 - our own name
    wanted = [["t" if suspended else "f"]]
    kubectl.wait_for(f"suspended={suspended} in the configuration", lambda: database.psql(query) == wanted)


def written(clinic: world.LocalClinic, app_secret: str, wamids: Sequence[str]) -> bytes:
    """The signed requests, each behind its length, as the generator reads them."""
    made = bytearray()
    for number, wamid in enumerate(wamids):
        sender = f"5521{number % PATIENTS + 900000000:09d}"
        body, headers = edge.signed(edge.text_message(clinic, sender, "oi", name="Carga", wamid=wamid), app_secret)
        lines = [f"{key}: {value}" for key, value in {"Host": clinic.host, **headers}.items()]
        head = "\r\n".join(["POST /webhook/whatsapp HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
        request = head.encode() + body
        made += len(request).to_bytes(4, "little") + request
    return bytes(made)


def stored(clinic: world.LocalClinic, wamids: Sequence[str]) -> int:
    """How many of these PostgreSQL holds."""
    found = 0
    for begin in range(0, len(wamids), _CHUNK):
        quoted = ",".join(f"'{wamid}'" for wamid in wamids[begin : begin + _CHUNK])
        found += database.count("whatsapp_inbound", clinic, f"wamid in ({quoted})")
    return found


def measure(clinic: world.LocalClinic, folder: Path) -> Result:
    """Offer messages for the time given, and look for each that was acknowledged."""
    credentials = kubectl.secret(f"{clinic.name}-whatsapp", world.NAMESPACE)
    if credentials is None:
        raise RuntimeError(f"the Secret {clinic.name}-whatsapp is not there; run: make up")
    wamids = [f"wamid.ingest.{uuid.uuid4().hex}" for _ in range(int(RATE * SECONDS))]
    requests, answers = folder / "requests", folder / "answers"
    requests.write_bytes(written(clinic, credentials["app-secret"], wamids))
    options = {"port": world.HTTPS, "tls": clinic.host, "rate": RATE, "connections": CONNECTIONS}
    options |= {"requests": requests, "answers": answers, "seconds": SECONDS + 10}
    command = [str(folder / "load"), *(word for key, value in options.items() for word in (f"-{key}", str(value)))]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS + 60)
    report = json.loads(done.stdout)
    statuses = answers.read_text().split()
    acknowledged = [wamid for wamid, status in zip(wamids, statuses, strict=True) if status == "200"]
    return Result(
        offered=len(wamids),
        acknowledged=len(acknowledged),
        found=stored(clinic, acknowledged),
        p50=report["p50_ms"],
        p95=report["p95_ms"],
        p99=report["p99_ms"],
    )


def main() -> None:
    """Measure with workers paused, then with workers."""
    clinic = world.LUA
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["go", "build", "-C", str(GENERATOR), "-o", str(folder / "load"), "."], check=True, timeout=300)
        suspend(clinic, suspended=True)
        try:
            paused = measure(clinic, folder)
        finally:
            suspend(clinic, suspended=False)
        print(paused.line("workers paused"), flush=True)
        print(measure(clinic, folder).line("workers handling"))
    verdict = "met" if paused.good else "missed"
    print(f"goal: {ACKNOWLEDGED:.1%} acknowledged, all of them found, p95 under {P95_MS} ms: {verdict}")
    sys.exit(0 if paused.good else 1)


if __name__ == "__main__":
    main()
