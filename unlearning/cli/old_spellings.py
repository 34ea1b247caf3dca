"""Commands as spelled before agents and weights had separate commands, and their current spelling."""

from collections.abc import Sequence

BENCHES = ("agents", "weights")
FLAGS = (
    "--list",
    "--again",
    "--dry-run",
    "--json",
    "--quiet",
    "-q",
    "-v",
    "-vv",
)  # of `bench`, without a value


def respell(words: Sequence[str]) -> list[str] | None:
    """The words after `arena` in the current spelling; None where they are spelled so already.

    `forget --agent walker` is `forget walker`; `forget --bench tofu` is `forget-weights --bench tofu`, `sequence
    --bench muse` is `sequence-weights --bench muse`; `--model M` of these and of `measure` is their first argument;
    `bench` alone is `bench agents`.
    """
    command, *rest = words
    if command in ("forget", "sequence") and (_has(rest, "--bench") or _has(rest, "--model")):
        return [f"{command}-weights", *_move_first(rest, "--model")]
    if command == "forget" and _has(rest, "--agent"):
        return [command, *_move_first(rest, "--agent")]
    if command in ("forget-weights", "sequence-weights", "measure") and _has(rest, "--model"):
        return [command, *_move_first(rest, "--model")]
    if command == "bench" and not {"-h", "--help"} & set(rest[:1]):
        return _respell_bench(rest)
    return None


def _respell_bench(rest: Sequence[str]) -> list[str] | None:
    """`bench --methods npo weights` as `bench weights --methods npo`; None for `bench weights …`, and for a first word
    that is neither, which the command refuses."""
    if not rest or not rest[0].startswith("-"):
        return None if rest else ["bench", "agents"]
    for place, word in enumerate(rest):
        before = rest[place - 1] if place else ""
        if word in BENCHES and (not before.startswith("-") or "=" in before or before in FLAGS):
            return ["bench", word, *rest[:place], *rest[place + 1 :]]
    return ["bench", "agents", *rest]


def _has(words: Sequence[str], option: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in words)


def _move_first(words: Sequence[str], option: str) -> list[str]:
    """The words with the value of the option in front, without its name; as they are where it has none."""
    for place, word in enumerate(words):
        if word.startswith(f"{option}="):
            return [word.partition("=")[2], *words[:place], *words[place + 1 :]]
        if word == option and place + 1 < len(words):
            return [words[place + 1], *words[:place], *words[place + 2 :]]
    return list(words)
