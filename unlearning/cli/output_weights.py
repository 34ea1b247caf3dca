"""Print the result of unlearning on a model's weights."""

from collections.abc import Mapping
from typing import Any

from arena.console.stdio import print_json, say
from unlearning.cli.forget_weights import Made
from unlearning.cli.measure_model import MeasuredModel
from unlearning.experiments.verdict import ForgettingClass, classify_readings
from unlearning.probe import Reading

UNMOVED = 0.02  # of the first loss: a change below it is none


def tell_made(made: Made, as_json: bool = False) -> None:
    """Print what was done, where the model is, and its comparison with its twin, if there is one."""
    verdict = classify_readings(made.readings) if made.readings and not made.no_twin else None
    if as_json:
        print_json(_plain(made, verdict))
        return
    order, cost = made.order, made.cost
    say(f"{order.benchmark}/{order.split} by {order.method}: {cost['steps']} steps, {cost['tokens']:,} tokens read, "
        f"{made.seconds:.1f} s.")  # fmt: skip
    _tell_training(made)
    say(f"saved to {order.out}; it can play: arena play --buyer local/{order.out}")
    _tell_readings(made.readings, made.no_twin, verdict)
    if made.diverged and made.readings:
        say("These are readings of weights from before the training diverged: they say nothing of the method.")


def tell_measured(found: MeasuredModel, as_json: bool = False) -> None:
    """Print the readings of an existing model."""
    order = found.order
    verdict = classify_readings(found.readings) if found.knew and not found.no_twin else None
    if as_json:
        print_json({"model": order.model, "split": f"{order.benchmark}/{order.split}",
                    "readings": _plain_readings(found.readings), "no_twin": found.no_twin or None,
                    "observed": verdict and verdict.label})  # fmt: skip
        return
    say(f"{order.model} on {order.benchmark}/{order.split}, as it is:")
    _tell_readings(found.readings, found.no_twin, verdict)
    if not found.knew:
        say("before: not known; the model that still knew is named by --before local/FOLDER")


def _tell_readings(readings: Mapping[str, Reading], no_twin: str, verdict: ForgettingClass | None) -> None:
    for label, reading in readings.items():
        values = [f"{x:.3g}" if x is not None else "–" for x in (reading.value, reading.null, reading.before)]
        say(f"  {label:26} after {values[0]:>9}  twin {values[1]:>9}  before {values[2]:>9}")
    for why, labels in unread(readings).items():
        say(f"not read: {', '.join(labels)}: {why}")
    if no_twin:
        say(no_twin)
    if verdict is not None:
        say(f"observed: {verdict.label}" + (f" ({'; '.join(verdict.why)})" if verdict.why else ""))


def unread(readings: Mapping[str, Reading]) -> dict[str, list[str]]:
    """The labels of readings without a value, by the reason."""
    found: dict[str, list[str]] = {}
    for label, reading in readings.items():
        if reading.value is None:
            found.setdefault(str(reading.detail.get("why") or "it is not a finite number"), []).append(label)
    return found


def _tell_training(made: Made) -> None:
    if made.losses:
        told = ", ".join(f"{name} {first:.3g} → {last:.3g}" for name, (first, last) in made.losses.items())
        say(f"loss from the first step to the last: {told}")
    if made.diverged:
        say(f"It diverged: {made.stopped}.")
    elif made.losses:
        first, last = next(iter(made.losses.values()))
        if abs(last - first) < UNMOVED * abs(first):
            say("It hardly moved: try --set lr=1e-3, more epochs, or for a tiny model --set preset=tiny.")


def _plain(made: Made, verdict: ForgettingClass | None) -> dict[str, Any]:
    order = made.order
    return {
        "model": f"local/{order.out}", "method": order.method, "split": f"{order.benchmark}/{order.split}",
        "seconds": made.seconds, "cost": made.cost, "losses": made.losses, "stopped": made.stopped or None,
        "diverged": made.diverged, "readings": _plain_readings(made.readings), "no_twin": made.no_twin or None,
        "observed": verdict and verdict.label,
    }  # fmt: skip


def _plain_readings(readings: Mapping[str, Reading]) -> dict[str, Any]:
    return {
        name: {"after": one.value, "twin": one.null, "before": one.before}
        | ({"why": one.detail.get("why")} if one.value is None else {})
        for name, one in readings.items()
    }
