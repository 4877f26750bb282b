"""CloudFormation's resource types that LocalStack lacks, as its plugins.

All of this namespace is imported when the first resource of any stack is made: what is heavy stands inside
`load`.
"""

from typing import Any

from localstack.services.cloudformation.resource_provider import (
    CloudFormationResourceProviderPlugin,
    ResourceProvider,
)


class _Plugin(CloudFormationResourceProviderPlugin):
    def __init__(self) -> None:
        self.factory: type[ResourceProvider[Any]] | None = None


class ComputeEnvironmentPlugin(_Plugin):
    name = "AWS::Batch::ComputeEnvironment"

    def load(self) -> None:
        from mdlc_emulator.engine.batch.cloudformation import ComputeEnvironmentResource

        self.factory = ComputeEnvironmentResource


class JobQueuePlugin(_Plugin):
    name = "AWS::Batch::JobQueue"

    def load(self) -> None:
        from mdlc_emulator.engine.batch.cloudformation import JobQueueResource

        self.factory = JobQueueResource


class JobDefinitionPlugin(_Plugin):
    name = "AWS::Batch::JobDefinition"

    def load(self) -> None:
        from mdlc_emulator.engine.batch.cloudformation import JobDefinitionResource

        self.factory = JobDefinitionResource


class SchedulingPolicyPlugin(_Plugin):
    name = "AWS::Batch::SchedulingPolicy"

    def load(self) -> None:
        from mdlc_emulator.engine.batch.cloudformation import SchedulingPolicyResource

        self.factory = SchedulingPolicyResource


class EndpointPlugin(_Plugin):
    name = "AWS::SageMaker::Endpoint"

    def load(self) -> None:
        from mdlc_emulator.engine.sagemaker.cloudformation import EndpointResource

        self.factory = EndpointResource


class EndpointConfigPlugin(_Plugin):
    name = "AWS::SageMaker::EndpointConfig"

    def load(self) -> None:
        from mdlc_emulator.engine.sagemaker.cloudformation import EndpointConfigResource

        self.factory = EndpointConfigResource


class ModelPlugin(_Plugin):
    name = "AWS::SageMaker::Model"

    def load(self) -> None:
        from mdlc_emulator.engine.sagemaker.cloudformation import ModelResource

        self.factory = ModelResource


class ModelPackageGroupPlugin(_Plugin):
    name = "AWS::SageMaker::ModelPackageGroup"

    def load(self) -> None:
        from mdlc_emulator.engine.sagemaker.cloudformation import ModelPackageGroupResource

        self.factory = ModelPackageGroupResource
