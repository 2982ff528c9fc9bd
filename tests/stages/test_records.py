"""What MLflow and the ledger hold after a whole run, read back with MLflow's own client."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from mlflow import MlflowClient
from mlflow.entities import Run
from PIL import Image

from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.evaluation import metrics, predictions
from ferlab.files import content_hash, sha256_file
from ferlab.project import Project
from ferlab.records.plan import ArmSummary
from ferlab.stages.context import Context
from ferlab.stages.table import find
from ferlab.training.instructions import AVX2
from temporary import TemporaryProject


@pytest.fixture(scope="module")
def client(finished: TemporaryProject) -> MlflowClient:
    return MlflowClient(f"sqlite:///{finished.root}/mlflow.db")


def runs(client: MlflowClient, experiment: str) -> dict[str, Run]:
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    named = {run.info.run_name: run for run in found}
    assert len(named) == len(found), "two runs of one name"
    return named


def test_there_is_one_finished_run_for_each_training(client: MlflowClient, finished: TemporaryProject) -> None:
    study = json.loads((finished.root / "work/tuned/resnet50.json").read_text())["study"]
    wanted = {
        "classifiers": {"resnet50-dcgan-0", "svm-0"},
        "gans": {f"dcgan-0-{label}" for label in CKPLUS_CLASSES},
        "tuning": {study, *(f"{study}-{name}" for name in ("0", "reference", "whole-0"))},
    }
    for experiment, names in wanted.items():
        found = runs(client, experiment)
        assert set(found) == names
        assert {run.info.status for run in found.values()} == {"FINISHED"}
    tuning = runs(client, "tuning")
    parents = {name: run.data.tags.get("mlflow.parentRunId") for name, run in tuning.items()}
    assert parents == {name: None if name == study else tuning[study].info.run_id for name in tuning}


def test_the_ledger_names_the_search_that_an_arms_settings_are_from(finished: TemporaryProject) -> None:
    tuned = json.loads((finished.root / "work/tuned/resnet50.json").read_text())
    lines = {line["arm"]: line for line in finished.ledger()}
    assert lines["resnet50-dcgan"]["tuned_by"] == {key: tuned[key] for key in ("study", "trial", "identity")}
    assert {key: lines["resnet50-dcgan"]["settings"][key] for key in tuned["values"]} == tuned["values"]
    assert lines["svm"]["tuned_by"] is None


def test_runs_carry_their_parameters(client: MlflowClient, finished: TemporaryProject) -> None:
    settings = ArmSummary.read(finished.root / "reports/tiny/arms/resnet50-dcgan.json").settings
    logged = runs(client, "classifiers")["resnet50-dcgan-0"].data.params
    for key in ("lr", "batch_size", "width", "stem", "epochs"):
        assert logged[f"settings.{key}"] == str(settings[key])
    assert logged["settings.augmentation.rotation"] == "10.0"
    assert (logged["arm"], logged["seed"], logged["threads"]) == ("resnet50-dcgan", "0", "1")
    assert (logged["synthetic"], logged["labels"], logged["added_images"]) == ("dcgan", "drop_contempt", "24")
    gan = runs(client, "gans")["dcgan-0-fear"].data.params
    for key, value in finished.params.gan.families["dcgan"].model_dump().items():
        assert gan[key] == str(value)


def test_runs_say_what_made_them(client: MlflowClient, finished: TemporaryProject) -> None:
    for name, run in runs(client, "classifiers").items():
        record = json.loads((finished.root / f"work/runs/{name}/run.json").read_text())
        tags = run.data.tags
        assert tags["ferlab.identity"] == record["identity"]
        assert f"{tags['arm']}-{tags['seed']}" == name
        assert (tags["budget"], tags["data"], tags["stage"]) == ("tiny", "demo", "train")
        assert tags["commit"] == finished.run("git", "rev-list", "--max-parents=0", "HEAD").strip()
        assert tags["dirty"] == "false"
    labels = {run.data.tags["label"] for run in runs(client, "gans").values()}
    assert labels == set(CKPLUS_CLASSES)


def test_every_metric_has_one_value_a_step(client: MlflowClient) -> None:
    """A resumed run doesn't log a step twice."""
    for experiment, names in (("classifiers", {"train_loss", "valid_accuracy"}), ("gans", {"critic_loss"})):
        for run in runs(client, experiment).values():
            if run.info.run_name != "svm-0":
                assert names <= set(run.data.metrics)
            for metric in run.data.metrics:
                steps = Counter(point.step for point in client.get_metric_history(run.info.run_id, metric))
                assert set(steps.values()) == {1}, (run.info.run_name, metric, steps)
    run = runs(client, "classifiers")["resnet50-dcgan-0"]
    assert [m.step for m in client.get_metric_history(run.info.run_id, "train_loss")] == [1, 2]


