"""dvc.yaml for a project without source of its own: what ages a stage is the installed ferlab."""

from typing import Any

from ruamel.yaml.comments import CommentedSeq

from ferlab.code.check import NAME as CODE
from ferlab.code.check import own_source
from ferlab.files import canonical_json, write_text
from ferlab.layout.template import PIPELINE, template
from ferlab.project import Project
from ferlab.yaml_file import dump_yaml, read_yaml

OWN_SOURCE = "src/ferlab/"


def pipeline_of(study: Project) -> Any:
    """The tree of a study's dvc.yaml, as the installed ferlab lays it out."""
    tree = of_installed(read_yaml(template() / PIPELINE))
    tree["stages"]["report"]["deps"].append(study.paper.name)
    return tree


def outdated(project: Project) -> tuple[str, ...]:
    """ferlab's own stages that a study's dvc.yaml lacks or has otherwise than the installed ferlab.

    A checkout has none: its dvc.yaml belongs to its source.
    """
    if own_source(project):
        return ()
    theirs = read_yaml(project.root / PIPELINE).get("stages") or {}
    ours = pipeline_of(project)["stages"]
    return tuple(name for name in ours if canonical_json(theirs.get(name)) != canonical_json(ours[name]))


def renew(project: Project) -> tuple[str, ...]:
    """Lay those stages anew and return their names. The study's other stages stay as they are."""
    if names := outdated(project):
        tree, ours = read_yaml(project.root / PIPELINE), pipeline_of(project)["stages"]
        for name in names:
            tree["stages"][name] = ours[name]
        write_text(project.root / PIPELINE, dump_yaml(tree))
    return names


def of_installed(pipeline: Any) -> Any:
    """The same stages; for source in the checkout each names the same rooms of code.json, as parameters.

    Args:
        pipeline: ferlab's own dvc.yaml as a tree of ruamel's; changed in place.
    """
    for stage in pipeline["stages"].values():
        body = stage.get("do", stage)
        source = [path for path in body.get("deps", ()) if str(path).startswith(OWN_SOURCE)]
        rooms = sorted({path.removeprefix(OWN_SOURCE).split("/")[0] for path in source})
        if not rooms:
            continue
        kept = [path for path in body["deps"] if path not in source]
        body["deps"] = CommentedSeq(kept)
        if not kept:
            del body["deps"]
        body.setdefault("params", CommentedSeq()).append({CODE: [f"rooms.{room}" for room in rooms]})
    return pipeline
