-- MLflow's own database is made by the image; this is Optuna's.
CREATE DATABASE optuna;
