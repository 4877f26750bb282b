"""`"RoleArn.$"` in the parameters of a task: a path like any other.

To the stock lexer it is a keyword of `Credentials`, so that a job's role (each SageMaker job has one) could
only be written into the definition, never be given as input.
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.stepfunctions.patching import original, replace


def install() -> None:
    from localstack.services.stepfunctions.asl.antlr.runtime.ASLLexer import ASLLexer

    role_arn_path = original(ASLLexer, "ROLEARNPATH")
    string_path = original(ASLLexer, "STRINGDOLLAR")
    credentials = [original(ASLLexer, name) for name in ("CREDENTIALS", "COLON", "LBRACE")]
    stock = original(ASLLexer, "nextToken")

    def next_token(self: Any) -> Any:
        token = stock(self)
        # Only directly within Credentials, whose one member it is, is it the keyword.
        if token.type == role_arn_path and getattr(self, "_mdlc_before", None) != credentials:
            token.type = string_path
        if token.channel == 0:
            self._mdlc_before = [*getattr(self, "_mdlc_before", ())[-2:], token.type]
        return token

    replace(ASLLexer, "nextToken", next_token)
