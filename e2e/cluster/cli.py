"""The commands of ``python3 e2e/cluster``. Answers go to stdout, progress to stderr."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from cluster import app, cache, debian, engine, gobuild, images, kind, loading, mode, node, paths, steps, versions

_OTHER_BINARIES = ("prometheus-operator", "prometheus-config-reloader", "prometheus", "promtool", "helm")


# A node under load may miss a heartbeat; a cluster with somebody's work in it is not thrown away for that.
_HEALTH_SECONDS = 180


def up(_: argparse.Namespace) -> None:
    """Have the cluster running and healthy, with the infrastructure images on its nodes."""
    with paths.lock("cluster"):
        engine.ensure()
        chosen = mode.choose()
        if _keeps_running():
            kind.write_kubeconfigs()
            if _builds_node(chosen):
                kind.connect()
            kind.settle()
            _load_infrastructure(chosen)
            wanted = node.reference(_preloaded(chosen)) if _builds_node(chosen) else "public"
            if mode.recorded_node() not in {"", wanted}:
                steps.say("the cluster runs and was made by another recipe; `make down` and `make up` renew it")
        elif _builds_node(chosen):
            _create_built(chosen)
        else:
            _create_public()
        steps.say(f"cluster {kind.NAME} is up: context {kind.CONTEXT}, {kind.user_kubeconfig()}")


def prepare(_: argparse.Namespace) -> None:
    """Build all that a cluster and what runs in it are made of, and start none."""
    engine.ensure()
    chosen = mode.choose()
    if _builds_node(chosen):
        debian.ensure(debian.BUILD)
        gobuild.ensure(node.BINARIES)
        gobuild.ensure(_OTHER_BINARIES)
        images.infrastructure(chosen)
        _furnish(node.ensure(_preloaded(chosen)), chosen)
    else:
        gobuild.ensure(("kind", "kubectl", "helm"))
    app.ensure(chosen)


def _keeps_running() -> bool:
    """Whether there is a cluster to keep, starting its nodes where they were stopped.

    Raises StepFailedError for one that runs, was whole, and has fallen ill.
    """
    whole = mode.is_recorded()
    if not kind.nodes_run():
        if not (whole and kind.start_nodes()):
            return False
        with steps.step("nodes Ready, DNS and storage up"):
            if not kind.healthy(_HEALTH_SECONDS):
                return False
            kind.settle()
            return True
    if kind.healthy(_HEALTH_SECONDS if whole else 5):
        return True
    if not whole:  # an interrupted run left it half made
        return False
    raise steps.StepFailedError(
        f"the cluster's nodes run, but are not Ready after {_HEALTH_SECONDS} s",
        remedy="look at it (kubectl get nodes), or give it up with `make down` and run this again",
    )


def _builds_node(chosen: str) -> bool:
    """The published node image's services want CAP_SYS_RESOURCE; a host without it gets the built one even so."""
    return chosen == "build" or engine.lacks_sys_resource()


def _create_built(chosen: str) -> None:
    """Compile in one lane while the other lane downloads, builds images, and creates the cluster as soon as it can."""
    building_blocks = [
        recipe for key, recipe in images.RECIPES.items() if key not in images.COMPILED and key not in images.PUBLIC
    ]
    with ThreadPoolExecutor(max_workers=1) as compiler:
        for_node: Future[None] = compiler.submit(gobuild.ensure, node.BINARIES)
        others: Future[None] = compiler.submit(_compile_others, for_node)
        try:
            debian.ensure(debian.BUILD)
            for recipe in building_blocks:
                images.build(recipe)
            preloaded = _preloaded(chosen)
            for_node.result()
            image = node.ensure(preloaded)
            # What the compiler is not through with is loaded afterwards, into nodes that run meanwhile.
            _replace(image if gobuild.missing(_OTHER_BINARIES) else _furnish(image, chosen))
            mode.record(chosen, image)
        except BaseException:
            # The error is shown now, not when the compiler is done; what it finished stays in Go's cache.
            others.cancel()
            steps.stop_others()
            raise
        others.result()
    _load_infrastructure(chosen)


def _preloaded(chosen: str) -> list[str]:
    """What the built node image carries besides the control plane: all that is built here and waits for no compiler."""
    return images.early() if chosen == "build" else []


def _furnish(image: str, chosen: str) -> str:
    """The node image with what is there late: what the compiler makes, and what the applications stand on."""
    if chosen != "build":
        return image
    preloaded = _preloaded(chosen)
    compiled = [name for name in images.infrastructure(chosen).values() if name not in preloaded]
    return node.furnish(image, [*compiled, *app.dependencies(chosen)])


def _compile_others(before: Future[None]) -> None:
    """What is wanted after the node's binaries; nothing when those failed."""
    before.result()
    gobuild.ensure(_OTHER_BINARIES)


