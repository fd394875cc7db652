"""What the recipes are made of: modules, packages, images, the node's manifests."""

import json
from pathlib import Path

import pytest

from cluster import app, cli, debian, engine, gobuild, images, mode, node, paths, steps, versions


def test_staging_modules_are_required_in_their_published_versions() -> None:
    go_mod = "require (\n\tk8s.io/api v0.0.0\n\tk8s.io/klog/v2 v2.130.1\n\tk8s.io/cri-client v0.0.0\n)\n"
    assert gobuild.staging_requires(go_mod, "v1.35.4") == [
        "require k8s.io/api v0.35.4",
        "require k8s.io/cri-client v0.35.4",
    ]


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
        ("go.etcd.io/etcd/server/v3", "server"),
        ("helm.sh/helm/v3/cmd/helm", "helm"),
        ("./coredns", "coredns"),
        ("github.com/prometheus/prometheus/cmd/promtool", "promtool"),
    ],
)
def test_a_built_binary_is_found_under_the_name_go_gives_it(package: str, name: str) -> None:
    assert gobuild.output_name(package) == name


def test_every_binary_has_a_place_of_its_own_that_names_its_version() -> None:
    places = {gobuild.path(name) for name in gobuild.BINARIES}
    assert len(places) == len(gobuild.BINARIES)
    assert versions.KUBERNETES in str(gobuild.path("kubelet"))


def test_the_node_image_asks_for_nothing_that_is_not_built() -> None:
    assert set(node.BINARIES) <= gobuild.BINARIES


def test_an_import_makes_room_for_the_wanted_ones_and_the_rest_stays() -> None:
    text = 'import (\n\t"example/plug"\n\t_ "example/plugins" // Register.\n\t_ "example/plugins/two"\n)\n'
    assert gobuild.with_imports(text, {"example/plugins": ("example/a", "example/b")}) == (
        'import (\n\t"example/plug"\n\t_ "example/a"\n\t_ "example/b"\n\t_ "example/plugins/two"\n)\n'
    )


@pytest.fixture
def prometheus_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gobuild, "module_directory", lambda _module, _version: tmp_path / "module")
    source = tmp_path / "module" / "cmd" / "prometheus"
    source.mkdir(parents=True)
    return source


def test_prometheus_is_built_from_a_copy_that_discovers_kubernetes(prometheus_source: Path, tmp_path: Path) -> None:
    (prometheus_source / "main.go").write_text(
        'package main\n\nimport (\n\t_ "github.com/prometheus/prometheus/plugins" // Register plugins.\n)\n'
    )
    (prometheus_source / "main_test.go").write_text("package main\n")
    scratch = tmp_path / "scratch"
    (scratch / "prometheus").mkdir(parents=True)
    (scratch / "prometheus" / "of_another_version.go").write_text("package main\n")

    group = gobuild.group_of("prometheus")
    assert gobuild.own_copy(group, group.packages["prometheus"], scratch) == "./prometheus"
    (copied,) = (scratch / "prometheus").iterdir()
    assert "prometheus/plugins" not in copied.read_text()
    assert '\t_ "github.com/prometheus/prometheus/discovery/kubernetes"\n' in copied.read_text()


def test_a_prometheus_that_registers_its_plugins_elsewhere_is_refused(prometheus_source: Path, tmp_path: Path) -> None:
    (prometheus_source / "main.go").write_text("package main\n")
    group = gobuild.group_of("prometheus")
    with pytest.raises(steps.StepFailedError, match="plugins"):
        gobuild.own_copy(group, group.packages["prometheus"], tmp_path / "scratch")


def test_the_same_prometheus_is_built_and_pulled() -> None:
    major, minor, patch = versions.PROMETHEUS.split(".")
    # Its module has no v3: https://github.com/prometheus/prometheus#using-with-go-modules
    assert f"v0.{major}{int(minor):02d}.{patch}" == versions.PROMETHEUS_MODULE
    assert (images.PUBLIC["prometheus"] or "").endswith(f":v{versions.PROMETHEUS}")


@pytest.mark.parametrize(
    ("version", "upstream"),
    [
        ("2.42.0+ds-5+deb12u1", "2.42.0"),
        ("5:7.0.15-1~deb12u10", "7.0.15"),
        ("0.25.0-1+b4", "0.25.0"),
        ("1.2~rc1-1", "1.2"),
    ],
)
def test_upstream_part_of_a_debian_version(version: str, upstream: str) -> None:
    assert debian.upstream(version) == upstream


def test_each_infrastructure_image_has_both_names_except_kong() -> None:
    assert set(images.PUBLIC) - set(images.RECIPES) == {"kong"}
    assert all(images.PUBLIC.values())


def test_each_recipe_has_a_dockerfile_that_runs_as_a_named_user_or_builds_the_node() -> None:
    for key, recipe in images.RECIPES.items():
        text = recipe.dockerfile()
        assert "FROM " in text
        if key in images.PUBLIC:
            (user,) = [line for line in text.splitlines() if line.startswith("USER ")]
            uid = int(user.removeprefix("USER ").split(":")[0])
            assert uid > 0, f"{key} would run as root"


