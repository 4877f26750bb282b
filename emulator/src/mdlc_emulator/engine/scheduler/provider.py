"""EventBridge Scheduler as a service of LocalStack: schedules that fire."""

from localstack.services.plugins import Service, ServiceLifecycleHook

from mdlc_emulator.engine.moto_service import native_service
from mdlc_emulator.engine.scheduler.operations import Groups, Schedules
from mdlc_emulator.engine.scheduler.runner import Runner
from mdlc_emulator.engine.scheduler.schedule import ScheduleStore
from mdlc_emulator.engine.scheduler.targets import AwsTargets

STORE = ScheduleStore()
RUNNER = Runner(STORE, AwsTargets())


class _Lifecycle(ServiceLifecycleHook):
    def on_before_state_reset(self) -> None:
        for schedule in STORE.all():
            RUNNER.forget(schedule)
        STORE.clear()

    def on_before_stop(self) -> None:
        RUNNER.stop()


def scheduler_service() -> Service:
    schedules, groups = Schedules(STORE, RUNNER), Groups(STORE, RUNNER)
    return native_service(
        "scheduler",
        {
            "CreateSchedule": schedules.create,
            "UpdateSchedule": schedules.update,
            "GetSchedule": schedules.get,
            "ListSchedules": schedules.list,
            "DeleteSchedule": schedules.delete,
            "CreateScheduleGroup": groups.create,
            "GetScheduleGroup": groups.get,
            "ListScheduleGroups": groups.list,
            "DeleteScheduleGroup": groups.delete,
            "TagResource": groups.tag,
            "UntagResource": groups.untag,
            "ListTagsForResource": groups.list_tags,
        },
        lifecycle=_Lifecycle(),
    )
