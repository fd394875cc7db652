"""The cluster's configuration, the engine's runtime wrapper, and what the user is told."""

import json
from pathlib import Path

import pytest

from cluster import cli, engine, gobuild, kind, loading, mode, paths, runc_wrapper, steps


def test_an_ordinary_host_gets_no_concession() -> None:
    wanted = kind.config(own_network=False, cgroup_v1=False, restricted=False)
    assert "featureGates" not in wanted
    assert "failCgroupV1" not in wanted["kubeadmConfigPatches"][0]
    assert wanted["networking"]["disableDefaultCNI"] is False


def test_a_restricted_host_gets_what_it_needs() -> None:
    wanted = kind.config(own_network=True, cgroup_v1=True, restricted=True)
    assert wanted["featureGates"] == {"KubeletInUserNamespace": True}
    assert json.loads(wanted["kubeadmConfigPatches"][0])["failCgroupV1"] is False
    assert wanted["networking"]["disableDefaultCNI"] is True


def test_both_ports_of_the_edge_are_mapped_to_the_loopback_only() -> None:
    (control_plane, worker) = kind.config(own_network=True, cgroup_v1=True, restricted=True)["nodes"]
    mapped = {(port["hostPort"], port["containerPort"]) for port in control_plane["extraPortMappings"]}
    assert mapped == {(8080, 30080), (8443, 30443)}
    assert {port["listenAddress"] for port in control_plane["extraPortMappings"]} == {"127.0.0.1"}
    assert worker == {"role": "worker"}


def test_pods_get_addresses_of_their_own_node() -> None:
    ptp, portmap = kind.conflist("10.244.1.0/24")["plugins"]
    assert ptp["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    assert portmap["capabilities"] == {"portMappings": True}


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ("redis:7", "docker.io/library/redis:7"),
        ("atendeai/operator:1", "docker.io/atendeai/operator:1"),
        ("localhost/atendeai/redis:7", "localhost/atendeai/redis:7"),
        ("quay.io/prometheus/prometheus:v3", "quay.io/prometheus/prometheus:v3"),
        ("host:5000/x:1", "host:5000/x:1"),
    ],
)
def test_image_names_as_containerd_keeps_them(reference: str, kept: str) -> None:
    assert loading.canonical(reference) == kept


@pytest.mark.parametrize(
    ("bounding", "lacks"),
    [("000001fffeffffff", True), ("000001ffffffffff", False), ("0000000001000000", False), ("0", True)],
)
def test_the_missing_capability_is_read_from_the_bounding_set(bounding: str, lacks: bool) -> None:
    assert engine.lacks_sys_resource(f"Name:\tx\nCapEff:\t0\nCapBnd:\t{bounding}\n") is lacks


def test_the_wrapper_drops_one_capability_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    process = {"capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "effective": ["CAP_SYS_RESOURCE"]}}
    file.write_text(json.dumps({"process": process, "root": {"path": "rootfs"}}))
    runc_wrapper.drop(file, "process")
    assert json.loads(file.read_text()) == {
        "process": {"capabilities": {"bounding": ["CAP_CHOWN"], "effective": []}},
        "root": {"path": "rootfs"},
    }


@pytest.mark.parametrize("words", [["create", "--bundle", "/b", "id"], ["create", "--bundle=/b", "id"], ["-b", "/b"]])
def test_the_wrapper_finds_the_bundle(words: list[str]) -> None:
    assert runc_wrapper.value_of(words, "--bundle", "-b") == "/b"


def test_one_stream_reaches_all_its_consumers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "environment", dict)
    files = [tmp_path / "one", tmp_path / "two"]
    engine.pipe(["head", "-c", "3000000", "/dev/zero"], *(["tee", str(file)] for file in files), what="copy")
    assert [file.stat().st_size for file in files] == [3_000_000, 3_000_000]


def test_a_consumer_that_fails_is_reported_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "environment", dict)
    with pytest.raises(steps.StepFailedError) as caught:
        engine.pipe(["head", "-c", "3000000", "/dev/zero"], ["sh", "-c", "echo no room >&2; exit 3"], what="copy")
    assert "no room" in caught.value.render()


def test_a_failing_command_shows_its_last_lines_and_a_remedy() -> None:
    with pytest.raises(steps.StepFailedError) as caught:
        steps.run(["sh", "-c", "seq 100; echo out of luck >&2; exit 4"], what="count", remedy="count again")
    text = caught.value.render()
    assert "failed: count (exit 4)" in text
    assert "out of luck" in text
    assert "remedy: count again" in text
    assert "    1\n" not in text, "only the last lines"


def test_a_missing_command_is_a_failed_step() -> None:
    with pytest.raises(steps.StepFailedError, match="no-such-command"):
        steps.run(["no-such-command"])


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (12.4, "12 s"), (65, "1 min 05 s"), (119.7, "2 min 00 s")]
)
def test_elapsed_times_read_well(seconds: float, text: str) -> None:
    assert steps.elapsed(seconds) == text


def test_an_interrupted_build_leaves_the_old_result(tmp_path: Path) -> None:
    target = tmp_path / "tool"
    with paths.building(target) as scratch:
        (scratch / "file").write_text("whole")

    def interrupted() -> None:
        with paths.building(target) as scratch:
            (scratch / "file").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (target / "file").read_text() == "whole"
    assert [entry.name for entry in tmp_path.iterdir()] == ["tool"]


def test_files_are_written_whole_with_their_mode(tmp_path: Path) -> None:
    paths.write_whole(tmp_path / "a" / "kubeconfig", "secret", mode=0o600)
    assert (tmp_path / "a" / "kubeconfig").stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in (tmp_path / "a").iterdir()] == ["kubeconfig"]


def test_an_unknown_binary_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bin", "kubectl", "kubectk"]) == 1
    said = capsys.readouterr().err
    assert "kubectk" in said
    assert "kube-apiserver" in said


def test_known_binaries_are_printed_in_the_order_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gobuild, "ensure", list)
    assert cli.main(["bin", "etcd", "kubectl"]) == 0
    etcd, kubectl = capsys.readouterr().out.split()
    assert (Path(etcd).name, Path(kubectl).name) == ("etcd", "kubectl")


def test_another_word_for_the_images_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATENDEAI_IMAGES", "publik")
    with pytest.raises(steps.StepFailedError, match="publik"):
        mode.current()


def test_a_cluster_counts_as_whole_between_record_and_forget() -> None:
    assert not mode.is_recorded()
    mode.record("build", "node:1")
    assert mode.is_recorded()
    assert mode.recorded_node() == "node:1"
    mode.forget()
    assert not mode.is_recorded()
