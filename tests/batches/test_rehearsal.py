"""The stand-in engine: the same answers for the same applicant, and never in disguise."""

import io
import json
import stat
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from batches.answers import Failure, response_schema
from batches.formats import FORMATS, Request
from batches.rehearsal import read_request, rehearse
from enigma.errors import Malformed

SCORES = ("academic_score", "test_score", "achievement_score", "essay_score")


def request(**changes):
    """A worker's request for one applicant."""
    one = Request(
        custom_id="c-1",
        stage="worker",
        attempt=1,
        model="engine-1",
        anonymized_id="anon-1",
        gpa=Decimal("3.6"),
        gpa_scale=Decimal(4),
        test_scores={"SAT": 1450},
        metrics={"gpa_score": Decimal(90), "test_score": Decimal("87.5")},
        essay="I built a bridge.",
        achievements="Captain\nEditor",
        system_text="Instructions",
        response_schema=response_schema("worker"),
        rubric_sha256="0" * 64,
        prompt_sha256="1" * 64,
    )
    return replace(one, **changes)


def answered(one, *, name="plain", seed=1):
    """What the importer reads when the stand-in has answered."""
    line = rehearse(read_request(FORMATS[name].render(one)), seed=seed)
    return FORMATS[name].parse(line.removesuffix(b"\n"), one.stage)


def scores(one, **options):
    outcome = answered(one, **options).outcome
    return [getattr(outcome, field) for field in SCORES]


def judged(number, *, name="plain", attempt=1):
    """The judgement of one applicant's evaluation, as written on the first or a later attempt."""
    feedback = None if attempt == 1 else "Stand-in, on reading 1: again."
    applicant = request(essay=f"Essay {number}", attempt=attempt, feedback=feedback)
    evaluation = {"reasoning": answered(applicant, name=name).outcome.reasoning}
    return answered(replace(applicant, stage="judge", feedback=None, evaluation=evaluation), name=name).outcome


def test_scores_depend_on_applicant_and_seed_and_nothing_else():
    same = request(custom_id="c-2", anonymized_id="anon-2", attempt=2, model="m", feedback="Again.")
    assert scores(request()) == scores(same) == scores(request(), name="openai-chat")


@pytest.mark.parametrize("changes", [{"essay": "Another."}, {"gpa": Decimal("3.5")}, {"achievements": "x"}])
def test_another_text_or_merit_gives_other_scores(changes):
    assert scores(request(**changes)) != scores(request())


def test_another_seed_gives_other_scores():
    assert scores(request(), seed=2) != scores(request(), seed=1)


def test_these_are_the_scores():
    assert scores(request()) == [Decimal(text) for text in ("91.3", "86.4", "63.6", "42.1")]


@given(st.text(), st.text(), st.decimals(0, 4, places=4), st.dictionaries(st.text(), st.decimals(-10, 200)))
def test_every_applicant_gets_a_valid_answer(essay, achievements, gpa, metrics):
    finite = {key: value for key, value in metrics.items() if value.is_finite()}
    parsed = answered(request(essay=essay, achievements=achievements, gpa=gpa, metrics=finite))
    assert (parsed.custom_id, parsed.anonymized_id, parsed.model) == ("c-1", "anon-1", "rehearsal")
    assert not isinstance(parsed.outcome, Failure)


def test_merit_moves_the_scores():
    weak = request(gpa=Decimal(1), metrics={"gpa_score": Decimal(25), "test_score": Decimal(20)})
    assert [high > low + 50 for high, low in zip(scores(request())[:2], scores(weak)[:2], strict=True)]
    assert scores(weak)[0] < 35


def test_without_metrics_the_gpa_is_taken_by_its_scale():
    assert abs(scores(request(metrics={}))[0] - 90) < 7


@pytest.mark.parametrize("name", FORMATS)
def test_every_result_names_the_stand_in_as_its_model(name):
    assert answered(request(), name=name).model == "rehearsal"


def test_a_chat_result_is_a_completion_as_the_sdk_knows_it():
    line = rehearse(read_request(FORMATS["openai-chat"].render(request())), seed=1)
    completion = ChatCompletion.model_validate(json.loads(line)["response"]["body"], extra="forbid")
    assert (completion.model, completion.choices[0].finish_reason) == ("rehearsal", "stop")


@pytest.mark.parametrize("name", FORMATS)
def test_the_judge_rejects_about_six_first_evaluations_in_a_hundred(name):
    judgements = [judged(number, name=name) for number in range(1000)]
    decisions = Counter((one.decision, one.bias_detected) for one in judgements)
    assert 40 < decisions["rejected", False] + decisions["rejected", True] < 80
    assert 0 < decisions["rejected", True] < decisions["rejected", False]
    assert decisions["approved", True] == 0


@pytest.mark.parametrize("name", FORMATS)
def test_the_judge_nearly_always_approves_a_second_evaluation(name):
    refused = [number for number in range(1000) if judged(number, name=name).decision == "rejected"]
    again = Counter(judged(number, name=name, attempt=2).decision for number in refused)
    assert again["approved"] >= 0.9 * len(refused) > 0


def test_a_later_judgement_finds_no_bias_and_never_contradicts_itself():
    assert {judged(number, attempt=2).bias_detected for number in range(1000)} == {False}


def test_a_rejection_says_which_reading_it_was():
    rejected = next(one for one in map(judged, range(1000)) if one.decision == "rejected")
    assert rejected.feedback == "Stand-in, on reading 1: name what in the text each score rests on."


