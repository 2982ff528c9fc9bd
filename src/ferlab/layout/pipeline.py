"""dvc.yaml for a project without source of its own: what ages a stage is the installed ferlab."""

from typing import Any

from ruamel.yaml.comments import CommentedSeq

from ferlab.code.check import NAME as CODE

OWN_SOURCE = "src/ferlab/"


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
