"""What an image does where a user's module leaves a function out: one small class for each framework."""

from typing import Any

from mdlc_emulator.scripts import codecs

NO_FUNCTION = "Please provide a {name} implementation.\nSee documentation for {name} at https://github.com/aws/sagemaker-python-sdk"


class Defaults:
    """Every framework: models and predictions are the user's business, bodies are arrays."""

    def model_fn(self, model_dir: str) -> Any:
        """Load the model: no image knows how."""
        raise NotImplementedError(NO_FUNCTION.format(name="model_fn"))

    def input_fn(self, content: Any, content_type: str) -> Any:
        """The body as an array."""
        return codecs.decode(content, content_type)

    def predict_fn(self, data: Any, model: Any) -> Any:
        """Predict: unknown here."""
        raise NotImplementedError(NO_FUNCTION.format(name="predict_fn"))

    def output_fn(self, prediction: Any, accept: str) -> Any:
        """The prediction as a body."""
        return codecs.encode(prediction, accept), accept


class ScikitLearn(Defaults):
    """https://github.com/aws/sagemaker-scikit-learn-container/blob/master/src/sagemaker_sklearn_container/serving.py"""

    def input_fn(self, content: Any, content_type: str) -> Any:
        """The body as an array, of single precision when it came as text."""
        array = super().input_fn(content, content_type)
        return array.astype("float32") if content_type in codecs.UTF8_TYPES else array

    def predict_fn(self, data: Any, model: Any) -> Any:
        """`model.predict`."""
        return model.predict(data)


class Xgboost(Defaults):
    """https://github.com/aws/sagemaker-xgboost-container/blob/master/src/sagemaker_xgboost_container/handler_service.py"""

    def input_fn(self, content: Any, content_type: str) -> Any:
        """The body as a DMatrix: CSV without label, libsvm, RecordIO-protobuf."""
        from mdlc_emulator.scripts.dmatrix import decode

        return decode(content, content_type)

    def predict_fn(self, data: Any, model: Any) -> Any:
        """`Booster.predict`."""
        return model.predict(data, validate_features=False)


FRAMEWORKS: dict[str, type[Defaults]] = {
    "pytorch": Defaults,
    "scikit-learn": ScikitLearn,
    "xgboost": Xgboost,
}
