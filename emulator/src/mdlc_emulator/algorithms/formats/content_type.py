"""Media types with their parameters, as headers and channels carry them."""

from dataclasses import dataclass, field

CSV = "text/csv"
LIBSVM = "text/libsvm"
X_LIBSVM = "text/x-libsvm"
PARQUET = "application/x-parquet"
RECORDIO = "application/x-recordio-protobuf"
JSON = "application/json"
JSON_LINES = "application/jsonlines"


@dataclass(frozen=True, slots=True)
class MediaType:
    """`text/csv;label_size=0` is `MediaType("text/csv", {"label_size": "0"})`; both in lower case."""

    name: str
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "MediaType":
        name, *rest = text.split(";")
        pairs = (part.partition("=") for part in rest if "=" in part)
        parameters = {key.strip().lower(): value.strip().strip('"').lower() for key, _, value in pairs}
        return cls(name.strip().lower(), parameters)


def matches(accepted: str, offered: str) -> bool:
    """Whether the range `accepted` ("*/*", "text/*", "text/csv") takes `offered`."""
    if accepted in ("", "*/*", "*"):
        return True
    return accepted == offered or (accepted.endswith("/*") and offered.startswith(accepted[:-1]))
