"""Distributions that pip installs without an index."""

import base64
import hashlib
import io
import zipfile


def wheel(name: str, text: str) -> bytes:
    """A distribution of one module, as pip installs it without an index."""
    files = {
        f"{name}.py": text,
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-1.0.dist-info/RECORD"
    lines = []
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for path, data in files.items():
            packed.writestr(path, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(data)}")
        packed.writestr(record, "\n".join([*lines, f"{record},,", ""]))
    return content.getvalue()
