"""The only importers of MLflow, Optuna and, later, Ray. Plain values in, plain values out."""

import os

# read when MLflow is imported
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # what is run here is told to nobody
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # it would stand between lines of JSON
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # with the password that may be in it
# a server's restart is waited for, some quarter of a minute; MLflow's own patience would hold a training up for minutes
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
