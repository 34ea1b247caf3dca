"""A person at the terminal: what is shown, what may be typed, and what happens when nobody is there."""

import asyncio
import io
import os
import pty
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace

import pytest
from repository import ROOT

from agents.players.human import Human, Misread, converse, parse_line, render_news
from arena.errors import BadReply, UsageError
from arena.game import Message, Move, Tool, View

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}})
SEND = Tool("send", "Send a note.", {"to": {"type": "string"}, "note": {"type": "string"}}, ("note",))
VIEW = View("buyer", "Haggle.", (Message("seller", "It is $20."),), (OFFER, Tool("accept", "Take it."), SEND))


def typing(*lines: str) -> tuple[Callable[[str], str], list[str]]:
    """Somebody who types these lines and then leaves, and what they are shown meanwhile."""
    left, told = [*lines], []

    def ask(prompt: str) -> str:
        told.append(prompt)
        return left.pop(0) + "\n" if left else ""

    return ask, told


@pytest.mark.parametrize(
    ("line", "move"),
    [
        ("Too much!", Move("Too much!")),
        ("/accept", Move("", "accept")),
        ("Fine. /accept", Move("Fine.", "accept")),
        ("/offer 12", Move("", "offer", {"price": "12"})),
        ("/offer price=$12.50", Move("", "offer", {"price": "$12.50"})),
        ('/send bob "see you"', Move("", "send", {"to": "bob", "note": "see you"})),
        ("/send note=hi to=bob", Move("", "send", {"to": "bob", "note": "hi"})),
        ('{"say": "Hm.", "action": "offer", "price": 12}', Move("Hm.", "offer", {"price": 12})),
        ("either/or and /accepted", Move("either/or and /accepted")),
        ("a\x1b[31m\x07b", Move("a[31mb")),
        ("accept", Move("", "accept")),
        (" Accept! ", Move("", "accept")),
        ("accept?", Move("accept?")),
        ("accept that, will you", Move("accept that, will you")),
        ("acceptable", Move("acceptable")),
        ("offer $12.50", Move("", "offer", {"price": 12.5})),
        ("OFFER 12.", Move("", "offer", {"price": 12})),
        ("offer me something", Move("offer me something")),
        ("offer 12 or 13", Move("offer 12 or 13")),
        ("send bob hello", Move("send bob hello")),
        ("help me out here", Move("help me out here")),
    ],
)
def test_what_is_typed_is_a_move(line: str, move: Move) -> None:
    assert parse_line(line, VIEW) == move


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/ofer 12", "did you mean /offer"),
        ("/accept 12", "too much after /accept"),
        ('/send "bob', "No closing quotation"),
        ("offer", "offer needs more: type /offer PRICE"),
        ("Send!", "type /send TO"),
    ],
)
def test_what_is_mistyped_is_explained(line: str, said: str) -> None:
    with pytest.raises(Misread, match=said):
        parse_line(line, VIEW)
    with pytest.raises(BadReply):
        parse_line('{"action": ', VIEW)


def test_a_mistake_is_explained_and_asked_again_without_a_refusal() -> None:
    ask, told = typing("", "/ofer 1", "/offer twelve", '{"action": "offer",}', "/help", "Take /offer $12")
    move = converse(VIEW, ask, told.append)
    assert (move.text, move.tool, move.args) == ("Take", "offer", {"price": 12})
    shown = "".join(told)
    for part in (
        "is empty",
        "did you mean /offer",
        "price takes a number",
        "JSON is broken",
        "  /offer PRICE  Offer a price.",
    ):
        assert part in shown
    assert told.count("buyer> ") == 6


@pytest.mark.parametrize("line", ["help", "?", "/help", "/?", " Help! ", "help?", "h", "HELP"])
def test_a_call_for_help_is_answered_and_not_said(line: str) -> None:
    ask, told = typing(line, "accept")
    move = converse(VIEW, ask, told.append)
    assert (move.text, move.tool) == ("", "accept")
    assert any("/offer PRICE  Offer a price." in text for text in told[2:]) and "Taken as /accept." in told


def test_help_is_a_move_where_the_game_has_it() -> None:
    ask, told = typing("help")
    assert converse(View("a", "Choose.", legal=("help", "run")), ask, told.append).text == "help"


