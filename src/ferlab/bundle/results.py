"""What a node sent back: held against its commit, its budget and its ledger, and laid into reports/<budget>/."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ferlab.bundle.archive import unpack
from ferlab.bundle.lay import LEDGER, LOCK, PARAMS, lay
from ferlab.bundle.manifest import FILE, Manifest
from ferlab.code.commit import uncommitted
from ferlab.code.git import git
from ferlab.errors import UserError
from ferlab.files import atomic_folder, content_files, write_text
from ferlab.params import Params
from ferlab.params.budgets import WHOLE
from ferlab.params.data import rests_on
from ferlab.params.migration import load_published
from ferlab.project import Project
from ferlab.records.ledger import LedgerLine, append, read_ledger
from ferlab.records.seal import chain_faults, read_seals
from ferlab.report.check import faults
from ferlab.report.evidence import Evidence
from ferlab.training.identity import Identity, flatten
from ferlab.yaml_file import dump_yaml, overlay, read_yaml

AGREE = ("arm", "seed", "manifest", "settings", "data", "predictions", "valid_accuracy", "test_accuracy")
"""What two ledger lines of one identity have in common, whoever evaluated it when."""
LOGS = "logs"
_NAMED = 3  # faults, keys or files that are named
_NOTHING = "nothing has been changed here; logs/ in the archive says what the node did"


@dataclass(frozen=True)
class Brought:
    """What came back.

    Attributes:
        added: the runs whose line is new in the ledger, as arm-seed.
        known: how many of the archive's lines aren't.
    """

    manifest: Manifest
    added: list[str]
    known: int


def bring(project: Project, archive: Path) -> Brought:
    """Check an archive that run.sh left, and lay its results into reports/<budget>/, all or nothing.

    Raises:
        UserError: the archive is damaged, unsafe, or no such archive; its commit isn't known here; its settings aren't
            its budget's at that commit; its ledger has a line that can't be of the training that it names, or other
            results than the ledger here for one training; its predictions, scores or files aren't what its ledger and
            dvc.lock say; or a file that it would replace has changes that no commit holds. All is left as it was.
    """
    with tempfile.TemporaryDirectory(prefix="ferlab-") as name:
        scratch = Path(name)
        sent = scratch / "sent"
        sent.mkdir()
        unpack(archive, sent)
        manifest = Manifest.read(sent / FILE, next_step="give what run.sh left on the node: results.tgz")
        _must_hold_results(sent, manifest.budget, archive)
        settings = load_published(sent / PARAMS)
        _must_be_equal(settings, _settings_at(project, manifest, scratch), manifest)
        here, staged = project.reports(manifest.budget), scratch / "staged" / "reports" / manifest.budget
        if here.is_dir():
            shutil.copytree(here, staged)
        _must_be_committed(project, manifest.budget, lay(sent, manifest.budget, staged))
        lines = read_ledger(sent / "reports" / manifest.budget / LEDGER)
        _must_be_as_written(lines)
        added = _add(lines, staged / LEDGER, settings, project)
        seal = read_seals(project.root / "reports").get(manifest.budget)
        found = faults(Evidence(staged, load_published(staged / PARAMS)), seal, results_only=True)
        if named := [fault.replace(f"{staged}/", "") for fault in islice(found, _NAMED)]:
            raise UserError("\n".join(named), where=str(archive), next_step=_NOTHING)
        with atomic_folder(here) as fresh:
            shutil.copytree(staged, fresh, dirs_exist_ok=True)
    return Brought(manifest, added, len(lines) - len(added))


def _must_hold_results(sent: Path, budget: str, archive: Path) -> None:
    report = Path("reports", budget)
    for name in content_files(sent):
        if name.parts[0] != LOGS and str(name) not in (FILE, PARAMS, LOCK) and not name.is_relative_to(report):
            raise UserError(f"{name} is no result of the budget '{budget}'", where=str(archive), next_step=_NOTHING)
    if not (sent / report).is_dir():
        raise UserError(
            f"the node made no results of the budget '{budget}'",
            where=str(archive),
            next_step="logs/ in the archive says how far it came",
        )


def _settings_at(project: Project, manifest: Manifest, scratch: Path) -> Params:
    """What a node's params.yaml says where nobody edits it: the commit's, with the budget laid on it."""
    path, laid = scratch / "settings.yaml", scratch / "budget.yaml"
    write_text(path, _at_commit(project, manifest.commit, PARAMS))
    tree = read_yaml(path)
    if tree["budget"] != manifest.budget:
        write_text(laid, _at_commit(project, manifest.commit, f"budgets/{manifest.budget}.yaml"))
        overlay(tree, read_yaml(laid), WHOLE)
        write_text(path, dump_yaml(tree))
    return load_published(path)


def _at_commit(project: Project, commit: str, path: str) -> str:
    _must_know(project, commit)
    try:
        return git(project.root, "show", f"{commit}:./{path}") + "\n"
    except subprocess.CalledProcessError as refused:
        raise UserError(
            f"the commit of this archive has no {path}", where=refused.stderr.strip(), next_step=_NOTHING
        ) from None


def _must_know(project: Project, commit: str) -> None:
    try:
        git(project.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    except (OSError, subprocess.CalledProcessError):
        raise UserError(
            f"git knows no commit {commit} here, so nobody could say what made these results",
            where=str(project.root),
            next_step="`git fetch` it, or bring the archive where it was bundled",
        ) from None


def _must_be_equal(settings: Params, wanted: Params, manifest: Manifest) -> None:
    """How often checkpoints are written can't change a number; all else must be the budget's."""
    theirs, ours = (flatten(one.model_dump(mode="json", exclude={"runtime"})) for one in (settings, wanted))
    if differing := [key for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)]:
        some = ", ".join(f"{key} is {theirs.get(key)}, not {ours.get(key)}" for key in differing[:_NAMED])
        raise UserError(
            f"it was made with other settings than the budget '{manifest.budget}': {some}",
            where=f"{PARAMS} of the node, and of commit {manifest.commit[:10]}",
            next_step=f"{_NOTHING}; settings are changed in budgets/, committed and bundled",
        )


def _must_be_committed(project: Project, budget: str, replaced: Iterable[str]) -> None:
    report = f"reports/{budget}"
    lost = set(uncommitted(project, report)) & {f"{report}/{name}" for name in replaced}
    if lost:
        more = f", nor {len(lost) - 1} more" if len(lost) > 1 else ""
        raise UserError(
            f"{min(lost)} would be replaced, and no commit holds it{more}",
            where=str(project.root),
            next_step=f"commit {report}, or move it away; then the same command",
        )


def _must_be_as_written(lines: Sequence[LedgerLine]) -> None:
    """The chain that a node wrote ends here: its lines are chained anew to those that they are appended to."""
    if wrong := next(chain_faults(lines), None):
        raise UserError(f"line {wrong[0]} {wrong[1]}", where=LEDGER, next_step=_NOTHING)


def _add(lines: Iterable[LedgerLine], ledger: Path, settings: Params, project: Project) -> list[str]:
    """Append the lines that a ledger lacks; returns arm-seed of each."""
    here = dict[str, list[LedgerLine]]()
    for line in read_ledger(ledger):
        here.setdefault(line.identity, []).append(line)
    added = []
    for line in lines:
        known = here.get(line.identity, [])
        if known and all(any(getattr(old, key) != getattr(line, key) for key in AGREE) for old in known):
            raise UserError(
                f"{line.arm}-{line.seed}: the ledger here has other results of the same training {line.identity}",
                where=LEDGER,
                next_step=f"{_NOTHING}; on a GPU, a classifier's `deterministic: true` makes trainings repeat",
            )
        if append(ledger, line):
            _must_be_possible(line, settings, project)
            added.append(f"{line.arm}-{line.seed}")
    return added


def _must_be_possible(line: LedgerLine, settings: Params, project: Project) -> None:
    """Raise a UserError unless a line can be of the training that it names, on these data, at a commit known to git."""
    name = f"{line.arm}-{line.seed}"
    if Identity(line.manifest).name != line.identity:
        wrong = f"{line.identity} isn't the name of a training by this manifest"
    elif rests_on(line.data) != rests_on(settings.data.model_dump(mode="json")):
        wrong = "it was made on other data than params.yaml names"
    elif edited := set(line.uncommitted or ()) - {PARAMS}:
        wrong = f"it was made with changes in {', '.join(sorted(edited))} that no commit holds"
    else:
        _must_know(project, line.commit)
        return
    raise UserError(f"{name}: {wrong}", where=LEDGER, next_step=_NOTHING)
