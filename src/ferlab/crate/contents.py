"""Which files an archive of a report holds. What no stage makes stays out, so that no photograph gets in."""

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from ferlab.crate import croissant, readme
from ferlab.crate.citation import FILE as CITATION
from ferlab.crate.citation import Citation
from ferlab.crate.data_sets import described_sets
from ferlab.errors import UserError
from ferlab.files import canonical_json, content_files
from ferlab.project import Project
from ferlab.records.published import EARLIER_ARMS
from ferlab.records.seal import FILE as SEALS
from ferlab.records.seal import read_seals
from ferlab.report.evidence import Evidence
from ferlab.yaml_file import read_yaml

WORKFLOW = "dvc.yaml"
LEDGER = "ledger.jsonl"
_OF_EVERY_REPORT = (LEDGER, "dvc.lock", EARLIER_ARMS)  # no stage declares them
_OPTIONAL = {
    "requirements.lock": "The exact versions of every package",
    "code.json": "SHA-256 of the code, package by package",
    "LICENSE": "The licence of the code",
    "paper.yaml": "What the paper says that the report is held against",
    "params.yaml": "The project's parameters when this archive was made; the report's own lie beside it",
}
_OUT, _VARIABLE = "reports/${budget}/", re.compile(r"\$\{[^}]*\}")  # as dvc.yaml names what is in a report's folder
_MEDIA = {
    ".html": "text/html", ".json": "application/json", ".jsonl": "application/jsonl", ".csv": "text/csv",
    ".md": "text/markdown", ".tex": "text/x-tex", ".png": "image/png", ".npy": "application/x-npy",
    ".yaml": "application/yaml", ".lock": "text/plain", ".cff": "application/yaml",
    ".parquet": "application/vnd.apache.parquet",
}  # fmt: skip
_ABOUT = {
    "index.html": "The report: tables, figures, verdicts",
    LEDGER: "One line a run: who, when, where and from what, chained by hashes",
    "dvc.lock": "What each stage read and made, by hash",
    "params.yaml": "The parameters of every result in this report",
    "predictions": "The probabilities that a run gives each test image",
    "valid": "The probabilities that a run gives each validation image",
    "curves": "A run's losses and accuracies by epoch",
    "selection": "Which epoch of a run was kept, and why",
    "arms": "What an arm trains on, and how",
    "samples": "Images that a GAN generated; they show no real person",
    "trials": "The trials of a search",
    "tuning": "What a search chose",
    "audit.json": "What was counted in the data sets",
    "test_images.csv": "Which test images have a copy in the training split; names and groups, no images",
}


@dataclass(frozen=True)
class Part:
    """A file of the archive.

    Attributes:
        name: its path there.
        media: its media type.
        about: what it is, in words; "" where its name says it.
    """

    name: str
    content: bytes
    media: str
    about: str = ""


def parts(project: Project, evidence: Evidence, citation: Citation) -> tuple[list[Part], list[str]]:
    """The files of a report's archive, by name, and those of its folder that stay out.

    Beside the report: workflow, environment, code's hashes, citation, and descriptions of the data sets.

    Raises:
        UserError: a file is absent without which the archive would say too little.
    """
    found = [_file(project.root, WORKFLOW, "The workflow"), _file(project.root, CITATION, "How to cite this")]
    found += [_file(project.root, name, said) for name, said in _OPTIONAL.items() if (project.root / name).is_file()]
    folder = f"reports/{evidence.folder.name}"
    patterns = _declared(project.root / WORKFLOW, evidence)
    names = [name.as_posix() for name in content_files(evidence.folder)]
    kept = [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
    found += [_file(project.root, f"{folder}/{name}", _about(name)) for name in kept]
    if seal := read_seals(project.root / "reports").get(evidence.folder.name):
        text = canonical_json({evidence.folder.name: seal.model_dump(mode="json")}, indent=1) + "\n"
        found.append(_made(f"reports/{SEALS}", text, "How far the ledger was sealed"))
    found.append(_made(readme.FILE, readme.readme(evidence, citation), "What this is, and how to check it"))
    found += _descriptions(evidence)
    return sorted(found, key=lambda part: part.name), [name for name in names if name not in kept]


def _declared(workflow: Path, evidence: Evidence) -> list[str]:
    """Patterns of the files that a report's folder may hold: what dvc.yaml's stages leave there, and who made it."""
    patterns = [*_OF_EVERY_REPORT, "samples/none.txt"]
    patterns += [f"samples/{family}.npy" for family in evidence.params.gan.families]
    for stage in read_yaml(workflow)["stages"].values():
        outs = (stage.get("do", stage).get(key, []) for key in ("outs", "plots", "metrics"))
        paths = [next(iter(out)) if isinstance(out, dict) else out for some in outs for out in some]
        patterns += [_VARIABLE.sub("*", path.removeprefix(_OUT)) for path in paths if path.startswith(_OUT)]
    return patterns


def _descriptions(evidence: Evidence) -> list[Part]:
    if evidence.audit is None:
        raise UserError(
            "the data sets can't be described: the report has no audit",
            where=str(evidence.folder / "audit.json"),
            next_step="`dvc repro audit` makes it",
        )
    sets = described_sets(evidence.params)
    described = {name: croissant.describe(name, evidence.params, evidence.audit) for name in sets}
    return [
        _made(f"data/{name}/croissant.json", json.dumps(one, indent=1, ensure_ascii=False) + "\n", "")
        for name, one in described.items()
    ]


def _about(name: str) -> str:
    path = PurePosixPath(name)
    return _ABOUT.get(path.parts[0], "A figure of the report" if path.suffix == ".png" else "")


def _file(root: Path, name: str, about: str) -> Part:
    path = root / name
    if not path.is_file():
        raise UserError(f"{name} is missing", where=str(root), next_step=f"`git restore {name}`, if it was committed")
    return Part(name, path.read_bytes(), _MEDIA.get(path.suffix, "text/plain"), about)


def _made(name: str, text: str, about: str) -> Part:
    return Part(name, text.encode(), _MEDIA[PurePosixPath(name).suffix], about)
