"""The only importers of MLflow, Optuna and, later, Ray. Plain values in, plain values out."""

import os

# read when MLflow is imported
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # what is run here is told to nobody
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # it would stand between lines of JSON
