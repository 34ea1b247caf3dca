"""Count what makes it easy or hard to find one's way in the code: terms of the field that name a file or folder, class
names in several files, functions named by a past participle, `Any`, circles of imports, and the time of `--help`.

python tests/bench/code_counts.py [FOLDER]      FOLDER: another checkout, to compare with
"""

import ast
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from imports import build_import_graph, find_circles, parse_packages
from names import find_participles, find_shared_class_names

TERMS = (
    """
agent, episode, environment, policy, reward, registry, config, logging, cli, provider, prompt, memory, parser,
retry, rate limit, pricing, budget, judge, tool call, scorer, metric, benchmark, attack, adversary, baseline,
candidate, dataset, tokenizer, sampling, generation, inference, kv cache, batch, lora, chat template, loss,
trainer, optimizer, checkpoint, callback, curriculum, rollout, guardrail, runner, backend, schema, query,
migration, replay, transcript, effect size
""".replace("\n", " ")
    .strip()
    .split(", ")
)  # what a newcomer looks for


def find_terms(modules: Iterable[str]) -> tuple[list[str], list[str]]:
    """The terms of the field that stand whole in the name of a file or folder, singular or plural; and the others."""
    names = {f" {part.replace('_', ' ')} " for module in modules for part in module.split(".")}

    def stands(term: str) -> bool:
        forms = (term, f"{term}s", f"{term.removesuffix('y')}ies", f"{term}es")
        return any(f" {form} " in name for form in forms for name in names)

    return [term for term in TERMS if stands(term)], [term for term in TERMS if not stands(term)]


def count_any(modules: Mapping[str, ast.Module]) -> int:
    """How often `Any` stands in an annotation or elsewhere, imports aside."""
    return sum(isinstance(n, ast.Name) and n.id == "Any" for tree in modules.values() for n in ast.walk(tree))


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
    modules = parse_packages(root)
    found, missing = find_terms(modules)
    print(f"→ terms of the field that name a file or folder: {len(found)} of {len(TERMS)}")
    print(f"  missing: {', '.join(missing)}")
    shared = find_shared_class_names(modules)
    print(f"→ class names in several files: {len(shared)}")
    for name, where in shared.items():
        print(f"  {name}: {', '.join(where)}")
    named = list(find_participles(modules))
    print(f"→ functions named by a past participle: {len(named)}")
    counts = Counter(name.rpartition(".")[0] for name in named)
    print("  most: " + ", ".join(f"{module} {count}" for module, count in counts.most_common(12)))
    print(f"→ Any: {count_any(modules)}")
    circles = find_circles(build_import_graph(modules))
    print(f"→ circles among files: {len(circles)}")
    for circle in circles:
        print(f"  {' ↔ '.join(circle)}")
    importing, drawing = help_ratios(root)
    print(f"→ --help of importing typer and rich: {importing:.2f}; of the help of an empty command: {drawing:.2f}")


if __name__ == "__main__":
    main()
