"""What a transform job does, in threads of its own: servers up, files through, output stored."""

from __future__ import annotations

import gzip
import io
import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.containers.logs import LogWriter
from mdlc_emulator.engine.s3_storage import open_object
from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place, S3Error
from mdlc_emulator.engine.sagemaker.data.selection import (
    Chosen,
    SelectionError,
    by_manifest,
    by_prefix,
    shard,
)
from mdlc_emulator.engine.sagemaker.kernel.clients import client
from mdlc_emulator.engine.sagemaker.kernel.resource import moment
from mdlc_emulator.engine.sagemaker.models.operations import models
from mdlc_emulator.engine.sagemaker.models.plan import NotServableError, plan
from mdlc_emulator.engine.sagemaker.servers.instance import Instance, InstanceError
from mdlc_emulator.engine.sagemaker.servers.server import startup_seconds
from mdlc_emulator.engine.sagemaker.servers.wire import UnansweredError
from mdlc_emulator.engine.sagemaker.transform import split
from mdlc_emulator.engine.sagemaker.transform.job import TransformJob
from mdlc_emulator.engine.sagemaker.transform.output import Output
from mdlc_emulator.engine.sagemaker.transform.processing import Processing
from mdlc_emulator.engine.sagemaker.transform.stream import Client, RecordError, StoppedError, Through

LOG = logging.getLogger(__name__)

GROUP = "/aws/sagemaker/TransformJobs"
TIMEOUT, RETRIES = 600, 3
"""ModelClientConfig's defaults: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelClientConfig.html"""
SEE_LOGS = "See job logs for more information"


class _FailedError(Exception):
    """The job has failed. The message is its FailureReason."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the request, else the container's /execution-parameters, else SageMaker's defaults say:
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html"""

    concurrent: int
    payload_mb: int
    strategy: str

    @property
    def limit(self) -> int:
        return self.payload_mb << 20 if self.payload_mb else split.UNLIMITED


def start(job: TransformJob) -> None:
    """Run the job in the background."""
    threading.Thread(target=_run, args=(job,), name=f"transform-{job.name}", daemon=True).start()


def _run(job: TransformJob) -> None:
    try:
        _Run(job).run()
        outcome: dict[str, Any] = {"TransformJobStatus": "Completed"}
    except StoppedError:
        outcome = {"TransformJobStatus": "Stopped"}
    except _FailedError as error:
        outcome = {"TransformJobStatus": "Failed", "FailureReason": str(error)[:1024]}
    except Exception as error:
        LOG.exception("Transform job %s failed", job.name)
        reason = f"InternalServerError: {error}. We are unable to run the job."
        outcome = {"TransformJobStatus": "Failed", "FailureReason": reason[:1024]}
    if job.control.asked():
        outcome = {"TransformJobStatus": "Stopped"}
    job.change(**outcome, TransformEndTime=moment(clock.now()))
    job.tell_over()


