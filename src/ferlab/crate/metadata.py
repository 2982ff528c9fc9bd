"""ro-crate-metadata.json: the archive's files, runs and people, as a Workflow Run RO-Crate.

Profiles: Workflow Run Crate and Process Run Crate 0.5, Workflow RO-Crate 1.0, on RO-Crate 1.1 (w3id.org/ro/wfrun). They
are the newest that the RO-Crate community's validator knows.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from ferlab.crate import croissant, optional, readme
from ferlab.crate.actions import Action, Entity, dataset_id, one_or_all
from ferlab.crate.citation import Citation, Work
from ferlab.crate.contents import WORKFLOW, Part
from ferlab.crate.data_sets import about, described_sets
from ferlab.files import canonical_json
from ferlab.report.evidence import Evidence
from ferlab.report.words import standing

FILE = "ro-crate-metadata.json"
SPECIFICATION = "1.1"  # of RO-Crate
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
DVC = {
    "@id": "https://dvc.org/",
    "@type": "ComputerLanguage",
    "name": "DVC pipeline",
    "url": "https://dvc.org/",
}


def metadata(evidence: Evidence, parts: Sequence[Part], runs: Sequence[Action], citation: Citation) -> str:
    """The text of the file: equal for equal arguments.

    Raises:
        UserError: rocrate isn't installed.
    """
    made = optional("rocrate.rocrate").ROCrate(version=SPECIFICATION)
    made.metadata.extra_contexts.append(CONTEXT)
    for part in parts:
        add = made.add_workflow if part.name == WORKFLOW else made.add_file
        language = {"main": True, "lang": _context(made, DVC)} if part.name == WORKFLOW else {}
        add(dest_path=part.name, properties=_file(part, citation), **language)
    for dataset in described_sets(evidence.params):
        _context(made, _dataset(dataset, evidence))
    for run in runs:
        for entity in (*run.others, run.entity):
            _context(made, entity)
    authors = [_context(made, entity) for entity in _authors(citation)]
    licence = {"@id": f"https://spdx.org/licenses/{citation.licence}", "@type": "CreativeWork"}
    root = made.root_dataset
    root["name"] = f"{citation.work.title}: results of the budget {evidence.params.budget}"
    root["description"] = (
        f"{standing(evidence.params, evidence.paper)} {len(runs)} runs, with all that their report is made of."
    )
    root["datePublished"] = max(run.entity["endTime"] for run in runs)
    root["license"] = _context(made, licence | {"name": citation.licence})
    root["author"] = one_or_all(authors)
    references = [_context(made, _article(number, work)) for number, work in enumerate(citation.references, 1)]
    if references:
        root["citation"] = one_or_all(references)
    root["mentions"] = one_or_all([{"@id": run.entity["@id"]} for run in runs])
    for identifier, (name, version) in PROFILES.items():
        profile = {"@id": identifier, "@type": "CreativeWork", "name": name, "version": version}
        root.append_to("conformsTo", _context(made, profile))
    return canonical_json(made.metadata.generate(), indent=1) + "\n"


def _file(part: Part, citation: Citation) -> Entity:
    said: Entity = {"name": part.name, "encodingFormat": part.media, "contentSize": str(len(part.content))}
    said["sha256"] = hashlib.sha256(part.content).hexdigest()
    if part.about:
        said["description"] = part.about
    if part.name == WORKFLOW:
        said |= {"name": f"{citation.work.title}'s pipeline", "version": citation.version}
    if part.name == readme.FILE:
        said["about"] = {"@id": "./"}
    if part.name.endswith("/croissant.json"):
        dataset = part.name.split("/")[1]
        said |= {"description": f"Croissant description of {dataset}", "about": {"@id": dataset_id(dataset)}}
        said["conformsTo"] = {"@id": croissant.VERSION}
    return said


def _dataset(dataset: str, evidence: Evidence) -> Entity:
    """A data set, which may not be passed on and so is only named."""
    known = about(dataset, evidence.params)
    return {
        "@id": dataset_id(dataset),
        "@type": "CreativeWork",
        "name": known.name,
        "description": f"{known.faces[0].upper()}{known.faces[1:]}. Not part of this archive.",
        "conditionsOfAccess": known.licence,
        "sha256": evidence.params.data.sha256(dataset),
        "subjectOf": {"@id": f"data/{dataset}/croissant.json"},
        **({"url": known.source, "citation": known.cited} if known.source else {}),
    }


def _authors(citation: Citation) -> list[Entity]:
    return [
        {"@id": f"#author-{number}", "@type": "Person" if person else "Organization", "name": name}
        for number, (name, person) in enumerate(zip(citation.work.authors, citation.persons, strict=True), 1)
    ]


def _article(number: int, work: Work) -> Entity:
    said = {"@id": f"#reference-{number}", "@type": "ScholarlyArticle", "name": work.title}
    return said | {"author": ", ".join(work.authors)} | ({"datePublished": str(work.year)} if work.year else {})


def _context(made: Any, entity: Entity) -> Any:
    """Add an entity that is no file; one that is there already stays one."""
    kind = optional("rocrate.model").ContextEntity if entity is not DVC else optional("rocrate.model").ComputerLanguage
    properties = {key: value for key, value in entity.items() if key != "@id"}
    return made.add(kind(made, entity["@id"], properties=properties))
