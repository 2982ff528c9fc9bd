"""The archive's README.md: what it is, and how its numbers are checked."""

from importlib.metadata import version

from ferlab.crate.citation import Citation
from ferlab.report.evidence import Evidence
from ferlab.report.words import standing

FILE = "README.md"


def readme(evidence: Evidence, citation: Citation) -> str:
    """Markdown."""
    budget = evidence.params.budget
    report = f"reports/{budget}"
    return f"""\
# {citation.work.title}: results of the budget {budget}

{standing(evidence.params, evidence.paper)}

- `{report}/index.html` is the report. Open it in a browser.
- `{report}/predictions/` has what each run says of each test image. Every number follows from these files.
- `{report}/ledger.jsonl` says of each run when, where and from what it was made. `ro-crate-metadata.json` says it in
  the terms of the Workflow Run Crate profile.
- `dvc.yaml` is the workflow, `{report}/params.yaml` its parameters, `requirements.lock` the packages.
- `data/*/croissant.json` describe the data sets. No image of them is in this archive.
- `CITATION.cff` says how to cite it.

`ferlab verify --budget {budget}`, typed in this folder, recomputes every number and every hash. It needs ferlab
{version("ferlab")} and no data.
"""