def test_runs_name_the_content_of_their_data(client: MlflowClient, finished: TemporaryProject) -> None:
    ckplus = ImageSet.open(finished.root / "work/sources/ckplus")
    fear = ckplus.take(ckplus.labels == ckplus.classes.index("fear"))
    valid = ImageSet.open(finished.root / "work/prepared/valid")
    wanted = {
        ("classifiers", "svm-0"): {"training": ("train", None), "validation": ("valid", valid)},
        ("gans", "dcgan-0-fear"): {"training": ("ckplus", fear)},
    }  # fmt: skip
    for (experiment, name), datasets in wanted.items():
        inputs = runs(client, experiment)[name].inputs.dataset_inputs
        found = {entry.tags[0].value: entry.dataset for entry in inputs}
        assert set(found) == set(datasets)
        for context, (title, images) in datasets.items():
            assert found[context].name == title
            if images is not None:
                assert images.digest().startswith(found[context].digest)


def test_scores_predictions_and_confusions_are_with_the_run(client: MlflowClient, finished: TemporaryProject) -> None:
    for name, run in runs(client, "classifiers").items():
        file = finished.root / f"reports/tiny/predictions/{name}.parquet"
        scores = metrics.scores(predictions.read(file))
        for key, value in scores.items():
            assert run.data.metrics[f"test_{key}"] == pytest.approx(value, abs=1e-12)
        folders = (None, "predictions")
        paths = {item.path for folder in folders for item in client.list_artifacts(run.info.run_id, folder)}
        assert {"curve.csv", "run.json", f"predictions/{name}.parquet", "confusion.csv"} <= paths
        copy = Path(client.download_artifacts(run.info.run_id, f"predictions/{name}.parquet"))
        assert copy.read_bytes() == file.read_bytes()


LOAD = """
import importlib.util, json, sys
from pathlib import Path
sys.path[:] = [place for place in sys.path if not (Path(place) / "ferlab").is_dir()]
assert importlib.util.find_spec("ferlab") is None
import mlflow, numpy as np, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
pictures = pd.DataFrame({"picture": [path.read_bytes() for path in sorted(Path(sys.argv[3]).glob("*.png"))]})
print("ROWS" + json.dumps(np.asarray(model.predict(pictures)).tolist()))
"""