def test_an_image_tag_follows_its_recipe_and_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "base", lambda: "base:1")
    recipe = images.RECIPES["envoy"]
    one = images.reference(recipe, {"envoy": paths.cache() / "wheel/envoy-1"})
    assert one == images.reference(recipe, {"envoy": paths.cache() / "wheel/envoy-1"})
    assert one != images.reference(recipe, {"envoy": paths.cache() / "wheel/envoy-2"})
    assert one.startswith(f"localhost/atendeai/envoy:{versions.ENVOY}-")
    monkeypatch.setattr(images, "base", lambda: "base:2")
    assert one != images.reference(recipe, {"envoy": paths.cache() / "wheel/envoy-1"})


def test_the_storage_manifest_gets_both_images() -> None:
    source = (
        'const storageProvisionerImage = "a"\n'
        "const defaultStorageManifest = `\nimage: ` + storageProvisionerImage + `\n"
        "args: [` + storageHelperImage + `]\n`\n"
    )
    assert node.storage_manifest(source, "p:1", "h:1") == "\nimage: p:1\nargs: [h:1]\n"


def test_a_kind_that_keeps_its_manifest_elsewhere_is_refused() -> None:
    with pytest.raises(steps.StepFailedError, match="another form"):
        node.storage_manifest("package nodeimage", "p:1", "h:1")


def test_the_application_version_follows_the_sources_and_the_locks(tmp_path: Path) -> None:
    for item in app.APPS:
        (tmp_path / item.lock).write_text("x==1\n")
        for package in item.packages:
            (tmp_path / package).mkdir(parents=True)
            (tmp_path / package / "__init__.py").write_text("")
    first = app.version(tmp_path)
    assert first == app.version(tmp_path)

    (tmp_path / "services/atendeai/__pycache__").mkdir()
    (tmp_path / "services/atendeai/__pycache__/x.pyc").write_bytes(b"1")
    assert app.version(tmp_path) == first

    (tmp_path / "services/atendeai/new.py").write_text("")
    second = app.version(tmp_path)
    assert second != first
    (tmp_path / "requirements-operator.lock").write_text("x==2\n")
    third = app.version(tmp_path)
    assert third not in {first, second}

    fakes = app.version(tmp_path, product=False)
    (tmp_path / "e2e/fakes/new.py").write_text("")
    assert app.version(tmp_path) == third, "the outside world is no part of the product"
    assert app.version(tmp_path, product=False) != fakes


def test_the_application_version_is_a_semantic_version() -> None:
    prefix, _, suffix = app.version().rpartition(".")
    assert prefix == "2.0.0-dev"
    assert suffix.isalnum()
    assert not (suffix.isdecimal() and suffix.startswith("0"))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the container engine, which has all images, is told."""
    words: list[str] = []

    def docker(*arguments: str, **_: str) -> str:
        words.append(" ".join(arguments))
        return ""

    monkeypatch.setattr(engine, "docker", docker)
    monkeypatch.setattr(engine, "ensure", lambda: None)
    monkeypatch.setattr(images, "exists", lambda _reference: True)
    monkeypatch.setattr(mode, "current", lambda: "build")
    return words


def test_the_products_images_are_named_for_a_registry(said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["publish", "registry.test:5000/atendeai/"]) == 0
    version = app.version()
    answer = capsys.readouterr()
    assert answer.out.split() == [
        f"registry.test:5000/atendeai/operator:{version}",
        f"registry.test:5000/atendeai/services:{version}",
    ]
    assert said == [
        f"tag atendeai/operator:{version} registry.test:5000/atendeai/operator:{version}",
        f"tag atendeai/services:{version} registry.test:5000/atendeai/services:{version}",
    ]
    assert f"--set image.repository=registry.test:5000/atendeai/operator --set image.tag={version}" in answer.err
    assert f"spec.version: {version}, spec.image.repository: registry.test:5000/atendeai/services" in answer.err


def test_they_are_pushed_under_the_wanted_version(said: list[str]) -> None:
    assert cli.main(["publish", "registry.test/atendeai", "--tag", "2.1.0", "--push"]) == 0
    assert [words for words in said if words.startswith("push")] == [
        "push -q registry.test/atendeai/operator:2.1.0",
        "push -q registry.test/atendeai/services:2.1.0",
    ]


@pytest.mark.parametrize(
    ("registry", "tag"),
    [
        ("https://registry.test", "2.1.0"),
        ("Registry.test", "2.1.0"),
        ("", "2.1.0"),
        ("registry.test", "latest"),
        ("registry.test", "2.1.0+1"),
    ],
)
def test_what_no_stack_could_name_is_refused_before_anything_is_built(
    registry: str, tag: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "exists", lambda _reference: pytest.fail("it looks what to build"))
    assert cli.main(["publish", registry, "--tag", tag]) == 1
    assert said == []


def test_image_names_answer_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "infrastructure", lambda _mode: {key: f"{key}:1" for key in images.PUBLIC})
    answer = json.loads(images.refs_json("public"))
    assert answer["mode"] == "public"
    assert answer["prometheusOperatorVersion"] == versions.PROMETHEUS_OPERATOR
    assert answer["prometheusVersion"] == f"v{versions.PROMETHEUS}"
    assert set(images.PUBLIC) <= set(answer)