class _Run:
    def __init__(self, job: TransformJob) -> None:
        self._job, self._asked = job, job.members
        self._began = int(clock.now())
        self._objects = Objects(job.caller)
        self._data_log = self._log(f"{job.name}/data-log")
        self._failures: list[RecordError] = []
        self._written: list[tuple[str, str]] = []

    def run(self) -> None:
        instances: list[Instance] = []
        try:
            files = self._files()
            instances = self._instances(min(self._asked["TransformResources"]["InstanceCount"], len(files)))
            settings = self._settings(instances[0])
            self._say(
                f"MaxConcurrentTransforms={settings.concurrent}, MaxPayloadInMB={settings.payload_mb}, "
                f"BatchStrategy={settings.strategy}"
            )
            self._job.change(TransformStartTime=moment(clock.now()))
            with ThreadPoolExecutor(len(instances)) as threads:
                work = [
                    threads.submit(self._through, instance, settings, shard(files, number, len(instances)))
                    for number, instance in enumerate(instances)
                ]
            for part in work:
                part.result()
            if self._failures:
                raise _FailedError(f"{self._failures[0].kind}: {SEE_LOGS}")
            self._capture()
        finally:
            for instance in instances:
                instance.stop()
            self._data_log.close()

    def _log(self, stream: str) -> LogWriter:
        caller = self._job.caller
        return LogWriter(caller.account, caller.region, GROUP, stream)

    def _say(self, text: str) -> None:
        now = datetime.fromtimestamp(clock.now(), UTC)
        self._data_log(f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}:[sagemaker logs]: {text}")

    def _files(self) -> list[Chosen]:
        source = self._asked["TransformInput"]["DataSource"]["S3DataSource"]
        place = Place.of(source["S3Uri"])
        try:
            if source["S3DataType"] == "ManifestFile":
                files = by_manifest(self._objects, place)
            else:
                files = by_prefix(self._objects, place)
        except (S3Error, SelectionError, AwsError) as error:
            raise _FailedError(f"ClientError: Data download failed: {error}") from error
        if not files:
            raise _FailedError(
                f'ClientError: No S3 objects found under S3 URL "{source["S3Uri"]}" given in input '
                "data source. Please "
                "ensure that the bucket exists in the selected region "
                f"({self._job.caller.region}), that objects exist "
                "under that S3 prefix, and that the role of the model has s3:ListBucket "
                "permissions on the bucket."
            )
        return files

    def _instances(self, number: int) -> list[Instance]:
        asked = self._asked
        variables = {"SAGEMAKER_BATCH": "true"}
        for variable, member in (
            ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "MaxPayloadInMB"),
            ("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "MaxConcurrentTransforms"),
        ):
            if member in asked:
                variables[variable] = str(asked[member])
        if "BatchStrategy" in asked:
            variables["SAGEMAKER_BATCH_STRATEGY"] = _WORDS[asked["BatchStrategy"]]
        try:
            model = models(self._job.caller).get(asked["ModelName"])
            made = plan(model, variables | asked.get("Environment", {}))
        except (AwsError, NotServableError) as error:
            raise _FailedError(f"ClientError: {getattr(error, 'message', error)}") from error
        if any(container.many is not None for container in made.containers):
            raise _FailedError("ClientError: A model of many models cannot be used for a transform job.")
        instances = [
            Instance(made, lambda stream: self._log(f"{self._job.name}/{stream}-{self._began}"))
            for _ in range(number)
        ]
        ready: list[Instance] = []
        try:
            for instance in instances:
                if self._job.control.asked():
                    raise StoppedError
                self._watch_stop(instance)
                instance.start(startup_seconds())
                ready.append(instance)
        except InstanceError as error:
            for instance in ready:
                instance.stop()
            raise _FailedError(
                f"AlgorithmError: Model server of container {error.label} did not become ready: {error.why}"
            ) from error
        return instances

    def _watch_stop(self, instance: Instance) -> None:
        """The servers end as soon as the job is to, whatever they are doing."""

        def watch() -> None:
            tick = threading.Event()
            while not self._job.over.is_set():
                if self._job.control.asked():
                    instance.stop(0.0)
                    return
                tick.wait(0.1)

        threading.Thread(target=watch, name="transform-stop", daemon=True).start()

    def _settings(self, instance: Instance) -> Settings:
        offered: dict[str, Any] = {}
        if not {"MaxConcurrentTransforms", "MaxPayloadInMB", "BatchStrategy"} <= self._asked.keys():
            try:
                answer = instance.server().wire.ask("GET", "/execution-parameters", timeout=2.0)
                if answer.status == 200:
                    offered = json.loads(bytes(answer.body))
            except (UnansweredError, ValueError):
                offered = {}
        offered = offered if isinstance(offered, dict) else {}

        def number(member: str, default: int) -> int:
            for found in (self._asked.get(member), offered.get(member)):
                if isinstance(found, int) and not isinstance(found, bool):
                    return found
            return default

        strategy = self._asked.get("BatchStrategy")
        return Settings(
            max(1, number("MaxConcurrentTransforms", 1) or 1),
            number("MaxPayloadInMB", 6),
            _WORDS[strategy] if strategy else str(offered.get("BatchStrategy", "MULTI_RECORD")),
        )

    def _through(self, instance: Instance, settings: Settings, files: list[Chosen]) -> None:
        """ "A transform job continues to process input files even if it fails to process one":
        https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html"""
        asked = self._asked
        inputs, outputs = asked["TransformInput"], asked["TransformOutput"]
        model_client = asked.get("ModelClientConfig", {})
        through = Through(
            instance,
            Client(
                inputs.get("ContentType", "application/octet-stream"),
                outputs.get("Accept", "*/*"),
                model_client.get("InvocationsTimeoutInSeconds", TIMEOUT),
                model_client.get("InvocationsMaxRetries", RETRIES),
            ),
            Processing(asked["DataProcessing"], inputs.get("ContentType", "")),
            settings.concurrent,
            outputs["AssembleWith"] == "Line",
            self._job.control.asked,
        )
        s3 = client("s3", self._job.caller)
        base = Place.of(outputs["S3OutputPath"])
        try:
            for file in files:
                target = base.below(f"{file.path}.out")
                output = Output(s3, target, outputs.get("KmsKeyId") or None)
                try:
                    through.file(self._pieces(s3, file, settings), output)
                    output.commit()
                    self._written.append((str(file.place), str(target)))
                except StoppedError:
                    output.abort()
                    raise
                except (RecordError, split.SplitError, s3.exceptions.ClientError, OSError) as error:
                    output.abort()
                    if self._job.control.asked():
                        raise StoppedError from None
                    self._fail(file, error)
        finally:
            through.close()

    def _fail(self, file: Chosen, error: Exception) -> None:
        failure = error if isinstance(error, RecordError) else RecordError("ClientError", [str(error)])
        for line in failure.lines:
            self._say(f"{file.place.bucket}/{file.place.key}: {line}")
        self._failures.append(failure)

    def _pieces(self, s3: Any, file: Chosen, settings: Settings) -> Iterator[split.Piece]:
        s3.head_object(Bucket=file.place.bucket, Key=file.place.key)
        source: Any = open_object(*self._job.caller, file.place.bucket, file.place.key)
        inputs = self._asked["TransformInput"]
        if inputs["CompressionType"] == "Gzip":
            source = io.BufferedReader(gzip.GzipFile(fileobj=source), 1 << 20)
        try:
            yield from self._split(source, settings)
        finally:
            source.close()

    def _split(self, source: Any, settings: Settings) -> Iterator[split.Piece]:
        inputs = self._asked["TransformInput"]
        many = settings.strategy != "SINGLE_RECORD"
        match inputs["SplitType"]:
            case "Line" if many:
                return split.many_lines(source, settings.limit)
            case "Line":
                return split.single_lines(source, settings.limit)
            case "RecordIO":
                return split.record_io(source, settings.limit, many=many)
            case _:
                return split.whole(source, settings.limit)

    def _capture(self) -> None:
        """Manifests of what was read and written, by hour:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-batch.html"""
        config = self._asked.get("DataCaptureConfig")
        if config is None:
            return
        hour = datetime.fromtimestamp(clock.now(), UTC).strftime("%Y/%m/%d/%H")
        base = Place.of(config["DestinationS3Uri"])
        options = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": config["KmsKeyId"]}
            if config.get("KmsKeyId")
            else {}
        )
        s3 = client("s3", self._job.caller)
        for side, uris in (
            ("input", [read for read, _ in self._written]),
            ("output", [written for _, written in self._written]),
        ):
            prefix = f"s3://{Place.of(uris[0]).bucket}/"
            body = json.dumps([{"prefix": prefix}, *(uri.removeprefix(prefix) for uri in uris)])
            place = base.below(side, hour, f"{self._job.name}.json")
            s3.put_object(Bucket=place.bucket, Key=place.key, Body=body.encode(), **options)


_WORDS = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}
"""BatchStrategy as the API says it -> as containers do."""
