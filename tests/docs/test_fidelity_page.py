"""The page that says what each operation is worth says what the emulator says."""

from mdlc_emulator.launcher import Instance

from tests.docs.fidelity import PAGE, classes, render


def test_the_page_is_what_its_generator_writes(emulator: Instance) -> None:
    assert PAGE.read_text() == render(classes(emulator.endpoint_url)), "run `make fidelity`"


def test_nothing_that_is_implemented_is_called_unsupported(emulator: Instance) -> None:
    """A pattern of the table that says why a group is missing must not hide what has been added since."""
    found = classes(emulator.endpoint_url)
    for service in ("sagemaker", "sagemaker-runtime", "sagemaker-metrics", "batch"):
        hidden = [
            name
            for name, judged in found[service].items()
            if judged["fidelity"] == "unsupported" and judged["implementation"] != "none"
        ]
        assert hidden == []
