"""Continuous batching: rows join and leave at any token, and say what they would say alone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import transformers
from tiny_networks import FAMILIES, RECURRENT, TOKENIZER, Asked, Stage, at_random, network, reference

from agents.inference.continuous_batch import READ
from agents.inference.engine import Engine
from agents.inference.forward_step import is_joinable
from agents.inference.torch_threads import one_thread


@pytest.fixture(autouse=True, scope="module")
def calm() -> Iterator[None]:
    """One thread: the models are too small to gain from more."""
    with one_thread():
        yield


def stage(family: str = "llama") -> Stage:
    return Stage(Engine(network(FAMILIES[family]), TOKENIZER))


def test_a_newcomer_is_read_at_the_next_step_and_whoever_ends_leaves_at_once() -> None:
    played, long, brief, late = stage(), Asked("abcde", 9), Asked("xyz", 3), Asked("q", 1)
    played.arrivals = {3: [brief], 6: [late]}
    done = played.play(long)
    assert played.steps == [
        (1, 5),  # five tokens are read, which gives the first of nine
        (1, 1),
        (1, 1),  # `brief` arrives
        (1, 3),
        (2, 1),
        (2, 1),  # `late` arrives, `brief` ends
        (1, 1),  # `late`, read, has all it wanted
        (1, 1),
        (1, 1),
        (1, 1),
        (1, 1),
    ]
    assert [done[asked].batch for asked in (long, brief, late)] == [2, 2, 2]
    assert [done[asked].output_tokens for asked in (long, brief, late)] == [9, 3, 1]


def test_the_room_of_whoever_has_left_is_not_carried_along() -> None:
    played, first = stage(), Asked("ab", 12)
    wide, narrow, brief = Asked("c" * 70, 3), Asked("d" * 60, 6), Asked("e" * 65, 1)
    played.arrivals = {2: [brief, wide, narrow]}
    done = played.play(first)
    assert played.steps[2:5] == [(3, 70), (3, 1), (3, 1)]
    assert played.seen[3:9] == [71, 72, 63, 64, 65, 9], "the widest of those that are left"
    assert {asked: output.text for asked, output in done.items()} == {
        asked: reference(played.engine.module, asked) for asked in done
    }


@pytest.mark.few(1)
@pytest.mark.parametrize("family", FAMILIES)
def test_whoever_comes_and_goes_the_texts_are_those_of_each_request_alone(family: str) -> None:
    played = stage(family)
    first, played.arrivals = at_random(1, 16, steps=70)
    done = played.play(first)
    module = played.engine.module
    assert {asked: output.text for asked, output in done.items()} == {asked: reference(module, asked) for asked in done}
    assert len(done) == 17 and len({output.text for output in done.values()}) >= 16
    assert max(output.batch for output in done.values()) >= 6 and is_joinable(module)


def test_a_seed_draws_the_same_whoever_comes_and_goes() -> None:
    first, arrivals = at_random(2, 12, steps=40)
    drawn = {step: [replace(one, seed=7 * one.new) for one in asked] for step, asked in arrivals.items()}
    played = stage()
    played.arrivals = drawn
    done = played.play(first)
    for asked in (asked for together in drawn.values() for asked in together):
        alone = stage().play(asked)[asked]
        assert (done[asked].text, done[asked].seed, alone.batch) == (alone.text, asked.seed, 1)


def test_a_long_prompt_is_read_in_parts_while_the_others_go_on() -> None:
    played, first, long = stage(), Asked("abc", 12), Asked("abcdefgh" * 650, 2)
    played.arrivals = {2: [long]}
    done = played.play(first)
    assert long.text and done[long].input_tokens == 5200 == sum(columns for _, columns in played.steps if columns > 5)
    assert played.steps[2:8] == [(1, READ), (1, 1), (1, READ), (1, 1), (1, 5200 - 2 * READ), (2, 1)]
    assert done[long].text == reference(played.engine.module, long)


def test_prompts_of_like_length_are_read_together() -> None:
    played, first = stage(), Asked("a", 8)
    newcomers = [Asked("b" * length, 2) for length in (200, 5, 30, 210, 6)]
    played.arrivals = {1: newcomers}
    played.play(first)
    assert [step for step in played.steps if step[1] > 1] == [(2, 210), (3, 30)], (
        "the one that came first, and its like"
    )


def test_nobody_is_in_a_larger_batch_than_he_allows_and_the_order_is_kept() -> None:
    played, first = stage(), Asked("a", 30)
    modest, free = Asked("b", 5, most=2), [Asked(letter, 5) for letter in "cdef"]
    played.arrivals = {2: [modest, *free]}
    done = played.play(first)
    assert done[modest].batch == 2 and {done[asked].batch for asked in free} == {5}
    assert played.steps[2:8] == [(1, 1)] + [(2, 1)] * 4 + [(4, 1)], "the others wait until the modest one is gone"


def test_a_request_that_is_given_up_leaves_at_the_next_step() -> None:
    played, first, other, waiting = stage(), Asked("abc", 8), Asked("xy", 500), Asked("z" * 9, 5, most=1)
    played.arrivals, played.leaving = {1: [other], 2: [waiting]}, {4: other, 5: waiting}
    done = played.play(first)
    assert list(done) == [first] and done[first].text == reference(played.engine.module, first)
    assert played.steps == [(1, 3), (1, 1), (1, 2), (2, 1)] + [(1, 1)] * 5
    assert played.futures[other].cancelled() and played.futures[waiting].cancelled()


def test_a_stop_text_ends_one_row_of_many() -> None:
    plain = stage().play(Asked("abc", 30))
    text = next(iter(plain.values())).text
    stop = text[10:13]
    played, first, stopped = stage(), Asked("xyz", 40), Asked("abc", 30, stop=(stop,))
    played.arrivals = {5: [stopped]}
    done = played.play(first)
    assert done[stopped].text == text[: text.index(stop)] and done[stopped].stop == "end"
    assert done[first].stop == "length" and done[first].output_tokens == 40


def test_settings_that_a_model_brings_are_kept() -> None:
    played, asked = stage(), Asked("abcab", 30)
    settings = played.engine.module.generation_config
    plain = played.play(asked)[asked].text
    settings.repetition_penalty = 1.5
    assert (penalised := played.play(asked)[asked].text) == reference(played.engine.module, asked) != plain
    settings.repetition_penalty, settings.no_repeat_ngram_size = None, 1
    assert not is_joinable(played.engine.module), "only the library's own loop carries that out"
    unique = played.play(asked)[asked].text
    assert unique == reference(played.engine.module, asked) and unique not in (plain, penalised)


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_recurrent_network_is_batched_as_requests_arrive_together(kind: str) -> None:
    played = Stage(Engine(network(RECURRENT[kind]), TOKENIZER))
    assert not is_joinable(played.engine.module)
    first, late = Asked("abcdef", 30), [Asked("xy", 5), Asked("xyz" * 5, 9), Asked("ab", 6)]
    played.arrivals = {20: late}
    done = played.play(first)
    assert {asked: output.text for asked, output in done.items()} == {
        asked: reference(played.engine.module, asked) for asked in done
    }
    together = [done[asked].batch for asked in late]
    # transformers 4 lets the other one read padding, too
    apart = kind == "mixes rows" or int(transformers.__version__.partition(".")[0]) < 5
    assert together == ([1, 1, 1] if apart else [3, 3, 3]) and done[first].batch == 1


def test_memory_that_runs_out_on_the_way_costs_no_token() -> None:
    played = stage()
    first, arrivals = at_random(3, 14, steps=30)
    drawn = {step: [replace(one, seed=one.new) for one in asked] for step, asked in arrivals.items()}
    played.arrivals = drawn
    expected = {asked: output.text for asked, output in played.play(first).items()}

    class Narrow(type(played.engine.module)):  # type: ignore[misc]
        """Memory for 150 tokens in all rows together."""

        def forward(self, input_ids=None, attention_mask=None, **rest):  # type: ignore[no-untyped-def]
            if attention_mask.numel() > 150:
                failures.append(tuple(attention_mask.shape))
                raise torch.OutOfMemoryError("out of memory")
            return super().forward(input_ids=input_ids, attention_mask=attention_mask, **rest)

    failures: list[tuple[int, ...]] = []
    narrow = Narrow(played.engine.module.config)
    narrow.load_state_dict(played.engine.module.state_dict())
    narrow.generation_config.eos_token_id = len(TOKENIZER)
    again = Stage(Engine(narrow.eval(), TOKENIZER))
    again.arrivals = drawn
    assert {asked: output.text for asked, output in again.play(first).items()} == expected
    assert 2 <= len(failures) <= 4, "halved each time, and what did not fit is not tried again"
