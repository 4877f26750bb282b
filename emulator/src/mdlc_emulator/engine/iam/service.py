"""The IAM service for LocalStack's plugin manager.

Stock LocalStack answers SimulatePrincipalPolicy by looking for the action's letters in the policy, and fails
without ResourceArns. SageMaker's SDK asks so whether a role may be used for training.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from localstack.services.iam.provider import IamProvider
from localstack.services.iam.resources.policy_simulator import BasicIAMPolicySimulator
from localstack.services.plugins import Service

from mdlc_emulator.engine.iam.evaluation import Statement, evaluate, statements_of


class PolicySimulator(BasicIAMPolicySimulator):
    """Evaluates the policies of a user, group or role."""

    def simulate_principal_policy(self, context: Any, request: Any) -> Any:
        """Every action on every resource ("*" when none is named).

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
        """
        store = self.provider._get_store(context)
        documents = self.get_policies_from_principal(store, request["PolicySourceArn"])
        documents += request.get("PolicyInputList") or []
        statements = list(_statements(documents))
        resources = request.get("ResourceArns") or ["*"]
        return {
            "IsTruncated": False,
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": evaluate(statements, action, resource).value,
                    "MatchedStatements": [],
                    "MissingContextValues": [],
                }
                for action in request["ActionNames"]
                for resource in resources
            ],
        }


def _statements(documents: Iterable[str]) -> Iterable[Statement]:
    for document in documents:
        for statement in statements_of(json.loads(unquote(document))):
            # A role's trust policy is among them, and says nothing of what the role may do.
            if "Principal" not in statement:
                yield statement


def iam_service() -> Service:
    """LocalStack's provider with our simulator."""
    provider = IamProvider()  # type: ignore[no-untyped-call]
    provider.policy_simulator = PolicySimulator(provider)
    return Service.for_provider(provider)
