"""The service `sagemaker-metrics`: values of metrics over time and iterations, of a trial component."""