BROKEN = [
    (b"no json", "not JSON"),
    (b"[]", "not a JSON object"),
    (b"{}", "custom_id is missing"),
    (b'{"custom_id":"c","stage":"worker"}', "anonymized_id is missing"),
    (b'{"custom_id":"c","anonymized_id":"a"}', "stage is neither"),
    (b'{"custom_id":"c","anonymized_id":"a","stage":"worker"}', "gpa is missing"),
    (b'{"custom_id":"c","body":{}}', "body is not a chat request"),
    (b'{"custom_id":"c","body":[]}', "body is not a chat request"),
    (FORMATS["plain"].render(request()).replace(b'"gpa":3.6', b'"gpa":"3.6"'), "gpa has the wrong type"),
    (FORMATS["openai-chat"].render(request()).replace(b"nDATA", b"nDATE"), "no data block"),
    (FORMATS["openai-chat"].render(request()).replace(b'{\\"gpa', b'[\\"gpa'), "block is not JSON"),
    (
        FORMATS["plain"].render(request()).replace(b'"metrics":{', b'"metrics":[],"x":{'),
        "metrics has the wrong",
    ),
    (FORMATS["plain"].render(request(stage="judge")), "evaluation is missing"),
]


@pytest.mark.parametrize(("line", "reason"), BROKEN)
def test_a_line_that_is_no_request_is_named(line, reason):
    with pytest.raises(Malformed, match=reason):
        read_request(line)


def test_a_data_block_must_be_an_object():
    line = json.loads(FORMATS["openai-chat"].render(request()))
    line["body"]["messages"][1]["content"] = "x\nDATA 0123456789abcdef\n[1]\nEND 0123456789abcdef\n"
    with pytest.raises(Malformed, match="the data block is not an object"):
        read_request(json.dumps(line).encode())


@given(st.binary())
def test_no_arbitrary_bytes_are_a_request(line):
    with pytest.raises(Malformed):
        read_request(line)


# --- the command


@pytest.fixture
def requests_file(tmp_path):
    path = tmp_path / "requests.jsonl"
    path.write_bytes(b"".join(FORMATS["plain"].render(request(custom_id=f"c-{n}")) for n in range(3)))
    return path


def test_the_command_answers_a_file_and_says_that_it_invents(requests_file, tmp_path, capsys):
    output = tmp_path / "results.jsonl"
    call_command("rehearse", requests_file, output=str(output))
    ids = [json.loads(line)["custom_id"] for line in output.read_bytes().splitlines()]
    said = capsys.readouterr()
    assert (ids, said.out) == (["c-0", "c-1", "c-2"], "")
    assert "stand-in" in said.err
    assert f"answered 3 requests to {output}, refused 0 lines" in said.err


def test_the_result_file_is_private_and_leaves_no_part_behind(requests_file, tmp_path):
    output = tmp_path / "results.jsonl"
    call_command("rehearse", requests_file, output=str(output))
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["requests.jsonl", "results.jsonl"]


def test_an_existing_output_is_kept_unless_forced(requests_file, tmp_path):
    output = tmp_path / "results.jsonl"
    output.write_text("mine")
    with pytest.raises(CommandError, match="--force") as refusal:
        call_command("rehearse", requests_file, output=str(output))
    assert (refusal.value.returncode, output.read_text()) == (2, "mine")
    call_command("rehearse", requests_file, output=str(output), force=True)
    assert output.read_bytes().count(b"\n") == 3


def test_a_bad_line_is_named_and_the_good_ones_are_answered(requests_file, tmp_path, capsys):
    requests_file.write_bytes(requests_file.read_bytes() + b"\nrubbish\n")
    with pytest.raises(CommandError) as refusal:
        call_command("rehearse", requests_file, output=str(tmp_path / "out"))
    assert refusal.value.returncode == 1
    assert f"{requests_file}, line 5: not JSON" in capsys.readouterr().err
    assert (tmp_path / "out").read_bytes().count(b"\n") == 3


def test_a_file_without_any_request_makes_no_output(requests_file, tmp_path, capsys):
    requests_file.write_bytes(b"rubbish\n" + b"x" * 3_000_000)
    with pytest.raises(CommandError, match="no request of ours in 2 lines") as refusal:
        call_command("rehearse", requests_file, output=str(tmp_path / "out"))
    assert refusal.value.returncode == 2
    assert f"{requests_file}, line 2: longer than 2097152 bytes" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["requests.jsonl"]


def test_requests_of_two_formats_do_not_go_into_one_file(requests_file, tmp_path, capsys):
    other = tmp_path / "chat.jsonl"
    other.write_bytes(FORMATS["openai-chat"].render(request()))
    with pytest.raises(CommandError):
        call_command("rehearse", requests_file, other, output=str(tmp_path / "out"))
    assert f"{other}, line 1: a request in openai-chat, after others in plain" in capsys.readouterr().err


def test_a_missing_file_is_named_and_nothing_is_written(tmp_path):
    with pytest.raises(CommandError, match=r"absent\.jsonl") as refusal:
        call_command("rehearse", tmp_path / "absent.jsonl", output=str(tmp_path / "out"))
    assert (refusal.value.returncode, list(tmp_path.iterdir())) == (2, [])


def test_a_dash_reads_stdin_and_writes_stdout(requests_file, monkeypatch, capsysbinary):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(requests_file.read_bytes())))
    call_command("rehearse", "-", output="-")
    assert capsysbinary.readouterr().out.count(b'"model":"rehearsal"') == 3


def test_the_seed_is_heard(requests_file, tmp_path):
    for seed in (1, 2):
        call_command("rehearse", requests_file, output=str(tmp_path / f"{seed}"), seed=seed)
    assert (tmp_path / "1").read_bytes() != (tmp_path / "2").read_bytes()
