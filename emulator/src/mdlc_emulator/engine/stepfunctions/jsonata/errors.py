"""What can go wrong when an expression is parsed or evaluated."""

import re

_CODED = re.compile(r"^(?:Parse error: |host function raised \w+: )?([A-Z]\d{4}): (.*)$", re.DOTALL)
_HOSTED = re.compile(r"^host function raised (\w+): (.*)$", re.DOTALL)


class JsonataError(Exception):
    """An expression that cannot be parsed or evaluated. `code` is JSONata's own (T1006, D3137, ...)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @classmethod
    def of(cls, error: BaseException) -> "JsonataError":
        """The native engine's exception as ours."""
        text = str(error)
        if coded := _CODED.match(text):
            code, message = coded.groups()
            # The reference implementation, hence AWS, does not name the function here.
            return cls(code, "Attempted to invoke a non-function" if code == "T1006" else message)
        if hosted := _HOSTED.match(text):
            return cls("D3137", hosted.group(2))
        return cls("D3137", text)


class UnsupportedResultError(Exception):
    """The expression evaluated to a function, which no JSON value can hold."""
