"""What a question will run, in a few lines."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ferlab.ablation.plan import Planned
    from ferlab.ablation.question import Question


def told(question: "Question", planned: "list[Planned]", jobs: int) -> str:
    """The plan: what is made first, how many runs are left, and what they cost."""
    from ferlab.ablation.question import shown
    from ferlab.cli.progress import duration

    ahead = [p for p in planned if p.state == "to run"]
    known = [p.seconds for p in ahead if p.seconds is not None]
    making = _making(planned)
    taken = sorted({(p.point.seed, p.plan.seed) for p in planned if p.trained != p.point})
    if not ahead:
        cost = "nothing is left to run"
    elif not known:
        cost = "how long isn't known before the first has ended"
    else:
        cost = f"about {duration(sum(known) / len(known) * len(ahead) / jobs)}" + (" after that" if making else "")
    runs = _number(len(planned), "run", "runs")
    lines = [
        *making,
        f"{question.arm}: {runs}, {len(planned) - len(ahead)} known already, {len(ahead)} to run; {cost}",
        *(f"  set {key} = {shown(value)}" for key, value in question.settings.items()),
        *(f"  {key}: {', '.join(map(shown, values))}" for key, values in question.grid.items()),
        f"  seeds {', '.join(map(str, question.seeds))}; judged on the validation images",
        f"  baseline: {planned[0].point.title}",
        *(f"  seed {asked} trains the very same as seed {there}, whose run is taken" for asked, there in taken),
    ]
    return "\n".join(lines)


def _making(planned: "list[Planned]") -> list[str]:
    """What is trained and drawn before the points, a line a GAN family."""
    from ferlab.ablation.plan import to_make
    from ferlab.execution.labels import labels_of

    variants, lines = to_make(planned), []
    for family in dict.fromkeys(variant.family for variant in variants):
        stages = [variant.stage for variant in variants if variant.family == family]
        gans, sets = stages.count("gan"), stages.count("synthesize")
        labels = _number(len(labels_of(family, planned[0].params.data)), "label", "labels") if gans else ""
        trained = f"{_number(gans, 'GAN family', 'GAN families')} \N{MULTIPLICATION SIGN} {labels}, " if gans else ""
        lines.append(f"first {trained}{_number(sets, 'synthetic set', 'synthetic sets')} ({family}); then")
    return lines


def _number(n: int, one: str, more: str) -> str:
    return f"{n} {one if n == 1 else more}"
