"""LocalStack's plugin point for what runs functions. Imported when plugins are listed, so light."""

from typing import Any

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """Chosen by LAMBDA_RUNTIME_EXECUTOR=process."""

    name = "process"

    def load(self, *_arguments: Any, **_options: Any) -> Any:
        from mdlc_emulator.engine.functions.executor import ProcessRuntimeExecutor

        ProcessRuntimeExecutor.allow_many_environments()
        return ProcessRuntimeExecutor
