"""Images and the versions in their tags."""

from __future__ import annotations

from collections.abc import Iterator

from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

_LEAST = (6, 0)
_HANDOVER = (6, 2)


def tag(image: str) -> str:
    """Return the tag of an image, empty for none."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def _is_loose(image: str) -> bool:
    return "@" not in image and tag(image) in ("", "latest")


@rule(
    "RG044",
    "error",
    fact="T32",
    title="A Redis too old for the operator",
    guards="The operator's redis.conf has an ACL user, which Redis before 6 does not know: it does not start.",
    example="redis: {image: redis:5.0.14}",
    near_miss="redis: {image: redis:6.0.0, handover: false}",
    waivable=False,
)
def check_old(system: System) -> Iterator[Problem]:
    """Ask for Redis 6 or later."""
    version = system.cluster.redis.version
    if version and version < _LEAST:
        yield Problem(
            "redis.image",
            f"Redis {_text(version)} does not start with the operator's redis.conf, which has an ACL user; take 6.2 "
            "or later",
        )


@rule(
    "RG045",
    "error",
    fact="10",
    title="A Redis too old for the hand-over",
    guards="The shutdown script pauses writes alone, with CLIENT PAUSE … WRITE, which came with Redis 6.2.",
    example="redis: {image: redis:6.0.20}",
    near_miss="redis: {image: redis:6.2.0}",
)
def check_handover(system: System) -> Iterator[Problem]:
    """Ask for Redis 6.2 or later where writes are handed over."""
    redis = system.cluster.redis
    if redis.version and _LEAST <= redis.version < _HANDOVER and redis.handover and redis.replicas > 1:
        yield Problem(
            "redis.image",
            f"the hand-over needs Redis 6.2, and {_text(redis.version)} refuses CLIENT PAUSE … WRITE: acknowledged "
            "writes are lost when the master stops; take 6.2 or later, or set redis.handover to false",
        )


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


@rule(
    "RG046",
    "warning",
    fact="T31",
    title="An image without a version",
    guards="""An image without a tag, or `latest`, is another one tomorrow: pods of one cluster run different versions,
    and a restart becomes an upgrade.""",
    example='exporter: {image: "oliver006/redis_exporter:latest"}',
    near_miss='exporter: {image: "oliver006/redis_exporter:v1.66.0"}',
)
def check_pinned(system: System) -> Iterator[Problem]:
    """Ask for a tag or a digest in each image of a cluster."""
    cluster = system.cluster
    images = {"redis.image": cluster.redis.image, "sentinel.image": cluster.sentinel.image}
    if cluster.exporter.enabled:
        images["exporter.image"] = cluster.exporter.image
    for key, image in images.items():
        if image and _is_loose(image):
            yield Problem(
                key, f"'{image}' is another image tomorrow, on some of the pods first; name a version or a digest"
            )


@rule(
    "RG047",
    "info",
    fact="T32",
    title="A Redis of unknown version",
    guards="""The tag does not say which Redis this is, so that directives are held against what every known version
    refuses, and the least version is not checked.""",
    example="redis: {image: registry.example.com/redis:stable}",
    near_miss="redis: {image: registry.example.com/redis:7.2-stable}",
)
def check_known(system: System) -> Iterator[Problem]:
    """Say when the tag does not say the version."""
    redis = system.cluster.redis
    if redis.version is None and not _is_loose(redis.image):
        yield Problem(
            "redis.image",
            f"'{redis.image}' does not say which Redis it is, as 7.2 would: it must be 6.2 or later, and directives "
            "are checked only against what every version refuses",
        )


@rule(
    "RG048",
    "warning",
    fact="T32",
    title="An image without a shell",
    guards="""The operator's probes and scripts run sh, redis-cli and cp in the image; distroless images have no shell,
    and no pod is ready.""",
    example="redis: {image: registry.example.com/redis-distroless:7.2.4}",
    near_miss="redis: {image: registry.example.com/redis:7.2.4}",
)
def check_shell(system: System) -> Iterator[Problem]:
    """Find images that say they have no shell."""
    for key, image in (("redis.image", system.cluster.redis.image), ("sentinel.image", system.cluster.sentinel.image)):
        if "distroless" in image or image.startswith("cgr.dev/chainguard/"):
            yield Problem(
                key,
                f"'{image}' has no shell, and probes and scripts need sh and redis-cli: no pod gets ready; take "
                "another",
            )


@rule(
    "RG049",
    "warning",
    fact="T31",
    title="An image or pull policy left to the operator",
    guards="""Without an image the operator takes redis:6.2.6 of 2021, and another version of the operator may restart
    everything with another. Without a pull policy it is Always: no pod restarts while the registry is away.""",
    example="overrides: {redis: {imagePullPolicy: Always}}",
    near_miss="overrides: {redis: {imagePullPolicy: IfNotPresent}}",
)
def check_left(system: System) -> Iterator[Problem]:
    """Find images and pull policies that overrides takes away."""
    if not system.patch:
        return
    for part in ("redis", "sentinel"):
        if system.patched(f"{part}.image") is None:
            yield Problem(
                f"overrides.{part}.image", "without an image the operator takes redis:6.2.6-alpine of 2021; name one"
            )
        if system.patched(f"{part}.imagePullPolicy") in (None, "Always"):
            yield Problem(
                f"overrides.{part}.imagePullPolicy",
                f"every restart of a {part} pod pulls its image: none starts while the registry is away, and the "
                "operator heals nothing; set IfNotPresent",
                {f"overrides.{part}.imagePullPolicy": "IfNotPresent"},
            )