def _create_public() -> None:
    gobuild.ensure(("kind", "kubectl"))
    _replace(None)
    mode.record("public", "public")
    gobuild.ensure(("helm",))
    _load_infrastructure("public")


def _replace(image: str | None) -> None:
    if kind.exists():
        steps.say(
            "a cluster is there whose nodes do not run (a reboot stops them) or were never ready: it is made anew"
        )
        kind.delete()
    mode.forget()
    kind.create(image)


def _load_infrastructure(chosen: str) -> None:
    loading.load(list(images.infrastructure(chosen).values()))


def down(_: argparse.Namespace) -> None:
    """Remove the cluster and nothing else."""
    with paths.lock("cluster"):
        if not engine.answers():
            # Without an engine no node runs; what an earlier one left is removed when there is one again.
            steps.say("no container engine answers, so no cluster runs")
            return
        kind.delete()
        steps.say(f"cluster {kind.NAME} is gone; caches and images stay (make clean-cache frees them)")


def load_images(_: argparse.Namespace) -> None:
    """Have the infrastructure images on the nodes."""
    with paths.lock("cluster"):
        engine.ensure()
        _load_infrastructure(mode.choose())


def app_images(_: argparse.Namespace) -> None:
    """Build the application images from the checkout and load them into the nodes."""
    with paths.lock("cluster"):
        engine.ensure()
        references = app.ensure(mode.current())
        loading.load(references)
    print("\n".join(references))


def publish(arguments: argparse.Namespace) -> None:
    """Build the operator's and the services' image and name them for a registry of yours."""
    engine.ensure()
    operator, services = app.publish(mode.current(), arguments.registry, arguments.tag, push=arguments.push)
    repository, _, tag = operator.rpartition(":")
    steps.say(f"for the chart:  --set image.repository={repository} --set image.tag={tag}")
    steps.say(f"for the stack:  spec.version: {tag}, spec.image.repository: {services.rpartition(':')[0]}")
    if not arguments.push:
        steps.say("nothing was pushed")
    print(f"{operator}\n{services}")


def app_version(_: argparse.Namespace) -> None:
    """Print the version that the application images of this checkout carry."""
    print(app.version())


def image_refs(_: argparse.Namespace) -> None:
    """Print the infrastructure images as JSON, building those that are missing."""
    engine.ensure()
    print(images.refs_json(mode.current()))


def binaries(arguments: argparse.Namespace) -> None:
    """Have binaries in the cache and print their paths, one per line, in the order asked."""
    known = gobuild.BINARIES | set(debian.EXTRACTED)
    unknown = sorted(set(arguments.names) - known)
    if unknown:
        raise steps.StepFailedError(
            f"no recipe for {', '.join(unknown)}",
            remedy=f"known: {', '.join(sorted(known))}",
        )
    gobuild.ensure(name for name in arguments.names if name in gobuild.BINARIES)
    for name in arguments.names:
        print(gobuild.path(name) if name in gobuild.BINARIES else debian.extracted(name))


def apt(_: argparse.Namespace) -> None:
    """Install the Debian packages that tests start, without starting them."""
    debian.ensure(debian.TESTS)


def prometheus_crds(_: argparse.Namespace) -> None:
    """Print the directory of the Prometheus Operator's CRDs, for ``kubectl apply --server-side -f``."""
    module = "github.com/prometheus-operator/prometheus-operator"
    source = gobuild.module_directory(module, versions.PROMETHEUS_OPERATOR)
    print(source / "example" / "prometheus-operator-crd")


def clean_cache(arguments: argparse.Namespace) -> None:
    """Say what the caches hold, and free it."""
    cache.clean(confirmed=arguments.yes)


_COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "up": up,
    "prepare": prepare,
    "down": down,
    "images": load_images,
    "app-images": app_images,
    "publish": publish,
    "app-version": app_version,
    "image-refs": image_refs,
    "bin": binaries,
    "apt": apt,
    "prometheus-crds": prometheus_crds,
    "clean-cache": clean_cache,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 when it is done, 1 with its last lines and a remedy when it failed, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python3 e2e/cluster", description="The local kind cluster of AtendeAI.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, function in _COMMANDS.items():
        command = commands.add_parser(name, help=(function.__doc__ or "").strip().splitlines()[0])
        command.set_defaults(function=function)
        if name == "bin":
            command.add_argument("names", nargs="+", metavar="NAME")
        if name == "publish":
            command.add_argument("registry", metavar="REGISTRY", help="host and path: registry.example.com/atendeai")
            command.add_argument("--tag", default="", help="the version they carry (default: app-version)")
            command.add_argument("--push", action="store_true", help="push them as well")
        if name == "clean-cache":
            command.add_argument("--yes", action="store_true", help="do not ask")
    chosen = parser.parse_args(arguments)
    try:
        chosen.function(chosen)
    except steps.StepFailedError as failure:
        print(failure.render(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    return 0
