"""The experiment that SageMaker keeps of every tuning job, with the components of its training jobs.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from __future__ import annotations

from mdlc_emulator.engine.sagemaker.experiments.automatic import component_of
from mdlc_emulator.engine.sagemaker.experiments.components import associate
from mdlc_emulator.engine.sagemaker.experiments.experiments import new_trial
from mdlc_emulator.engine.sagemaker.experiments.resources import experiments, trials
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE


def _name(tuning: Resource) -> str:
    return f"{tuning.name}-aws-tuning-job"


def joined(tuning: Resource, job: Resource) -> None:
    """A training job of the tuning job was made: its component belongs to the tuning job's trial."""
    component = component_of(job)
    if component is None:
        return
    name = _name(tuning)
    source = {"SourceArn": tuning.arn, "SourceType": "SageMakerHyperParameterTuningJob"}
    with STORE.lock:
        shelf = experiments(tuning.caller)
        if shelf.find(name) is None:
            shelf.add(Resource(name, shelf.arn(name), tuning.caller, {"Source": source}))
        trial = trials(tuning.caller).find(name) or new_trial(tuning.caller, name, name, {"Source": source})
        associate(component, trial)
