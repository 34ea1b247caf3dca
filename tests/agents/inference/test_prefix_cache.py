"""What was read once is not read again: fewer tokens, the same texts."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from tiny_networks import FAMILIES, TOKENIZER, Asked, Stage, at_random, network, reference

from agents.chat_model import Line, Sampling
from agents.inference.engine import Engine
from agents.inference.kv_cache import Run
from agents.inference.prefix_cache import BLOCK, Prefixes
from agents.inference.tiny_llama import make_tiny
from agents.inference.torch_threads import one_thread
from agents.models.local import Local

MUCH = 2**26  # bytes


@pytest.fixture(autouse=True, scope="module")
def calm() -> Iterator[None]:
    """One thread: the models are too small to gain from more."""
    with one_thread():
        yield


def chat(engine: Engine, turns: int, hold: int) -> tuple[list[str], int]:
    """The answers of a chat whose every prompt is the one before, its answer, and something new; the tokens read."""
    played, prompt, answers = Stage(engine), "the rules of the game: " * 4, []
    for turn in range(turns):
        prompt += f"<{turn}> say more"
        output = next(iter(played.play(Asked(prompt, 12, hold=hold)).values()))
        assert output.reused % BLOCK == 0 or output.reused < output.input_tokens
        answers.append(output.text)
        prompt += "".join(letter for letter in output.text if letter.isascii())
    return answers, sum(rows * columns for rows, columns in played.steps)


@pytest.mark.few(2)
@pytest.mark.parametrize("family", ["llama", "sliding window", "every other layer slides", "partly rotated"])
def test_a_chat_says_the_same_and_reads_a_fraction(family: str) -> None:
    engine = Engine(network(FAMILIES[family]), TOKENIZER)
    plain, all_tokens = chat(engine, 20, 0)
    held, new_tokens = chat(engine, 20, MUCH)
    assert held == plain and len(set(plain)) >= 15
    assert new_tokens < all_tokens / 4


@pytest.mark.few(2)
@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_that_begin_alike_share_what_was_read_whoever_else_is_in_the_batch(family: str) -> None:
    played = Stage(Engine(network(FAMILIES[family]), TOKENIZER))
    first, arrivals = at_random(4, 14, steps=60)
    rules = "these are the rules that all seats read first, and they are not short"
    played.arrivals = {
        step: [replace(one, text=rules[: -7 * (one.new % 3) or None] + one.text, hold=MUCH) for one in asked]
        for step, asked in arrivals.items()
    }
    done = played.play(first)
    module = played.engine.module
    assert {asked: output.text for asked, output in done.items()} == {asked: reference(module, asked) for asked in done}
    assert sum(output.reused >= BLOCK for output in done.values()) > 8 and done[first].reused == 0


def test_the_last_token_is_read_even_where_the_whole_prompt_was() -> None:
    engine = Engine(network(FAMILIES["llama"]), TOKENIZER)
    asked = Asked("x" * 2 * BLOCK, 5, hold=MUCH)
    outputs = [Stage(engine).play(asked)[asked] for _ in range(2)]
    assert [output.reused for output in outputs] == [0, 2 * BLOCK - 1] and outputs[0].text == outputs[1].text


def test_who_holds_nothing_reads_everything() -> None:
    played = Stage(Engine(network(FAMILIES["llama"]), TOKENIZER))
    for hold, reused in ((MUCH, 0), (0, 0), (MUCH, BLOCK)):
        asked = Asked("y" * (BLOCK + 3), 2, hold=hold)
        assert played.play(asked)[asked].reused == reused


@pytest.mark.parametrize("change", ["in place", "loaded", "hooked"])
def test_what_other_weights_computed_is_never_used(change: str) -> None:
    module = network(FAMILIES["llama"])
    played, asked = Stage(Engine(module, TOKENIZER)), Asked("z" * 70, 20, hold=MUCH)
    before = played.play(asked)[asked].text
    if change == "in place":
        with torch.no_grad():
            module.model.layers[0].mlp.down_proj.weight.mul_(-2)
    elif change == "loaded":
        module.load_state_dict(network(FAMILIES["llama"], seed=1).state_dict())
    else:
        module.model.layers[1].register_forward_hook(lambda layer, given, out: out * 0.5)
    output = played.play(asked)[asked]
    assert (output.text, output.reused) == (reference(module, asked), 0) and output.text != before
    assert played.play(asked)[asked].reused > 0


def test_what_rows_read_before_a_change_of_weights_is_not_kept_after_it() -> None:
    module = network(FAMILIES["llama"])
    played, old = Stage(Engine(module, TOKENIZER)), Asked("z" * 70, 40, hold=MUCH)
    played.arrivals = {6: [Asked("new", 1, hold=MUCH)]}

    def change(layer: Any, given: Any) -> None:
        if len(played.steps) == 5:
            module.model.layers[0].mlp.down_proj.weight.mul_(-2)

    module.model.layers[0].register_forward_pre_hook(change)
    played.play(old)
    brief = replace(old, new=3)
    output = Stage(played.engine).play(brief)[brief]
    assert (output.reused, output.text) == (0, reference(module, brief))


def test_where_memory_runs_out_nothing_is_held_any_more() -> None:
    module, asked = network(FAMILIES["llama"]), Asked("z" * 70, 5, hold=MUCH)
    played, fails = Stage(Engine(module, TOKENIZER)), [False, True, False]

    def fail(layer: Any, given: Any) -> None:
        if fails and fails.pop(0):
            raise torch.OutOfMemoryError("out of memory")

    module.lm_head.register_forward_pre_hook(fail)
    played.arrivals = {1: [Asked("abc", 5)]}
    done = played.play(asked)
    assert not fails and {one: output.text for one, output in done.items()} == {
        one: reference(module, one) for one in done
    }
    played.arrivals = {}
    assert played.play(asked)[asked].reused == 0


def run(tokens: int) -> Run:
    """Two layers of one head of size one: 16 bytes a token."""
    return [(torch.rand(1, tokens, 1), torch.rand(1, tokens, 1)) for _ in range(2)]


def test_what_was_not_used_for_longest_leaves_first_and_ends_before_beginnings() -> None:
    held, limit = Prefixes(), 4 * BLOCK * 16
    a, b, c = ([letter] * 2 * BLOCK for letter in (1, 2, 3))
    for ids in (a, b):
        held.put(ids, "", run(2 * BLOCK), limit)
    assert held.bytes == limit and len(held.longest(a, "")) == 2 and held.longest(a, "adapter") == []
    assert [len(held.longest(ids, "")) for ids in (b, a)] == [2, 2]
    held.put(c[:BLOCK], "", run(BLOCK), limit)
    assert [len(held.longest(ids, "")) for ids in (a, b, c)] == [2, 1, 1] and held.bytes == limit
    held.put(c, "", run(2 * BLOCK), 2 * BLOCK * 16)
    assert [len(held.longest(ids, "")) for ids in (a, b, c)] == [0, 0, 2], "a smaller limit holds from then on"
    held.put([*a, *b], "", run(4 * BLOCK), 10 * limit)
    assert len(held.longest([*a, *c], "")) == 2
    assert held.longest([*b], "") == [], "a block counts only with all that stands before it"
    held.close()
    held.put(a, "", run(2 * BLOCK), limit)
    assert held.bytes == 0 and held.longest(a, "") == []


async def test_the_record_of_a_call_says_what_was_read_before(tmp_path: Any) -> None:
    folder = str(make_tiny(tmp_path, texts=["to be or not to be"], spread=0.05))
    lines = [Line("system", "Be brief, be kind, be quick, and never forget what was said. " * 3), Line("user", "Hi.")]
    greedy = Sampling(temperature=0, max_tokens=8)
    first, second = [(await Local(folder).chat(lines, (), greedy)).usage.calls[0] for _ in range(2)]
    assert "read before" not in first.detail and "tokens read before" in second.detail
    assert first.reply == second.reply and first.input_tokens == second.input_tokens
    off = (await Local(folder, prefix_cache_mb=0).chat(lines, (), greedy)).usage.calls[0]
    assert "read before" not in off.detail and off.reply == first.reply
