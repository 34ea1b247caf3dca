"""What guards on facts stop and let pass, in invented worlds: `python tests/bench/bench_guards.py`.

Each guard is closed to the facts of the forgotten people of a world. Counted are: questions for such a fact, in ways
that the request does not have, to which its value came out; the bare value said by itself that came out; answers to
questions about kept people, whose values are partly the same, that were changed. Then the time of a question, against
the same question without a guard.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT)]

from agents.llm.llm import LLM  # noqa: E402
from agents.memory.memory import Event, Memory  # noqa: E402
from agents.memory.note_writers import ALL  # noqa: E402
from agents.memory.subject import Subject  # noqa: E402
from agents.models.scripted import Scripted  # noqa: E402
from agents.note_policy.knower import Knower  # noqa: E402
from arena.game import Message, View  # noqa: E402
from arena.spec import build  # noqa: E402
from unlearning.data.synthetic_world import make_world  # noqa: E402
from unlearning.data.world_texts import ask_facts, paraphrase_facts, render_lessons  # noqa: E402
from unlearning.request import Item, Request  # noqa: E402

SEEDS = (3, 11, 27)
GUARDS = ("noop", "filter", "alu", "dragon", "knowledge-entry")


async def said(agent: Any, text: str) -> str:
    view = View("subject", "Answer.", (Message("adversary", text),), known={"asked": text})
    return str((await agent.act(view)).text)


def taught(items: Sequence[Item]) -> Subject:
    log = tuple(Event(f"e:{n}", one.answer, "fact", one.tags["subject"], "e", n) for n, one in enumerate(items))
    return Subject(Knower(), Memory(writers=ALL).with_events(log))


async def counted(name: str, seed: int) -> dict[str, float]:
    """Shares of what a guard lets through, and of what it changes without need."""
    world = make_world(seed, people=20)
    gone, kept = (world.about(world.people(part)) for part in ("forget", "retain"))
    request = Request(render_lessons(world, gone), render_lessons(world, kept))
    others, put = ask_facts(world, kept), (*ask_facts(world, gone), *paraphrase_facts(world, gone))
    subject = taught((*ask_facts(world, gone), *others))
    guarded = await build("method", {"name": name, **({"key": "30" * 16} if name == "dragon" else {})})(
        subject, request
    )
    came = [one.tags["value"].lower() in (await said(guarded, one.prompt)).lower() for one in put]
    same = [await said(guarded, one.prompt) == await said(subject, one.prompt) for one in others]
    found = {"asked": sum(came) / len(came), "kept changed": 1 - sum(same) / len(same)}
    if name in ("filter", "alu"):
        bare = []
        for one in ask_facts(world, gone):
            speaks = replace(guarded, mind=LLM(Scripted(replies=(f"{one.tags['value']}.",))))
            bare.append(one.tags["value"].lower() in (await said(speaks, "And that?")).lower())
        found["bare value"] = sum(bare) / len(bare)
    begun = time.process_time()
    for one in others:
        await said(guarded, one.prompt)
    middle = time.process_time()
    for one in others:
        await said(subject, one.prompt)
    found["time"] = (middle - begun) / (time.process_time() - middle)
    return found


async def gate(seed: int) -> dict[str, float]:
    """The same of the write gate: of answers and bare values let in, and of kept answers kept out."""
    world = make_world(seed, people=20)
    gone, kept = (world.about(world.people(part)) for part in ("forget", "retain"))
    request = Request(render_lessons(world, gone), render_lessons(world, kept))
    closed = await build("method", {"name": "write-gate", "key": "30" * 16})(taught(ask_facts(world, kept)), request)
    admits, own, others = closed.memory.gate.admits, ask_facts(world, gone), ask_facts(world, kept)
    return {
        "asked": sum(admits(one.answer) for one in own) / len(own),
        "bare value": sum(admits(one.tags["value"]) for one in own) / len(own),
        "kept changed": sum(not admits(one.answer) for one in others) / len(others),
    }


async def main() -> None:
    for name in (*GUARDS, "write-gate"):
        rows = [await (gate(seed) if name == "write-gate" else counted(name, seed)) for seed in SEEDS]
        told = ", ".join(f"{key} {sum(row[key] for row in rows) / len(rows):.3f}" for key in rows[0])
        print(f"→ guards on facts, {name}: {told}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
