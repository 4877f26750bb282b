"""Amazon's own algorithms, each in one module: what it learns, what it predicts, and what it says in its log.

A module has `train(job) -> Artefact` and `Predictor`; numpy, scipy and scikit-learn do the work.
"""
