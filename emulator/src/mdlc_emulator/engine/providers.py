"""The AWS services this engine brings or replaces, as LocalStack's provider plugins.

LocalStack imports this module to resolve a plugin, so every import of weight stands inside its function.
"""

from localstack.services.plugins import Service, aws_provider


@aws_provider(api="lambda", name="mdlc")
def lambda_() -> Service:
    from mdlc_emulator.engine.event_sources import install
    from mdlc_emulator.engine.functions.control import lambda_service

    install.install()
    return lambda_service()


@aws_provider(api="cloudwatch", name="mdlc")
def cloudwatch() -> Service:
    from mdlc_emulator.engine.cloudwatch import cloudwatch_service

    return cloudwatch_service()


@aws_provider(api="logs", name="mdlc")
def logs() -> Service:
    from mdlc_emulator.engine.logs.service import logs_service

    return logs_service()


@aws_provider(api="dynamodb", name="mdlc")
def dynamodb() -> Service:
    from mdlc_emulator.engine.dynamodb.provider import dynamodb_service

    return dynamodb_service()


@aws_provider(api="dynamodbstreams", name="mdlc")
def dynamodbstreams() -> Service:
    from mdlc_emulator.engine.dynamodb.provider import dynamodbstreams_service

    return dynamodbstreams_service()


@aws_provider(api="kinesis", name="mdlc")
def kinesis() -> Service:
    from mdlc_emulator.engine.kinesis.provider import kinesis_service

    return kinesis_service()


@aws_provider(api="stepfunctions", name="mdlc")
def stepfunctions() -> Service:
    from mdlc_emulator.engine.stepfunctions.service import stepfunctions_service

    return stepfunctions_service()


@aws_provider(api="apigateway", name="mdlc")
def apigateway() -> Service:
    from mdlc_emulator.engine.apigateway.service import apigateway_service

    return apigateway_service()


@aws_provider(api="scheduler", name="mdlc")
def scheduler() -> Service:
    from mdlc_emulator.engine.scheduler.provider import scheduler_service

    return scheduler_service()


@aws_provider(api="events", name="mdlc")
def events() -> Service:
    from localstack.services.events.provider import EventsProvider

    from mdlc_emulator.engine.scheduler import batch_targets, event_buses, rule_targets, rules

    rules.install()
    rule_targets.install()
    batch_targets.install()
    event_buses.install()
    return Service.for_provider(EventsProvider())  # type: ignore[no-untyped-call]


@aws_provider(api="iam", name="mdlc")
def iam() -> Service:
    from mdlc_emulator.engine.iam.service import iam_service

    return iam_service()


@aws_provider(api="sagemaker", name="mdlc")
def sagemaker() -> Service:
    from mdlc_emulator.engine.sagemaker.service import sagemaker_service

    return sagemaker_service()


@aws_provider(api="sagemaker-runtime", name="mdlc")
def sagemaker_runtime() -> Service:
    from mdlc_emulator.engine.sagemaker.service import sagemaker_runtime_service

    return sagemaker_runtime_service()


@aws_provider(api="sagemaker-metrics", name="mdlc")
def sagemaker_metrics() -> Service:
    from mdlc_emulator.engine.sagemaker.service import sagemaker_metrics_service

    return sagemaker_metrics_service()


@aws_provider(api="cloudformation", name="mdlc")
def cloudformation() -> Service:
    from mdlc_emulator.engine.cloudformation import conditions, replacing
    from mdlc_emulator.engine.dynamodb import cloudformation as tables
    from mdlc_emulator.engine.ecr import cloudformation as repositories
    from mdlc_emulator.engine.fidelity.stacks import cloudformation_service
    from mdlc_emulator.engine.kinesis import cloudformation as streams

    replacing.install()
    streams.install()
    tables.install()
    repositories.install()
    conditions.install()
    return cloudformation_service()


@aws_provider(api="sqs", name="mdlc")
def sqs() -> Service:
    from mdlc_emulator.engine.sqs.service import sqs_service

    return sqs_service()


@aws_provider(api="s3", name="mdlc")
def s3() -> Service:
    from localstack.services.s3.provider import S3Provider

    from mdlc_emulator.engine.event_sources import s3_notifications
    from mdlc_emulator.engine.s3_storage import object_store

    s3_notifications.install()
    return Service.for_provider(S3Provider(object_store()))


@aws_provider(api="batch", name="mdlc")
def batch() -> Service:
    from mdlc_emulator.engine.batch.provider import batch_service

    return batch_service()


@aws_provider(api="ecr", name="mdlc")
def ecr() -> Service:
    from mdlc_emulator.engine.moto_service import moto_service

    return moto_service("ecr")
