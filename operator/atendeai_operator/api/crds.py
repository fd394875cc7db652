"""The CRDs, generated from the models: structural schemas with CEL rules. Pure but for the command at the end.

`python -m atendeai_operator.api.crds crds/` writes them, `--check` compares. What a structural schema may contain is
said in the Kubernetes documentation ("Specifying a structural schema"): no $ref, no additionalProperties beside
properties, no anyOf around types; unknown fields are pruned by the server and refused by strict clients.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from atendeai_operator.api import names
from atendeai_operator.api.clinic import ClinicResource
from atendeai_operator.api.schema import ApiModel, Rule, Transition
from atendeai_operator.api.stack import StackResource

_DROPPED = ("title", "examples", "uniqueItems")
_INT32 = 2**31 - 1


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


class StructuralSchema(GenerateJsonSchema):
    """Pydantic's generator, turned to what the API server accepts."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Leave null out: to the API server a field that is null is a field that is absent."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Give only defaults that are values; an absent optional field has none."""
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        result = super().default_schema(schema)
        if "default" in result:
            result["default"] = _without_nulls(result["default"])
        return result

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        """Write every literal as an enum of strings."""
        return {"type": "string", "enum": list(schema["expected"])}

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        """Say how wide an integer is."""
        result = super().int_schema(schema)
        result["format"] = "int32" if result.get("maximum", _INT32 + 1) <= _INT32 else "int64"
        return result

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Add the CEL rules of the model."""
        result = super().model_schema(schema)
        result.pop("additionalProperties", None)
        cls = schema["cls"]
        if issubclass(cls, ApiModel) and (cls.RULES or cls.TRANSITIONS):
            rules: list[Rule | Transition] = [*cls.RULES, *cls.TRANSITIONS]
            result["x-kubernetes-validations"] = [{"rule": rule.cel, "message": rule.message} for rule in rules]
        return result


def structural(model: type[ApiModel]) -> dict[str, Any]:
    """Return the structural schema of a model, without references."""
    document = model.model_json_schema(by_alias=True, schema_generator=StructuralSchema, mode="validation")
    definitions = document.pop("$defs", {})

    def resolve(node: Any, *, of_properties: bool = False) -> Any:
        if isinstance(node, list):
            return [resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        if of_properties:
            return {key: resolve(value) for key, value in node.items()}
        if "$ref" in node:
            target = definitions[node["$ref"].rsplit("/", 1)[1]]
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return {
            key: value if key in ("default", "enum") else resolve(value, of_properties=key == "properties")
            for key, value in node.items()
            if key not in _DROPPED
        }

    schema: dict[str, Any] = resolve(document)
    schema["properties"]["metadata"] = {"type": "object"}
    for key in ("apiVersion", "kind"):
        schema["properties"][key] = {"type": "string"}
    schema["required"] = ["spec"]
    return schema


def _condition(kind: str, part: str = "status") -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{part}'


def _column(name: str, path: str, *, wide: bool = False, kind: str = "string") -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path}
    if wide:
        column["priority"] = 1
    return column


_AGE = _column("Age", ".metadata.creationTimestamp", kind="date")

_STACK_COLUMNS = [
    _column("Ready", _condition("Ready")),
    _column("Version", ".status.version"),
    _column("Gateway", ".spec.gateway.provider"),
    _column("Clinics", ".status.clinics", kind="integer"),
    _AGE,
    _column("Reason", _condition("Ready", "reason"), wide=True),
    _column("Message", _condition("Ready", "message"), wide=True),
]

_CLINIC_COLUMNS = [
    _column("Ready", _condition("Ready")),
    _column("Isolation", ".spec.isolation"),
    _column("Version", ".status.version"),
    _column("URL", ".status.url"),
    _column("WhatsApp", _condition("ChannelReady")),
    _AGE,
    _column("Reason", _condition("Ready", "reason"), wide=True),
    _column("Stack", ".spec.stackRef.name", wide=True),
    _column("Namespace", ".status.namespace", wide=True),
]


def _crd(model: type[ApiModel], *, kind: str, plural: str, short: str, columns: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{names.GROUP}", "labels": {names.LABEL_PART_OF: "atendeai"}},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
                "categories": ["atendeai"],
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                    "schema": {"openAPIV3Schema": structural(model)},
                }
            ],
        },
    }


def crds() -> dict[str, dict[str, Any]]:
    """Return every CRD by the name of its file."""
    return {
        f"{names.GROUP}_{names.STACK_PLURAL}.yaml": _crd(
            StackResource, kind=names.STACK_KIND, plural=names.STACK_PLURAL, short="stack", columns=_STACK_COLUMNS
        ),
        f"{names.GROUP}_{names.CLINIC_PLURAL}.yaml": _crd(
            ClinicResource, kind=names.CLINIC_KIND, plural=names.CLINIC_PLURAL, short="cl", columns=_CLINIC_COLUMNS
        ),
    }


class _Plain(yaml.SafeDumper):
    """A dumper without anchors: a schema is read by people."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is the library's
        return True


def render(crd: dict[str, Any]) -> str:
    """Return a CRD as YAML, with a line that says where it comes from."""
    head = "# Generated from operator/atendeai_operator/api by `make crds`. Do not edit.\n"
    return head + yaml.dump(crd, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


def main(argv: list[str] | None = None) -> int:
    """Write the CRDs into a folder, or compare them with what is there; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m atendeai_operator.api.crds", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    arguments = parser.parse_args(argv)
    differing = []
    for name, crd in crds().items():
        path, text = arguments.folder / name, render(crd)
        if arguments.check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                differing.append(path)
        else:
            arguments.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in differing:
        sys.stderr.write(f"{path} differs from the models: run `make crds`\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
