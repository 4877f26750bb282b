"""Choice states where the stock interpreter decides otherwise than the language's specification."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from localstack.services.stepfunctions.asl.component.state.state_choice.comparison.comparison_variable import (  # noqa: E501
    ComparisonVariable,
)
from localstack.services.stepfunctions.asl.component.state.state_choice.comparison.operator.implementations.string_operators import (  # noqa: E501
    StringMatches,
)
from localstack.services.stepfunctions.asl.component.state.state_choice.comparison.variable import (
    NoSuchVariable,
)
from localstack.services.stepfunctions.asl.component.state.state_choice.state_choice import StateChoice

from mdlc_emulator.engine.stepfunctions.failures import execution_failure
from mdlc_emulator.engine.stepfunctions.patching import original, replace
from mdlc_emulator.engine.stepfunctions.stock import StatesErrorNameType


@lru_cache(maxsize=1024)
def pattern(text: str) -> re.Pattern[str]:
    """StringMatches: `*` stands for anything, `\\*` for itself, nothing else is special."""
    parts = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", text)
    return re.compile(
        "".join(".*" if part == "*" else re.escape(part.removeprefix("\\") or part) for part in parts), re.S
    )


def install() -> None:
    replace(StringMatches, "_compare", staticmethod(_matches))
    replace(ComparisonVariable, "_eval_body", _compare)
    choose = original(StateChoice, "_eval_state")

    def eval_state(self: Any, env: Any) -> None:
        try:
            choose(self, env)
        except RuntimeError as error:
            if "No branching option" not in str(error):
                raise
            cause = f"No choice of the state '{self.name}' matched, and it has no Default."
            raise execution_failure(env, StatesErrorNameType.StatesNoChoiceMatched, cause) from None

    replace(StateChoice, "_eval_state", eval_state)


def _matches(variable: Any, comparison_value: Any) -> bool:
    return isinstance(variable, str) and pattern(comparison_value).fullmatch(variable) is not None


def _compare(self: Any, env: Any) -> None:
    self.variable.eval(env)
    if isinstance(env.stack[-1], NoSuchVariable):
        operator = getattr(self.comparison_function, "operator_type", None)
        if operator is None or str(getattr(operator, "name", operator)) != "IsPresent":
            path = self.variable.string_sampler.literal_value
            cause = f"Invalid path '{path}': The choice state's condition path references an invalid value."
            raise execution_failure(env, StatesErrorNameType.StatesRuntime, cause)
    self.comparison_function.eval(env)
