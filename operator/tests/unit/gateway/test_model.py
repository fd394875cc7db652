"""What the edge must do, before anybody renders it."""

from __future__ import annotations

from atendeai.kit import cors
from atendeai_operator.catalogue import CATALOGUE
from atendeai_operator.gateway import model
from tests.unit.gateway import samples


def _site(edge: model.Edge, host: str) -> model.Site:
    return next(site for site in edge.sites if host in site.hosts)


def test_a_dedicated_clinic_has_its_own_site_with_its_own_keys_and_issuer() -> None:
    site = _site(samples.edge(), samples.host("sol"))
    identity = str(samples.clinic_id("sol"))
    assert site.hosts == (samples.host("sol"),)
    assert [key.kid for key in site.keys] == ["kid-sol"]
    assert site.issuer == f"atendeai:{identity}"
    assert {route.upstream.host for route in site.routes} == {
        f"{row.name}.atendeai-sol.svc.cluster.local" for row in CATALOGUE
    }


def test_shared_clinics_are_one_site_whatever_their_number() -> None:
    few, many = samples.edge("lua"), samples.edge("lua", "rio")
    assert len(few.sites) == len(many.sites)
    assert len(few.upstreams) == len(many.upstreams)
    site = _site(many, samples.host("lua"))
    assert site is _site(many, samples.host("rio"))
    assert sorted(key.kid for key in site.keys) == ["kid-lua", "kid-rio"]
    assert site.issuer == ""


def test_a_suspended_clinic_keeps_its_webhook_at_the_pool_and_nothing_else() -> None:
    site = _site(samples.edge(), samples.host("sono"))
    assert [(route.path, route.token) for route in site.routes] == [("/webhook/whatsapp", False)]
    assert site.routes[0].upstream.host == "dev-whatsapp.atendeai.svc.cluster.local"
    assert site.otherwise.status == 503


def test_the_stacks_own_host_takes_webhooks_alone() -> None:
    site = _site(samples.edge(), samples.OWN_HOST)
    assert [route.path for route in site.routes] == ["/webhook/whatsapp"]
    assert site.otherwise.status == 404


def test_only_what_the_contract_names_needs_no_token() -> None:
    site = _site(samples.edge(), samples.host("sol"))
    assert {route.path for route in site.routes if not route.token} == {
        "/api/v1/appointments/feeds",
        "/api/v1/auth/login",
        "/api/v1/auth/register",
        "/api/v1/auth/refresh",
        "/api/v1/auth/reset",
        "/api/v1/calendar/push",
        "/api/v1/calendar/oauth/callback",
        "/health",
        "/webhook/whatsapp",
    }


def test_longer_paths_come_first() -> None:
    paths = [route.path for route in _site(samples.edge(), samples.host("lua")).routes]
    for index, path in enumerate(paths):
        assert not any(later.startswith(path + "/") for later in paths[index + 1 :])


def test_without_a_pool_only_whatsapp_is_routed_to() -> None:
    edge = samples.edge("lua", pool=frozenset({"whatsapp"}))
    assert {upstream.name for upstream in edge.upstreams} == {"pool-whatsapp"}


def test_the_webhooks_of_a_clinic_that_rests_find_their_services_known_before_a_route_leads_there() -> None:
    webhook = "/webhook/whatsapp"
    asleep, awake = samples.tenant("sono"), samples.tenant("sono", suspended=False, standby="")
    rested, serving = (model.edge(model.Pool("atendeai", "dev", frozenset()), [tenant]) for tenant in (asleep, awake))
    led_to = next(route.upstream for site in serving.sites for route in site.routes if route.path == webhook)
    assert led_to in rested.known
    assert led_to not in rested.upstreams


def test_no_route_leads_to_what_services_say_to_each_other() -> None:
    for site in samples.edge().sites:
        for route in site.routes:
            assert not "/internal/v1/messages".startswith(route.path)
            assert not "/metrics".startswith(route.path)


def test_equal_inputs_make_equal_edges_in_any_order() -> None:
    pool = model.Pool("atendeai", "dev", frozenset(row.name for row in CATALOGUE))
    tenants = [samples.tenant(name) for name in samples.NAMES]
    assert model.edge(pool, tenants) == model.edge(pool, reversed(tenants))


def test_pages_may_read_at_the_hosts_of_their_own_clinic_alone() -> None:
    pool = model.Pool("atendeai", "dev", frozenset())
    tenants = [
        samples.tenant("sol", hosts=("Sol.Example", "b.example"), origins=("https://painel.sol",)),
        samples.tenant("lua", origins=("https://painel.lua",)),
        samples.tenant("sono", origins=("https://painel.sono",)),
        samples.tenant("rio"),
    ]
    assert model.edge(pool, tenants).origins == (
        ("b.example", "https://painel.sol"),
        (samples.host("lua"), "https://painel.lua"),
        ("sol.example", "https://painel.sol"),
        (samples.host("sono"), "https://painel.sono"),
    )


def test_the_edge_says_of_cors_what_the_services_say() -> None:
    assert model.CORS_METHODS == cors.METHODS
    assert model.CORS_REQUEST_HEADERS == cors.REQUEST_HEADERS
    assert model.CORS_EXPOSED_HEADERS == cors.EXPOSED_HEADERS
    assert model.CORS_PREFLIGHT_SECONDS == cors.PREFLIGHT_SECONDS


def test_a_key_shows_its_secret_to_nobody() -> None:
    key = samples.tenant("sol").keys[0]
    assert key.secret not in repr(key)
    assert key.secret not in repr(samples.edge())
