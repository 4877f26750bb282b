"""One GET of an object from the S3 that AWS_ENDPOINT_URL names, signed, with the standard library alone."""

import datetime
import hashlib
import hmac
import http.client
import os
import shutil
import urllib.parse
from pathlib import Path

EMPTY = hashlib.sha256(b"").hexdigest()
SECONDS = 60


def download(bucket: str, key: str, target: str, region: str | None, endpoint: str | None = None) -> bool:
    """Write the object to the file `target`. False, with nothing written, when that did not plainly succeed:
    no endpoint or keys in the environment, any answer but 200, a connection that breaks."""
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    access, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not endpoint or not access or not secret:
        return False
    url = urllib.parse.urlsplit(endpoint)
    path = urllib.parse.quote(f"{url.path.rstrip('/')}/{bucket}/{key}", safe="/-_.~")
    region = region or "us-east-1"
    now = datetime.datetime.now(datetime.timezone.utc)
    headers = _signed(url.netloc, path, region, access, secret, now)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.netloc, timeout=SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            return False
        with open(target, "wb") as file:  # noqa: PTH123 - a path as the toolkit gives it
            shutil.copyfileobj(answer, file, 1 << 20)
            if answer.length:
                raise http.client.IncompleteRead(b"", answer.length)
    except (OSError, http.client.HTTPException):
        Path(target).unlink(missing_ok=True)
        return False
    finally:
        connection.close()
    return True


def _signed(
    host: str, path: str, region: str, access: str, secret: str, now: datetime.datetime
) -> dict[str, str]:
    """The headers of a GET: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html"""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-content-sha256": EMPTY, "x-amz-date": stamp}
    token = os.environ.get("AWS_SESSION_TOKEN")
    if token:
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"GET\n{path}\n\n{lines}\n{names}\n{EMPTY}"
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    signing = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={access}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": f"AWS4-HMAC-SHA256 {credential}"}
