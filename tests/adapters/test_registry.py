"""The registry: which run of an arm is its best, what a version says of itself, and what its classifier answers."""

import base64
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from PIL import Image

from ferlab.adapters.models import best_of
from ferlab.adapters.registry import CARD, LONGEST, Registered, register
from ferlab.adapters.tracking import tracked
from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.catalogue import create, load_run
from ferlab.data.labels import FER_CLASSES
from ferlab.detection.faces import read_faces
from ferlab.errors import UserError
from ferlab.project import Project
from ferlab.records.run import FILE, RunRecord
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from servers import free_port
from small import barred, noise, svm

pytestmark = [
    pytest.mark.chaos,  # logging and loading MLflow's own flavour takes it 20 s
    pytest.mark.filterwarnings("ignore"),  # it warns while it is imported, and of its own files
]

ARM = best_of("tiny", "demo", "svm")


def log(project: Project, seed: int, valid: float, test: float) -> None:
    with tracked(project, "classifiers", f"svm-{seed}", identity=f"t{seed}", params={}, tags={}) as run:
        run.figures({"best_valid_accuracy": valid, "test_accuracy": test})
        run.model(ARM, valid, project.root / "run")


def enter(project: Project, card: str = "# A card of {}\n") -> Registered:
    tags = {"ferlab.identity": "{}"}
    return register(
        project, ARM, "tiny-svm", "best", lambda one: {key: tags[key].format(one) for key in tags}, card.format
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two runs of an arm: by validation the first is better, by test the second."""
    project = Project(tmp_path_factory.mktemp("registry"))
    settings, folder = svm(max_iterations=50), project.root / "run"
    folder.mkdir()
    classifier = create(settings)
    classifier.fit(
        barred(4),
        barred(2, seed=1),
        TrainingPlan(0, "cpu"),
        observe=ignore,
        checkpoints=Checkpoints(project.root / "inflight", 1e9),
    )
    classifier.save(folder)
    about = {"arm": "svm", "seed": 0, "identity": "t0", "manifest": {}, "settings": settings, "select_on": "valid"}
    RunRecord(**about, selected_epoch=0, valid_accuracy=0.7, notes={}).write(folder / FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        log(project, 0, valid=0.7, test=0.1)
        log(project, 1, valid=0.5, test=0.9)
    return project


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """Files as people have them: grey 48x48 PNG, and a colour JPEG of another size."""
    found = []
    for picture, kind in (
        (Image.fromarray(noise(1)[0]), "PNG"),
        (Image.fromarray(np.stack(list(noise(3, 1)), axis=-1)).resize((61, 80)), "JPEG"),
    ):
        with io.BytesIO() as file:
            picture.save(file, kind)
            found.append(file.getvalue())
    return found


@pytest.fixture(scope="module")
def predicted(project: Project, pictures: list[bytes]) -> list[dict[str, float]]:
    """What `ferlab predict --whole` says of them, before it rounds."""
    classifier, _ = load_run(project.root / "run")
    faces = np.stack([read_faces(io.BytesIO(picture), whole=True).faces[0].pixels for picture in pictures])
    return [dict(zip(FER_CLASSES, map(float, row), strict=True)) for row in classifier.predict_proba(faces)]


@pytest.fixture(autouse=True)
def _own_store(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", project.tracking_uri)  # which MLflow sets too, and would leave
    mlflow.set_tracking_uri(project.tracking_uri)


def test_the_best_by_validation_is_registered_once(project: Project) -> None:
    first, again = enter(project), enter(project)
    assert (first.run, first.valid_accuracy, first.version, first.is_new) == ("svm-0", 0.7, "1", True)
    assert (again.run, again.version, again.is_new) == ("svm-0", "1", False)
    version = MlflowClient(project.tracking_uri).get_model_version_by_alias("tiny-svm", "best")
    assert str(version.version) == "1"
    assert version.tags["ferlab.identity"] == "t0"


def test_a_version_carries_its_card_and_takes_a_newer_one(project: Project) -> None:
    """One that a description can't hold is cut between two lines, and whole in the run."""
    client = MlflowClient(project.tracking_uri)
    for card in ("# A card of {}\n", "# Another of {}\n", "# {}\n" + "| a | row |\n" * 1000):
        entered = enter(project, card)
        version = client.get_model_version("tiny-svm", entered.version)
        whole = card.format(version.tags["ferlab.identity"])
        assert mlflow.artifacts.load_text(f"runs:/{version.run_id}/{CARD}") == whole
        if len(whole) <= LONGEST:
            assert version.description == whole
        else:
            assert len(version.description) <= LONGEST
            head, _, rest = version.description.rpartition("\n(")
            assert whole.startswith(head + "\n")
            assert CARD in rest


def test_the_registered_model_answers_pictures_as_predict_does(
    project: Project, pictures: list[bytes], predicted: list[dict[str, float]]
) -> None:
    enter(project)
    model = mlflow.pyfunc.load_model("models:/tiny-svm@best")
    assert model.metadata.signature.inputs.input_names() == ["picture"]
    assert model.metadata.signature.outputs.input_names() == list(FER_CLASSES)
    answer = model.predict(pd.DataFrame({"picture": pictures}))
    np.testing.assert_allclose(answer.to_numpy(), [list(row.values()) for row in predicted], atol=1e-9)
    with pytest.raises(MlflowException, match="picture 1 can't be decoded"):
        model.predict(pd.DataFrame({"picture": [pictures[0], b"no picture"]}))


def test_a_better_run_leaves_the_registered_one_and_takes_the_alias(project: Project) -> None:
    before = enter(project)
    log(project, 2, valid=0.8, test=0.0)
    after = enter(project)
    assert (after.run, after.version) == ("svm-2", str(int(before.version) + 1))
    mlflow.pyfunc.load_model(f"models:/tiny-svm/{before.version}")
    assert (
        MlflowClient(project.tracking_uri).get_model_version_by_alias("tiny-svm", "best").tags["ferlab.identity"]
        == "t2"
    )


@pytest.mark.parametrize(("arm", "name", "alias"), [("none", "n", "a"), ("svm", "a/b", "a"), ("svm", "n", "latest")])
def test_what_cannot_be_registered_is_told(arm: str, name: str, alias: str, project: Project) -> None:
    with pytest.raises(UserError):
        register(project, best_of("tiny", "demo", arm), name, alias, lambda _: {}, lambda _: "")


@pytest.mark.long  # a server that imports MLflow, torch and the rest
def test_mlflow_serves_it(
    project: Project, pictures: list[bytes], predicted: list[dict[str, float]], tmp_path: Path
) -> None:
    enter(project)
    port = free_port()
    words = ["models", "serve", "--model-uri", "models:/tiny-svm@best", "--env-manager", "local", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log_file:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words], cwd=project.root, stdout=log_file, stderr=log_file
        )
    try:
        while not answers(f"http://127.0.0.1:{port}/ping"):
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
        rows = ask(port, pictures)
        assert [list(row) for row in rows] == [list(FER_CLASSES)] * 2
        for row, expected in zip(rows, predicted, strict=True):
            assert row == pytest.approx(expected, abs=1e-9)
        with pytest.raises(HTTPError, match="400"):
            ask(port, [b"no picture"])
    finally:
        server.terminate()
        server.wait()


def answers(address: str) -> bool:
    try:
        return bool(urlopen(address, timeout=5).status == 200)
    except (URLError, OSError):
        return False


def ask(port: int, pictures: list[bytes]) -> list[dict[str, float]]:
    rows = [[base64.b64encode(picture).decode()] for picture in pictures]
    content = json.dumps({"dataframe_split": {"columns": ["picture"], "data": rows}}).encode()
    asked = Request(f"http://127.0.0.1:{port}/invocations", content, {"Content-Type": "application/json"})
    found: list[dict[str, float]] = json.load(urlopen(asked, timeout=60))["predictions"]
    return found
