"""Count what makes the code easy or hard to find one's way in: terms of the field that name a file or folder, class
names defined in several files, functions named by a past participle, `Any`, circles among files, and the time that
`--help` takes beside importing typer and rich.

python tests/bench/house.py [FOLDER]      FOLDER: another checkout, to compare with
"""

import ast
import resource
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from imports import PACKAGES, build_import_graph, find_circles, parse_packages

TERMS = [
    *(
        "agent",
        "episode",
        "environment",
        "policy",
        "reward",
        "registry",
        "config",
        "logging",
        "cli",
        "provider",
        "prompt",
    ),
    *("memory", "parser", "retry", "rate limit", "pricing", "budget", "judge", "tool call", "scorer", "metric"),
    *("benchmark", "attack", "adversary", "baseline", "candidate", "dataset", "tokenizer", "sampling", "generation"),
    *("inference", "kv cache", "batch", "lora", "chat template", "loss", "trainer", "optimizer", "checkpoint"),
    *("callback", "curriculum", "rollout", "guardrail", "runner", "backend", "schema", "query", "migration", "replay"),
    *("transcript", "effect size"),
]
# names that end like a past participle and are none, and participles that are adjectives of what is returned
NO_PARTICIPLE = {
    "seed",
    "need",
    "feed",
    "speed",
    "embed",
    "shared",
    "bed",
    "red",
    "exceed",
    "proceed",
    "succeed",
    "read",
}
IRREGULAR = {
    *(
        "begun",
        "bought",
        "built",
        "come",
        "done",
        "drawn",
        "fed",
        "felt",
        "forgot",
        "forgotten",
        "found",
        "given",
        "gone",
    ),
    *(
        "grown",
        "heard",
        "held",
        "kept",
        "known",
        "laid",
        "learnt",
        "led",
        "left",
        "lent",
        "lost",
        "made",
        "meant",
        "met",
    ),
    *(
        "paid",
        "said",
        "seen",
        "sent",
        "shown",
        "sold",
        "spent",
        "spoken",
        "stood",
        "sworn",
        "taken",
        "taught",
        "thought",
    ),
    *("told", "understood", "won", "written"),
}


def files(root: Path) -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root), ast.parse(path.read_text(encoding="utf-8"))


def is_participle(name: str) -> bool:
    """Whether a function's first or only word is a past participle: `taught`, `carried_out`, `loaded`."""
    first = name.strip("_").split("_")[0]
    return first in IRREGULAR or (first.endswith("ed") and len(first) > 4 and first not in NO_PARTICIPLE)


def class_names(root: Path) -> dict[str, list[str]]:
    """Class names of the four packages that stand in more than one file, with the files."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in files(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path))
    return {name: where for name, where in sorted(places.items()) if len(set(where)) > 1}


def participles(root: Path) -> list[str]:
    return [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in files(root)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_participle(node.name)
        and not any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list)
    ]  # fmt: skip


def any_count(root: Path) -> int:
    return sum(
        isinstance(node, ast.Name) and node.id == "Any"
        for _, tree in files(root)
        for node in ast.walk(tree)
    )  # fmt: skip


def terms(root: Path) -> tuple[list[str], list[str]]:
    """The terms of the field that stand whole in the name of a file or folder, as one or many; and the others."""
    names = {f" {part.removesuffix('.py').replace('_', ' ')} " for path, _ in files(root) for part in path.parts}

    def stands(term: str) -> bool:
        forms = (term, f"{term}s", f"{term.removesuffix('y')}ies", f"{term}es")
        return any(f" {form} " in name for form in forms for name in names)

    return [term for term in TERMS if stands(term)], [term for term in TERMS if not stands(term)]


def circles(root: Path) -> list[list[str]]:
    """Circles of imports among files, lazy and TYPE_CHECKING imports included."""
    return find_circles(build_import_graph(parse_packages(root)))


def help_ratios(root: Path, rounds: int = 9) -> tuple[float, float]:
    """The processor time of `arena --help`, of that of importing typer and rich, and of that of the help of an empty
    command: the least of some runs of each, in turns. typer loads what it draws help with, two thirds of that time,
    only when it draws."""
    empty = "import typer\napp = typer.Typer()\napp.command()(lambda: None)\napp()"
    commands = (("-m", "arena", "--help"), ("-c", "import typer, rich"), ("-c", empty, "--help"))

    def take_time(command: Sequence[str]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], cwd=root, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    times = [[take_time(command) for command in commands] for _ in range(rounds)]
    ours, importing, drawing = (min(column) for column in zip(*times, strict=True))
    return ours / importing, ours / drawing


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    hit, missing = terms(root)
    print(f"→ terms of the field that name a file or folder: {len(hit)} of {len(TERMS)}")
    print(f"  missing: {', '.join(missing)}")
    twice = class_names(root)
    print(f"→ class names in several files: {len(twice)}")
    for name, where in twice.items():
        print(f"  {name}: {', '.join(where)}")
    named = participles(root)
    print(f"→ functions named by a past participle: {len(named)}")
    counts = Counter(line.split(":")[0] for line in named)
    print("  most: " + ", ".join(f"{path} {count}" for path, count in counts.most_common(12)))
    print(f"→ Any: {any_count(root)}")
    loops = circles(root)
    print(f"→ circles among files: {len(loops)}")
    for loop in loops:
        print(f"  {' ↔ '.join(loop)}")
    importing, drawing = help_ratios(root)
    print(f"→ --help of importing typer and rich: {importing:.2f}; of the help of an empty command: {drawing:.2f}")


if __name__ == "__main__":
    main()
