"""Tuning jobs really run: what each strategy tries, and when it stops."""

from __future__ import annotations

from tests.emulator.tuning.conftest import Tuner, choices, continuous


def test_a_seed_says_what_random_search_tries(tuner: Tuner) -> None:
    first = tuner.run(config={"RandomSeed": 7}, jobs=5)["HyperParameterTuningJobName"]
    again = tuner.run(config={"RandomSeed": 7}, jobs=5, parallel=5)["HyperParameterTuningJobName"]
    other = tuner.run(config={"RandomSeed": 8}, jobs=5)["HyperParameterTuningJobName"]
    assert len(tuner.tried(first)) == 5
    assert tuner.tried(first) == tuner.tried(again)
    assert tuner.tried(first) != tuner.tried(other)


def test_bayesian_search_closes_in_on_the_best(tuner: Tuner) -> None:
    options = {"strategy": "Bayesian", "parallel": 1, "config": {"RandomSeed": 3}}
    found = tuner.run(jobs=12, **options)
    name = found["HyperParameterTuningJobName"]
    misses = [abs(float(values["x"]) - 0.3) for values in tuner.tried(name)]
    assert sum(misses[-5:]) < sum(misses[:5])
    best = found["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Type"] == "Maximize"
    assert abs(float(best["TunedHyperParameters"]["x"]) - 0.3) == min(misses)
    again = tuner.run(jobs=5, **options)["HyperParameterTuningJobName"]
    assert tuner.tried(again) == tuner.tried(name)[:5]


def test_a_grid_is_tried_once_each(tuner: Tuner) -> None:
    ranges = choices(x=["0.1", "0.3"], bonus=["0", "1"])
    found = tuner.run(strategy="Grid", ranges=ranges, jobs=None)
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    tried = tuner.tried(found["HyperParameterTuningJobName"])
    assert sorted((each["x"], each["bonus"]) for each in tried) == [
        ("0.1", "0"),
        ("0.1", "1"),
        ("0.3", "0"),
        ("0.3", "1"),
    ]
    assert found["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.3", "bonus": "1"}


def test_hyperband_gives_epochs_to_those_that_are_worth_it(tuner: Tuner) -> None:
    found = tuner.run(
        strategy="Hyperband",
        jobs=9,
        parallel=1,
        static={"epochs": "27", "pace": "0.03"},
        config={
            "RandomSeed": 1,
            "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 27}},
        },
    )
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert found["TrainingJobStatusCounters"]["Stopped"] >= 3
    assert found["ObjectiveStatusCounters"]["Succeeded"] == 9
    trials = tuner.trials(found["HyperParameterTuningJobName"])
    misses = {each["TrainingJobName"]: abs(float(each["TunedHyperParameters"]["x"]) - 0.3) for each in trials}
    length = {each["TrainingJobName"]: each["TrainingEndTime"] - each["TrainingStartTime"] for each in trials}
    longest = max(length, key=lambda name: length[name])
    assert misses[longest] < sorted(misses.values())[len(misses) // 2]


def test_early_stopping_ends_what_is_worse_than_the_median(tuner: Tuner) -> None:
    ranges = choices(x=["0.3", "0.31", "0.9"])
    found = tuner.run(
        strategy="Grid",
        ranges=ranges,
        jobs=None,
        parallel=1,
        static={"epochs": "12", "pace": "0.05"},
        config={"TrainingJobEarlyStoppingType": "Auto"},
    )
    statuses = {
        each["TunedHyperParameters"]["x"]: each["TrainingJobStatus"]
        for each in tuner.trials(found["HyperParameterTuningJobName"])
    }
    assert statuses["0.3"] == "Completed"
    assert statuses["0.9"] == "Stopped"
    assert found["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.3"}


def test_no_more_run_at_once_than_may(tuner: Tuner) -> None:
    found = tuner.run(jobs=5, parallel=2, static={"pace": "0.1"})
    trials = tuner.trials(found["HyperParameterTuningJobName"])
    moments = [(each["CreationTime"], 1) for each in trials]
    moments += [(each["TrainingEndTime"], -1) for each in trials]
    running = [sum(step for at, step in moments if at <= moment) for moment, _ in moments]
    assert max(running) == 2


def test_identical_warm_start_learns_and_remembers(tuner: Tuner) -> None:
    parent = tuner.run(strategy="Grid", ranges=choices(x=["0.3", "0.9"]), jobs=None)
    name = parent["HyperParameterTuningJobName"]
    child = tuner.run(
        strategy="Grid",
        ranges=choices(x=["0.5", "0.7"]),
        jobs=None,
        WarmStartConfig={
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name}],
            "WarmStartType": "IdenticalDataAndAlgorithm",
        },
    )
    assert child["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.5"}
    overall = child["OverallBestTrainingJob"]
    assert (overall["TunedHyperParameters"], overall["TuningJobName"]) == ({"x": "0.3"}, name)


def test_a_transfer_begins_with_the_best_of_its_parent(tuner: Tuner) -> None:
    parent = tuner.run(strategy="Grid", ranges=choices(x=["0.9", "0.3", "0.6"]), jobs=None)
    child = tuner.run(
        strategy="Random",
        ranges=choices(x=["0.9", "0.3", "0.6", "0.1"]),
        jobs=4,
        parallel=1,
        WarmStartConfig={
            "ParentHyperParameterTuningJobs": [
                {"HyperParameterTuningJobName": parent["HyperParameterTuningJobName"]}
            ],
            "WarmStartType": "TransferLearning",
        },
    )
    assert tuner.tried(child["HyperParameterTuningJobName"])[0] == {"x": "0.3"}
    assert "OverallBestTrainingJob" not in child


def test_several_definitions_take_turns(tuner: Tuner) -> None:
    def definition(name: str, bonus: str) -> dict[str, object]:
        return tuner.definition(bonus=bonus) | {
            "DefinitionName": name,
            "TuningObjective": {"Type": "Maximize", "MetricName": "score"},
            "HyperParameterRanges": continuous("x", "0", "1"),
        }

    request = tuner.request(jobs=4)
    del request["TrainingJobDefinition"]
    config = request["HyperParameterTuningJobConfig"]
    del config["ParameterRanges"], config["HyperParameterTuningJobObjective"]
    request["TrainingJobDefinitions"] = [definition("plain", "0"), definition("better", "10")]
    found = tuner.over(tuner.start(request))
    names = [each["TrainingJobDefinitionName"] for each in tuner.trials(found["HyperParameterTuningJobName"])]
    assert sorted(names) == ["better", "better", "plain", "plain"]
    assert found["BestTrainingJob"]["TrainingJobDefinitionName"] == "better"
