"""Names of images, as Docker and Amazon ECR write them."""

import re
from dataclasses import dataclass

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<registry>[A-Za-z0-9.-]+(?::[0-9]+)?)/)??"
    rf"(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_ECR = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.|on\.aws|c2s|sc2s|cloud).*"
)


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image URI in its parts; `registry`, `tag` and `digest` are "" where it has none, `account` and
    `region` where the registry is not ECR's."""

    uri: str
    registry: str
    repository: str
    tag: str
    digest: str
    account: str
    region: str


def parse(uri: str) -> ImageName | None:
    """The parts of `uri`; None when it is no reference to an image
    (https://docs.docker.com/reference/cli/docker/image/tag/#description)."""
    found = _REFERENCE.fullmatch(uri.strip())
    if found is None:
        return None
    registry, repository = found["registry"] or "", found["repository"]
    first, slash, rest = repository.partition("/")
    # A first part with a dot or a port, or "localhost", is a host and not a part of the repository.
    if not registry and slash and ("." in first or first == "localhost"):
        registry, repository = first, rest
    elif registry and "." not in registry and ":" not in registry and registry != "localhost":
        registry, repository = "", f"{registry}/{repository}"
    ecr = _ECR.fullmatch(registry)
    return ImageName(
        uri=uri,
        registry=registry,
        repository=repository,
        tag=found["tag"] or "",
        digest=found["digest"] or "",
        account=ecr["account"] if ecr else "",
        region=ecr["region"] if ecr else "",
    )