@pytest.mark.chaos  # loads MLflow's own flavour, 20 s
def test_the_logged_model_predicts_as_the_predictions_file_says(
    client: MlflowClient, finished: TemporaryProject, tmp_path: Path
) -> None:
    """Loaded by MLflow's own loader where no ferlab is to be imported; three rows, though its example has one."""
    test = ImageSet.open(finished.root / "work/prepared/test")
    for number, face in enumerate(test.images[:3]):
        Image.fromarray(face).save(tmp_path / f"{number}.png")
    experiment = client.get_experiment_by_name("classifiers").experiment_id
    models = {model.source_run_id: model for model in client.search_logged_models([experiment])}
    for name, run in runs(client, "classifiers").items():
        assert run.data.tags["ferlab.best_of"] == f"tiny/demo/{name.removesuffix('-0')}"
        uri = f"models:/{models[run.info.run_id].model_id}"
        output = finished.python(LOAD, f"sqlite:///{finished.root}/mlflow.db", uri, str(tmp_path))
        rows = np.array(json.loads(output.split("ROWS")[1].splitlines()[0]))
        assert rows.shape == (3, len(FER_CLASSES))
        assert np.abs(rows.sum(axis=1) - 1).max() < 1e-6
        known = predictions.read(finished.root / f"reports/tiny/predictions/{name}.parquet")
        assert known.ids[:3] == test.ids[:3]
        assert np.abs(rows - known.probabilities[:3]).max() < 1e-5


def test_the_ledger_traces_every_number(client: MlflowClient, finished: TemporaryProject) -> None:
    lines = {f"{line['arm']}-{line['seed']}": line for line in finished.ledger()}
    assert len(lines) == len(finished.ledger()) == 2
    trained = runs(client, "classifiers")
    for name, line in lines.items():
        folder, file = finished.root / f"work/runs/{name}", finished.root / f"reports/tiny/predictions/{name}.parquet"
        record = json.loads((folder / "run.json").read_text())
        assert line["identity"] == record["identity"]
        assert line["manifest"] == record["manifest"]
        assert line["settings"] == record["settings"]
        assert line["mlflow_run"] == trained[name].info.run_id
        assert line["checkpoint"] == content_hash(folder)
        assert line["predictions"] == sha256_file(file)
        assert line["lock"] == sha256_file(finished.root / "requirements.lock")
        assert line["data"]["fer2013"] == sha256_file(finished.root / "data/fer2013.zip")
        assert line["commit"] == finished.run("git", "rev-list", "--max-parents=0", "HEAD").strip()
        assert line["dirty"] == "false"
        assert line["test_accuracy"] == predictions.read(file).correct.mean()
        assert line["valid_accuracy"] == trained[name].data.metrics["best_valid_accuracy"]
        assert line["uncommitted"] == []
        assert line["circumstances_of"] == "training"
        assert line["package"] == json.loads((finished.root / "code.json").read_text())["package"]
        assert set(line["machine"]) == {"system", "processor", "cpu", "gpu", "cores", "memory_gib", "python"}
        assert line["instructions"]["asked"] == "avx2"
        assert line["instructions"]["variables"] == (AVX2 if line["machine"]["processor"] == "x86_64" else {})
        assert line["libraries"]["torch"] == torch.__version__
        assert len(line["trained"]) == 2
        assert all(line["trained"])
        assert line["trained"][0] <= line["trained"][1] <= line["evaluated"]


def test_files_under_dvc_and_the_report_hold_no_time_place_or_machine(finished: TemporaryProject) -> None:
    """They carry content identities only, so that an equal rerun is byte-equal."""
    words = (str(finished.root).encode(), str(Path.home()).encode() + b"/", b"test@example.org")
    for folder in ("work", "reports"):
        for path in (finished.root / folder).rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not any(word in content for word in words), path


def test_a_checkpoint_that_was_never_written_is_not_gone_on_from(
    finished: TemporaryProject, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As where the disk was full at the first one: the folder is there, and no state in it."""
    project = finished.copy(tmp_path / "project")
    context = Context(Project(project.root), find("train"), {"arm": "resnet50-dcgan", "seed": "0"}, project.params)
    context.checkpoints.clear()
    context.start_training()
    context.start_training()
    assert "going on" not in capsys.readouterr().err
    context.checkpoints.save({"step": 1})
    context.start_training()
    assert "going on from the checkpoint" in capsys.readouterr().err
    context.checkpoints.clear()
    context.checkpoints.child("happy").save({"step": 1})
    context.start_training()
    assert "going on from the checkpoint" in capsys.readouterr().err
