"""The only importers of MLflow, Optuna and, later, Ray. Plain values in, plain values out."""