@pytest.mark.parametrize(("line", "args"), [("go north", {"way": "north"}), ("Go North.", {"way": "north"})])
def test_a_choice_may_be_typed_as_it_is_said(line: str, args: dict[str, str]) -> None:
    go = Tool("go", "Go.", {"way": {"type": "string", "enum": ["north", "south"]}})
    walk = Tool("walk_away", "Leave.")
    view = View("a", "Walk.", (), (go, walk))
    if line == "go north":
        assert parse_line(line, view) == Move("", "go", args)
        assert parse_line("walk away", view) == parse_line("Walk-away.", view) == Move("", "walk_away")
    assert parse_line("go home", view) == Move("go home")


def test_think_time_is_recorded_and_free() -> None:
    ask, told = typing("Hello.")
    (call,) = converse(VIEW, ask, told.append).usage.calls
    assert (call.model, call.usd, call.reply, call.input_tokens) == ("human", 0.0, "Hello.", None)
    assert 0 < call.seconds < 5 and call.prompt == (("user", told[0]),)


def test_only_what_is_new_is_shown() -> None:
    first = render_news(VIEW)
    assert (
        "Haggle." in first and "Seller: It is $20." in first and "/offer PRICE" in first and "/send TO [NOTE]" in first
    )
    said = (*VIEW.messages, Message("buyer", "No."), Message("seller", "15?", "offer", {"price": 15}))
    later = render_news(replace(VIEW, messages=said, own=(Move("No."),)))
    assert later.strip() == "Seller: 15? [offers $15]"
    assert render_news(replace(VIEW, complaint="too low")) == "That was refused: too low"


def test_legal_texts_are_listed_and_held_to() -> None:
    ask, told = typing("up", "LEFT")
    assert converse(View("a", "Choose.", legal=("left", "right")), ask, told.append).text == "left"
    assert "Type one of: left, right" in told[0] and any("'up' is not a move here" in line for line in told)


def test_an_ended_input_is_an_error_and_no_loop() -> None:
    ask, told = typing("/ofer")
    with pytest.raises(UsageError, match="nobody sits at 'buyer'"):
        converse(VIEW, ask, told.append)


async def test_the_loop_lives_while_the_person_thinks(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        act = asyncio.ensure_future(Human().act(VIEW))
        await asyncio.sleep(0.05)
        assert not act.done()
        os.write(write_end, "Gern für zwölf. /offer 12\nleft for the next".encode())
        move = await asyncio.wait_for(act, 5)
        assert (move.text, move.args) == ("Gern für zwölf.", {"price": 12})
        assert move.usage.seconds > 0.02
        os.close(write_end)
        assert (await Human().act(replace(VIEW, tools=()))).text == "left for the next"
        with pytest.raises(UsageError):
            await Human().act(VIEW)


async def test_a_stdin_that_is_no_file_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hello.\n"))
    assert (await Human().act(VIEW)).text == "Hello."
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError):
        await Human().act(VIEW)


PROGRAM = textwrap.dedent(
    """
    import arena
    def evil(view):
        return arena.Move("It is \\x1b[2J$20.\\u202e", "offer", {"price": 20})
    table = {"buyer": "human", "seller": evil, "moderator": evil}
    episode = arena.play({"name": "bargaining", "turns": 3}, table)
    print(episode.status, episode.scores["buyer"], [turn.refused for turn in episode.turns if turn.refused])
    """
)


def test_a_piped_person_plays_a_whole_game() -> None:
    typed = "/offer 99\n/offer 10\nDeal. /accept\n"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=typed, capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.stdout.startswith("over 0.0 ['$99 is outside"), done.stderr
    assert "You are the buyer" in done.stderr and "That was refused: $99" in done.stderr
    assert "\x1b" not in done.stderr and "\u202e" not in done.stderr and "It is ␛[2J$20." in done.stderr


def test_a_pipe_that_closes_ends_the_program_with_a_reason() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input="/offer 10\n", capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 1 and "UsageError: nobody sits at 'buyer' any more" in done.stderr


def test_a_person_at_a_real_terminal_can_be_interrupted() -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=slave, stderr=subprocess.PIPE, cwd=ROOT, start_new_session=True
    ) as child:
        try:
            assert child.stderr is not None
            os.write(master, b"/offer 10\r")
            seen = b""
            while seen.count(b"buyer> ") < 2:
                seen += os.read(child.stderr.fileno(), 4096)
            child.send_signal(2)  # as Ctrl-C does: the program ends at once, though a thread still waits for a line
            assert child.wait(timeout=20) != 0
            rest = child.stderr.read()
        finally:
            child.kill()
    os.close(master)
    os.close(slave)
    assert b"KeyboardInterrupt" in rest and b"Fatal Python error" not in rest
