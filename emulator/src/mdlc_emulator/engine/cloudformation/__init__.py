"""CloudFormation: which resource types a template may name.

With CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES=0 LocalStack refuses, before anything is made, every type that a
catalogue in the network does not list; without the network that is all of them, and types under a condition
that is false as well. We let the change set through: a type without a provider then fails when it is to be
made ("Resource type ... not supported"), and only then.
"""


def install() -> None:
    """Take the catalogue's word out of the decision. Raises RuntimeError when LocalStack has moved it."""
    from localstack.utils.catalog import catalog
    from localstack.utils.catalog.common import CloudFormationResourcesSupportAtRuntime as Support

    def available(*_: object, **__: object) -> Support:
        return Support.AVAILABLE

    for owner in (catalog.AwsCatalogRuntimePlugin, catalog.AwsCatalogRemoteStatePlugin):
        if not hasattr(owner, "get_cloudformation_resource_status"):
            raise RuntimeError(f"LocalStack's {owner.__name__} has changed: adapt engine/cloudformation")
        setattr(owner, "get_cloudformation_resource_status", available)  # noqa: B010
