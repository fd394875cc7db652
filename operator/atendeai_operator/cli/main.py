"""`kubectl atendeai`: what somebody who runs clinics asks, in one look.

Reads only, with the caller's own kubeconfig and rights.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from atendeai_operator.cli import view
from atendeai_operator.kube.client import Cluster, Object, connect
from atendeai_operator.kube.kinds import CLINIC, EVENT, STACK, Kind
from atendeai_operator.pipeline.errors import KubeError

app = typer.Typer(
    help="Stacks and clinics of AtendeAI at a glance.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
console = Console(soft_wrap=True)
problems = Console(stderr=True, soft_wrap=True)

T = TypeVar("T")
_HEADER = ("NAMESPACE", "CLINIC", "STATE", "ISOLATION", "PODS", "VERSION", "URL")
_STATE = _HEADER.index("STATE")
_COLOURS = {"ready": "green", "suspended": "cyan", "paused": "cyan", "working": "yellow", "deleting": "yellow"}

Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace; all when absent.")]
OneNamespace = Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the clinic.")]
Kubeconfig = Annotated[Path | None, typer.Option("--kubeconfig", help="Kubeconfig file; $KUBECONFIG by default.")]


def _ask(kubeconfig: Path | None, question: Callable[[Cluster], Awaitable[T]]) -> T:
    """Return the answer of the cluster; end with a sentence when there is none."""

    async def run() -> T:
        cluster = await connect(path)
        try:
            return await question(cluster)
        finally:
            await cluster.close()

    path = kubeconfig or Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    if not path.exists():
        problems.print(f"There is no kubeconfig at {path}: name one with --kubeconfig.")
        raise typer.Exit(2)
    try:
        return asyncio.run(run())
    except KubeError as error:
        problems.print(f"The cluster did not answer: {error}", markup=False)
        raise typer.Exit(2) from error


def _coloured(word: str) -> str:
    return f"[{_COLOURS.get(word, 'red')}]{word}[/]"


@app.command()
def status(namespace: Namespace = None, kubeconfig: Kubeconfig = None) -> None:
    """Show every stack with its concerns. Ends with 1 when one is not ready."""
    stacks = _ask(kubeconfig, lambda cluster: cluster.list(STACK, namespace))
    if not stacks:
        console.print("There is no AtendeAIStack here.")
    for live in stacks:
        meta, told = live["metadata"], live.get("status") or {}
        console.print(
            f"[bold]{meta['namespace']}/{meta['name']}[/]  {_coloured(view.verdict(live))}"
            f"  version {told.get('version', '-')}  clinics {told.get('clinics', 0)}"
        )
        _concerns(live)
    if not all(view.is_ready(live) for live in stacks):
        raise typer.Exit(1)


@app.command()
def clinics(namespace: Namespace = None, kubeconfig: Kubeconfig = None) -> None:
    """List the clinics. Ends with 1 when one is neither ready nor paused."""
    found = _ask(kubeconfig, lambda cluster: cluster.list(CLINIC, namespace))
    rows = [(live["metadata"]["namespace"], *view.clinic_row(live)) for live in found]
    lines = view.columns([_HEADER, *rows])
    console.print(lines[0])
    for row, line in zip(rows, lines[1:], strict=True):
        console.print(line, style=_COLOURS.get(row[_STATE], "red") if row[_STATE] != "ready" else None, markup=False)
    if not all(view.is_ready(live) or view.verdict(live) == "paused" for live in found):
        raise typer.Exit(1)


@app.command()
def explain(clinic: str, namespace: OneNamespace = "default", kubeconfig: Kubeconfig = None) -> None:
    """Say how a clinic stands, why, and what to do next. Ends with 1 when it is not ready."""

    async def question(cluster: Cluster) -> tuple[Object | None, list[Object], list[Object]]:
        live = await cluster.get(CLINIC, namespace, clinic)
        if live:
            return live, await cluster.list(EVENT, namespace), []
        stacks = await _listed(cluster, STACK) or await _listed(cluster, STACK, namespace)
        return None, await _listed(cluster, CLINIC), stacks

    live, found, stacks = _ask(kubeconfig, question)
    if live is None:
        problems.print(view.nowhere(clinic, namespace, found, stacks), markup=False)
        raise typer.Exit(2)
    console.print(f"[bold]{clinic}[/]  {_coloured(view.verdict(live))}")
    for said in view.head(live):
        console.print(f"  {said}", markup=False)
    _concerns(live)
    happened = view.recent_events(found, live["metadata"]["uid"])
    if happened:
        console.print("What happened:")
        for when, reason, message in happened:
            console.print(f"  {when}  {reason}: {message}", markup=False)
    steps = view.advice(live)
    if steps:
        console.print("What to do:")
        for step in steps:
            console.print(f"  {step}", markup=False)
    if not view.is_ready(live):
        raise typer.Exit(1)


async def _listed(cluster: Cluster, kind: Kind, namespace: str | None = None) -> list[Object]:
    """Return the objects of a kind, of all namespaces or of one; none where the caller may not list them."""
    try:
        return await cluster.list(kind, namespace)
    except KubeError:
        return []


def _concerns(live: Object) -> None:
    for concern in view.concerns(live):
        colour = "green" if concern.mark == "✓" else "yellow"
        console.print(
            f"  [{colour}]{concern.mark}[/] {concern.name:<18} {concern.reason}  [dim]{escape(concern.message)}[/]"
        )


if __name__ == "__main__":
    app()
