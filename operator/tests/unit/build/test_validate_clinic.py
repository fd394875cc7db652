"""Every way in which a clinic cannot be carried out names the field and the remedy."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from atendeai_operator.clinic import build
from atendeai_operator.clinic.facts import ClinicFacts, Ownership, SecretFact
from atendeai_operator.clinic.validate import validate
from atendeai_operator.pipeline.errors import InvalidSpec
from atendeai_operator.pipeline.ports import Claim, ClaimResult
from tests.unit.build import samples

GOOGLE = {"provider": "Google", "credentialsSecretRef": {"name": "sol-calendar"}}
OPENAI = {
    "provider": "OpenAI",
    "baseURL": "https://api.openai.com/v1",
    "model": "m",
    "apiKeySecretRef": {"name": "sol-ai"},
    "privacy": {"acknowledged": True},
}


def _facts(**spec: Any) -> ClinicFacts:
    return samples.clinic_facts(samples.clinic_spec(**spec))


def _refused(facts: ClinicFacts) -> InvalidSpec:
    with pytest.raises(InvalidSpec) as caught:
        validate(facts)
    return caught.value


def _without(secret: SecretFact | None, *keys: str) -> SecretFact:
    assert secret is not None
    assert secret.data is not None
    return replace(secret, data={key: value for key, value in secret.data.items() if key not in keys})


def test_the_smallest_clinic_is_accepted() -> None:
    assert validate(_facts()).dedicated is not None
    assert validate(_facts(isolation="Shared")).dedicated is None


def test_what_the_database_cannot_keep_is_named_with_its_place() -> None:
    people = [{"code": "a", "name": "A"}, {"code": "b", "name": "B", "calendarId": "b\0@example.com"}]
    assert _refused(_facts(profile={"professionals": people})).field == "spec.profile.professionals[1].calendarId"


@pytest.mark.parametrize("name", ["Mars/Olympus", "America", "localtime", "posixrules"])
def test_a_time_zone_of_no_place_is_refused(name: str) -> None:
    assert _refused(_facts(timezone=name)).field == "spec.timezone"


def test_a_lost_host_is_named_with_its_place() -> None:
    facts = replace(
        _facts(hosts=["a.example", "b.example"]), claims=ClaimResult(lost=frozenset({Claim("host", "b.example")}))
    )
    error = _refused(facts)
    assert error.field == "spec.hosts[1]"
    assert "b.example" in error.reason
    assert error.code == "ClaimLost"


def test_a_lost_phone_number_id_is_named() -> None:
    error = _refused(replace(_facts(), claims=ClaimResult(lost=frozenset({Claim("phone", "111")}))))
    assert error.field == "spec.whatsapp.phoneNumberId"
    assert "111" in error.reason


def test_a_shared_clinic_needs_a_pool() -> None:
    facts = _facts(isolation="Shared")
    facts = replace(facts, stack=samples.stack_summary({"sharedPool": {"enabled": False}}))
    error = _refused(facts)
    assert error.field == "spec.isolation"
    assert "sharedPool.enabled" in error.reason


def test_a_foreign_namespace_is_named_and_matters_to_dedicated_clinics_alone() -> None:
    facts = replace(_facts(), namespace_ownership=Ownership.FOREIGN)
    error = _refused(facts)
    assert error.code == "NamespaceNotOwned"
    assert "atendeai-sol" in error.reason
    validate(replace(_facts(isolation="Shared"), namespace_ownership=Ownership.FOREIGN))


def test_a_missing_secret_is_named_with_its_namespace() -> None:
    error = _refused(replace(_facts(), whatsapp_secret=SecretFact("sol-whatsapp")))
    assert error.field == "spec.whatsapp.credentialsSecretRef.name"
    assert "sol-whatsapp" in error.reason
    assert samples.NAMESPACE in error.reason
    assert error.code == "SecretMissing"


@pytest.mark.parametrize("key", ["access-token", "app-secret", "verify-token"])
def test_a_missing_key_is_named(key: str) -> None:
    facts = _facts()
    error = _refused(replace(facts, whatsapp_secret=_without(facts.whatsapp_secret, key)))
    assert key in error.reason
    assert error.code == "SecretKeyMissing"


def test_an_empty_key_counts_as_missing() -> None:
    facts = _facts()
    data = {**(facts.whatsapp_secret.data or {}), "app-secret": b""}
    assert "app-secret" in _refused(replace(facts, whatsapp_secret=SecretFact("sol-whatsapp", data))).reason


def test_a_key_that_is_no_text_is_named() -> None:
    facts = _facts()
    data = {**(facts.whatsapp_secret.data or {}), "app-secret": b"\xff\xfe"}
    error = _refused(replace(facts, whatsapp_secret=SecretFact("sol-whatsapp", data)))
    assert error.code == "InvalidCredentials"


def test_a_files_last_line_break_is_no_part_of_a_token() -> None:
    facts = _facts()
    data = {**(facts.whatsapp_secret.data or {}), "app-secret": b"secret\n"}
    plan = validate(replace(facts, whatsapp_secret=SecretFact("sol-whatsapp", data)))
    assert plan.credentials["whatsapp"]["app-secret"] == "secret"


def test_a_token_that_no_header_could_carry_is_named() -> None:
    facts = _facts()
    data = {**(facts.whatsapp_secret.data or {}), "access-token": b"first line\nsecond"}
    error = _refused(replace(facts, whatsapp_secret=SecretFact("sol-whatsapp", data)))
    assert error.code == "InvalidCredentials"
    assert "access-token" in error.reason


def test_a_transcription_has_its_key_and_its_way_out_without_a_model() -> None:
    url = "http://voices.example:8000/v1"
    spoken = {"provider": "Embedded", "transcription": {"baseURL": url}, "apiKeySecretRef": {"name": "sol-ai"}}
    facts = _facts(ai=spoken | {"privacy": {"acknowledged": True}})
    assert _refused(replace(facts, ai_secret=SecretFact("sol-ai"))).field == "spec.ai.apiKeySecretRef.name"
    plan = validate(replace(facts, ai_secret=SecretFact("sol-ai", {"api-key": b"k"})))
    assert plan.credentials["ai"] == {"api-key": "k"}
    assert plan.dedicated is not None
    assert url in plan.dedicated.urls["whatsapp"]


def test_a_calendar_takes_a_service_account_or_a_consent() -> None:
    consent = _facts(calendar=GOOGLE)
    assert set(validate(consent).credentials["calendar"]) == {"client-id", "client-secret", "refresh-token"}
    account = json.dumps({"client_email": "a@b.c", "private_key": "k"}).encode()
    service = replace(consent, calendar_secret=SecretFact("sol-calendar", {"service-account.json": account}))
    assert set(validate(service).credentials["calendar"]) == {"service-account.json"}


def test_a_consent_may_still_be_given() -> None:
    facts = _facts(calendar=GOOGLE)
    plan = validate(replace(facts, calendar_secret=_without(facts.calendar_secret, "refresh-token")))
    assert set(plan.credentials["calendar"]) == {"client-id", "client-secret"}


def test_an_incomplete_consent_names_all_ways() -> None:
    facts = _facts(calendar=GOOGLE)
    error = _refused(replace(facts, calendar_secret=_without(facts.calendar_secret, "client-secret")))
    assert error.field == "spec.calendar.credentialsSecretRef.name"
    assert "service-account.json" in error.reason
    assert "refresh-token" in error.reason


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"client_email": "a@b.c"}'])
def test_what_is_no_service_account_is_refused(text: bytes) -> None:
    facts = replace(_facts(calendar=GOOGLE), calendar_secret=SecretFact("sol-calendar", {"service-account.json": text}))
    assert _refused(facts).code == "InvalidCredentials"


def test_an_external_models_key_is_needed() -> None:
    facts = _facts(ai=OPENAI)
    assert validate(facts).credentials["ai"] == {"api-key": samples.word("api-key")}
    error = _refused(replace(facts, ai_secret=SecretFact("sol-ai", {})))
    assert error.field == "spec.ai.apiKeySecretRef.name"
    assert "api-key" in error.reason


def test_a_certificate_must_load_and_fit_its_key() -> None:
    facts = _facts(tls={"secretRef": {"name": "sol-tls"}})
    validate(facts)
    one, other = samples.certificate("one"), samples.certificate("other")
    for data in (
        {"tls.crt": b"no PEM", "tls.key": one.key},
        {"tls.crt": one.certificate, "tls.key": b"no PEM"},
        {"tls.crt": one.certificate, "tls.key": other.key},
    ):
        error = _refused(replace(facts, tls_secret=SecretFact("sol-tls", data)))
        assert error.field == "spec.tls.secretRef.name"
        assert error.code == "InvalidCertificate"


@pytest.mark.parametrize("name", ["America/Nowhere", "../../etc/passwd", "Brasilia"])
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    if ".." in name:
        facts = _facts()
        error = _refused(replace(facts, spec=facts.spec.model_copy(update={"timezone": name})))
    else:
        error = _refused(_facts(timezone=name))
    assert error.field == "spec.timezone"


@pytest.mark.parametrize(
    ("quota", "field", "enough"),
    [
        ({"pods": 8}, "spec.quota.pods", {"pods": 9}),
        ({"cpu": "100m"}, "spec.quota.cpu", {"cpu": "180m"}),
        ({"memory": "2Gi"}, "spec.quota.memory", {"memory": "2688Mi"}),
    ],
)
def test_a_quota_in_which_the_pods_could_not_run_is_refused(
    quota: dict[str, Any], field: str, enough: dict[str, Any]
) -> None:
    error = _refused(_facts(quota=quota))
    assert error.field == field
    assert error.code == "QuotaTooSmall"
    validate(_facts(quota=enough))
    validate(_facts(quota=quota, suspended=True))


def test_no_message_shows_a_secret() -> None:
    facts = _facts(calendar=GOOGLE)
    spoiled = replace(
        facts, calendar_secret=SecretFact("sol-calendar", {"service-account.json": b'{"client_email": "hidden"'})
    )
    assert "hidden" not in str(_refused(spoiled))
    assert samples.word("access-token") not in repr(validate(_facts()))


def test_a_changed_password_replaces_the_pods_and_a_changed_profile_does_not() -> None:
    def templates(facts: ClinicFacts) -> list[Any]:
        return [obj["spec"]["template"] for obj in build.build(validate(facts)) if obj["kind"] == "Deployment"]

    facts = _facts()
    renamed = replace(facts, spec=facts.spec.model_copy(update={"display_name": "Another name"}))
    assert templates(renamed) == templates(facts)
    changed = replace(facts, minted=replace(facts.minted, database_password="another"))
    assert all(new != old for new, old in zip(templates(changed), templates(facts), strict=True))


def test_pull_secrets_are_copied_under_names_of_their_own() -> None:
    stack = samples.stack_summary({"image": {"pullSecrets": [{"name": "runtime"}]}})
    objects = build.build(validate(replace(_facts(), stack=stack)))
    secrets = {obj["metadata"]["name"]: obj for obj in objects if obj["kind"] == "Secret"}
    assert set(secrets) == {"runtime", "pull-runtime"}
    assert secrets["pull-runtime"]["type"] == "kubernetes.io/dockerconfigjson"
    assert set(secrets["pull-runtime"]["data"]) == {".dockerconfigjson"}
    for obj in objects:
        if obj["kind"] == "Deployment":
            assert obj["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "pull-runtime"}]
    assert samples.word("runtime") not in repr(validate(replace(_facts(), stack=stack)))


def test_a_suspended_clinic_has_no_pods_and_no_budgets() -> None:
    objects = build.build(validate(_facts(suspended=True, services={"defaults": {"replicas": 2}})))
    assert {obj["spec"]["replicas"] for obj in objects if obj["kind"] == "Deployment"} == {0}
    assert not [obj for obj in objects if obj["kind"] == "PodDisruptionBudget"]


def test_every_pod_keeps_to_the_restricted_standard() -> None:
    for obj in build.build(validate(_facts())):
        if obj["kind"] != "Deployment":
            continue
        spec = obj["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}


def test_probes_are_those_of_the_seed() -> None:
    for obj in build.build(validate(_facts())):
        if obj["kind"] == "Deployment":
            (container,) = obj["spec"]["template"]["spec"]["containers"]
            live, start = container["livenessProbe"], container["startupProbe"]
            assert (live["periodSeconds"], live["timeoutSeconds"], live["failureThreshold"]) == (30, 10, 3)
            assert start["periodSeconds"] * start["failureThreshold"] == 40
            assert container["readinessProbe"]["periodSeconds"] < live["periodSeconds"]
