"""One resource in, one directory of YAML out: what the operator makes of each fixture, to be read in a diff.

A Secret is shown with its contents in plain text (all of it is made up for these tests), certificates and keys by name.
`make golden` rewrites the directories.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from atendeai_operator.api.names import LABEL_COMPONENT
from atendeai_operator.clinic import build as clinic_build
from atendeai_operator.clinic import validate as clinic_validate
from atendeai_operator.stack import build as stack_build
from atendeai_operator.stack import validate as stack_validate
from tests.unit.build import samples

HERE = Path(__file__).parent
FIXTURES = sorted((HERE / "fixtures").glob("*.yaml"))
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n?", re.DOTALL)


class _Dumper(yaml.SafeDumper):
    """Several lines as several lines, and no references."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _readable(text: str) -> Any:
    """Return JSON as what it says, a PEM block as its kind, everything else as it is."""
    if text.startswith("{"):
        return {"json": json.loads(text)}
    return _PEM.sub(lambda block: f"<{block.group(1).lower()}>\n", text)


def _shown(obj: dict[str, Any]) -> dict[str, Any]:
    if obj["kind"] == "Secret":
        plain = {key: base64.b64decode(value).decode() for key, value in obj["data"].items()}
        return {**obj, "data": {key: _readable(text) for key, text in plain.items()}}
    return obj


def _dumped(documents: Iterable[Any]) -> str:
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _by_component(objects: Iterable[dict[str, Any]]) -> dict[str, str]:
    parts: dict[str, list[Any]] = defaultdict(list)
    for obj in objects:
        parts[obj["metadata"]["labels"][LABEL_COMPONENT]].append(_shown(obj))
    return {f"{component}.yaml": _dumped(documents) for component, documents in parts.items()}


def _stack(fixture: dict[str, Any]) -> dict[str, str]:
    clinics = []
    for entry in fixture.get("clinics", []):
        given = dict(entry)
        name = given.pop("name")
        if given.pop("tls", False):
            given["tls"] = samples.certificate(f"{name}.atendeai.local")
        clinics.append(samples.edge_clinic(name, **given))
    facts = samples.stack_facts(fixture["spec"], clinics=tuple(clinics), **fixture.get("facts", {}))
    return _by_component(stack_build.build(stack_validate.validate(facts)))


def _clinic(fixture: dict[str, Any]) -> dict[str, str]:
    stack = samples.stack_summary(fixture.get("stack"))
    facts = samples.clinic_facts(fixture["spec"], name=fixture["name"], stack=stack)
    plan = clinic_validate.validate(facts)
    wanted = asdict(clinic_build.tenancy(plan))
    tenancy = json.loads(
        json.dumps(wanted, default=lambda value: value.decode() if isinstance(value, bytes) else str(value))
    )
    return {**_by_component(clinic_build.build(plan)), "tenancy.yaml": _dumped([tenancy])}


def rendered(path: Path) -> dict[str, str]:
    """Return the files that one fixture makes, by name."""
    fixture = yaml.safe_load(path.read_text(encoding="utf-8"))
    return _stack(fixture) if fixture["kind"] == "AtendeAIStack" else _clinic(fixture)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_golden(path: Path, *, rewrite: bool) -> None:
    directory, files = HERE / "expected" / path.stem, rendered(path)
    if rewrite:
        directory.mkdir(parents=True, exist_ok=True)
        for left in directory.glob("*.yaml"):
            left.unlink()
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
    found = {left.name: left.read_text(encoding="utf-8") for left in directory.glob("*.yaml")}
    assert sorted(found) == sorted(files)
    for name, text in files.items():
        assert found[name] == text, f"{directory.name}/{name} differs: read the diff, then `make golden`"


def test_every_golden_directory_has_its_fixture() -> None:
    assert {path.name for path in (HERE / "expected").iterdir()} == {path.stem for path in FIXTURES}


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_rendering_twice_gives_the_same(path: Path) -> None:
    assert rendered(path) == rendered(path)
