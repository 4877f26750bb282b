"""Script mode, training: scripts in the images of scikit-learn and xgboost."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from mdlc_emulator.images.recipe import Use
from mdlc_emulator.images.resolve import resolve

from tests.emulator.images.script_mode import SKLEARN, TRAINS, XGBOOST, Job, archive, ask, put
from tests.emulator.images.wheels import wheel


def test_a_script_from_s3_trains_with_its_hyperparameters_as_arguments(
    tmp_path: Path, emulator: Any, aws: Any
) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="script-mode")
    s3.put_object(
        Bucket="script-mode",
        Key="a b/sourcedir.tar.gz",
        Body=archive(train__py=TRAINS, helper__py="WORD = 'kept'\n"),
    )
    job = Job(SKLEARN, tmp_path / "ml", emulator.endpoint_url)
    (job.base / "input/data/train/rows.csv").write_text("1,0.5,2\n0,-1,0\n1,2,1\n0,-2,0.5\n")
    job.configure(
        "hyperparameters",
        {
            "alpha": "0.5",
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"s3://script-mode/a b/sourcedir.tar.gz"',
        },
    )
    done = job.train()
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.partition("SAID ")[2].splitlines()[0])
    assert said == {
        "alpha": 0.5,
        "hps": {"alpha": 0.5},
        "helper": "kept",
        "channels": ["train"],
        "host": "localhost",
    }
    assert (job.base / "model" / "model.joblib").stat().st_size > 100
    assert (job.base / "output" / "success").exists()
    # Both versions are kept: the one asked for, and the one that ran.
    assert re.match(
        r"The image's version of scikit-learn is 1\.2-1; scikit-learn 1\.\d+\.\d+ runs", done.stdout
    )


def test_an_archive_that_is_not_there_fails_with_boto3_s_own_words(
    tmp_path: Path, emulator: Any, aws: Any
) -> None:
    aws.client("s3").create_bucket(Bucket="script-mode-empty")
    job = Job(SKLEARN, tmp_path / "ml", emulator.endpoint_url)
    job.configure(
        "hyperparameters",
        {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"s3://script-mode-empty/gone.tar.gz"',
        },
    )
    done = job.train()
    assert done.returncode == 1
    failure = (job.base / "output" / "failure").read_text()
    assert "botocore.exceptions.ClientError: An error occurred (404) when calling the HeadObject" in failure


def test_a_script_that_fails_leaves_its_error_as_the_reason(job: Job) -> None:
    job.script({"train.py": "raise ValueError('no rows')"})
    done = job.train()
    assert done.returncode == 1
    failure = (job.base / "output" / "failure").read_text()
    # The image of scikit-learn does not quote the script's last words: they are in the log.
    assert failure.startswith('ExecuteUserScriptError:\nExitCode 1\nErrorMessage ""\nCommand "')
    assert "ValueError: no rows" in done.stderr


def test_a_shell_script_is_an_entry_point_too(job: Job) -> None:
    job.script({"train.sh": 'python -c "import sklearn; print(sklearn.__name__)" > "$SM_MODEL_DIR/said"\n'})
    job.configure("hyperparameters", {"sagemaker_program": '"train.sh"'})
    assert job.train().returncode == 0
    assert (job.base / "model" / "said").read_text() == "sklearn\n"


def test_what_a_script_s_process_sees_is_the_image_s_and_not_the_toolkit_s(job: Job) -> None:
    script = """
        import boto3, importlib.util
        print("KIND", type(boto3).__name__, importlib.util.find_spec("mdlc_emulator"))
    """
    job.script({"train.py": script})
    done = job.train()
    assert "KIND module None" in done.stdout, done.stderr


def test_a_script_of_the_xgboost_image_s_examples_trains(tmp_path: Path) -> None:
    """As in AWS's abalone example: the image's own helpers, on one host."""
    job = Job(XGBOOST, tmp_path / "ml")
    (job.base / "input/data/train/rows.libsvm").write_text("1 0:1 1:2\n0 0:3 1:4\n1 0:1 1:1\n")
    job.script(
        {
            "train.py": """
            import json, os
            import xgboost
            from sagemaker_containers import entry_point
            from sagemaker_xgboost_container import distributed
            from sagemaker_xgboost_container.data_utils import get_dmatrix

            def train(params, rows, is_master):
                model = xgboost.train(params, rows, num_boost_round=2)
                assert is_master
                model.save_model(os.environ["SM_MODEL_DIR"] + "/model.ubj")

            rows = get_dmatrix(os.environ["SM_CHANNEL_TRAIN"], "libsvm")
            print("ROWS", rows.num_row(), rows.num_col(), rows.get_label().tolist())
            distributed.rabit_run(
                exec_fun=train, args={"params": {}, "rows": rows}, include_in_training=True,
                hosts=json.loads(os.environ["SM_HOSTS"]), current_host=os.environ["SM_CURRENT_HOST"],
                update_rabit_args=True,
            )
            assert get_dmatrix(os.environ["SM_MODEL_DIR"] + "/none", "csv") is None
            try:
                distributed.rabit_run(train, {}, True, ["a", "b"], "a")
            except RuntimeError as error:
                print("SAID", error)
            """
        }
    )
    done = job.train()
    assert done.returncode == 0, done.stderr
    assert "ROWS 3 2 [1.0, 0.0, 1.0]" in done.stdout
    assert "one instance; set InstanceCount to 1" in done.stdout
    assert (job.base / "model" / "model.ubj").exists()


def test_the_xgboost_image_runs_a_script_when_the_job_names_one(tmp_path: Path) -> None:
    job = Job(XGBOOST, tmp_path / "ml")
    job.script({"train.py": "import xgboost; print('SCRIPT', xgboost.__version__)"})
    assert "SCRIPT 3." in job.train().stdout


def test_and_the_algorithm_when_it_names_none(tmp_path: Path) -> None:
    job = Job(XGBOOST, tmp_path / "ml")
    done = job.train()
    assert done.returncode == 1
    # The algorithm's own complaint, not the toolkit's.
    assert "num_round" in (job.base / "output" / "failure").read_text()


def test_an_environment_without_the_toolkit_is_told_how_to_get_it(tmp_path: Path) -> None:
    import sys

    launcher = list(resolve(SKLEARN).started(Use.TRAIN).command)[1:]
    done = subprocess.run([sys.executable, *launcher], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "has no sagemaker-training, which runs scripts: install it there" in done.stderr
    assert "Traceback" not in done.stderr


# ---- serving -----------------------------------------------------------------------------------------------


def test_what_a_job_installs_without_a_file_system_of_its_own_does_not_stay(job: Job) -> None:
    """pip is sent elsewhere, and both the script and a served module find what it installed."""
    from mdlc_emulator.environments.algorithms import ALGORITHMS

    (job.base / "code" / "spice-1.0-py3-none-any.whl").write_bytes(wheel("spice", "WORD = 'saffron'\n"))
    job.script(
        {
            "train.py": "import spice; print('WORD', spice.WORD)",
            "requirements.txt": "./spice-1.0-py3-none-any.whl\n",
        }
    )
    done = job.train()
    assert "WORD saffron" in done.stdout, done.stderr
    put(
        job,
        "import spice\ndef model_fn(d): return spice.WORD\n"
        "def transform_fn(m, *_): return (m, 'text/plain')\n",
    )
    code = job.base / "model" / "code"
    (code / "requirements.txt").write_text("./spice-1.0-py3-none-any.whl\n")
    (code / "spice-1.0-py3-none-any.whl").write_bytes(wheel("spice", "WORD = 'saffron'\n"))
    with job.serving() as url:
        assert ask(url, b"", "text/csv")[2] == b"saffron"
    assert not list(ALGORITHMS.place().rglob("spice*"))
