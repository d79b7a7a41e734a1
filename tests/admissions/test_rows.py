"""One row of an application file: accepted whole, or every fault of it named."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admissions.readers import Doubled, Fault, RawRow, parse_json
from admissions.rows import FORMULA, NOT_AN_EMAIL, REQUIRED, Draft, Limits, check, fingerprint_source
from audit.canonical import encode

LIMITS = Limits(
    tests={"SAT": (Decimal(400), Decimal(1600)), "IELTS": (Decimal(0), Decimal(9))},
    gpa_scale=Decimal("4.0"),
    essay_max=1000,
    achievements_max=100,
)
AMINA = {
    "name": "Amina Rahimi",
    "email": "amina@mail.example",
    "phone": "+44 (0)20 7946-0958",
    "address": "12 Oak Street\nLeeds",
    "gpa": "3.80",
    "test_scores": '{"SAT": 1450, "IELTS": 6.5}',
    "essay": "- I lead a club.\nIt has 12 members.",
    "achievements": "= first in the 2023 olympiad",
    "external_id": "APP_0F:1.2-3",
    "timestamp": "2025-11-04T12:16:22",
}
DRAFT = Draft(
    name="Amina Rahimi",
    email="amina@mail.example",
    phone="+44 (0)20 7946-0958",
    address="12 Oak Street\nLeeds",
    gpa=Decimal("3.80"),
    test_scores={"SAT": 1450, "IELTS": Decimal("6.5")},
    essay="- I lead a club.\nIt has 12 members.",
    achievements="= first in the 2023 olympiad",
    external_id="APP_0F:1.2-3",
    timestamp=datetime(2025, 11, 4, 12, 16, 22, tzinfo=UTC),
)
NO_NUMBER = "must be a number"
NO_PHONE = "must be 5 to 20 digits, with spaces, + ( ) - . / and an extension at most"
NO_TIME = "is not a date and time such as 2026-01-31T12:00:00Z"
NO_ID = "may hold only 1 to 64 of the characters A-Z a-z 0-9 _ . : -"
NO_SCORES = "at least one test score is required"
NO_OBJECT = 'must be a JSON object such as {"SAT": 1200}'
ODD_DIGITS = "must be digits 0-9 with one decimal point, without spaces"


def amina(**changes: object) -> RawRow:
    return RawRow(2, 1, {**AMINA, **changes})


def reasons(**changes: object) -> list[str]:
    """Why Amina's row is refused when one of its fields is changed."""
    [field] = changes
    outcome = check(amina(**changes), LIMITS)
    if isinstance(outcome, Draft):
        return []
    assert {fault.field for fault in outcome} == {field}
    return [fault.reason for fault in outcome]


def kept(**changes: object) -> object:
    """What the draft holds when one field of Amina's row is changed."""
    [field] = changes
    outcome = check(amina(**changes), LIMITS)
    return getattr(outcome, field, outcome)


def test_a_whole_row_is_a_draft():
    assert check(amina(), LIMITS) == DRAFT


def test_a_row_of_json_is_the_same_draft():
    row = amina(gpa=Decimal("3.80"), test_scores={"SAT": 1450, "IELTS": Decimal("6.5")})
    assert check(row, LIMITS) == DRAFT


@pytest.mark.parametrize("empty", ["", None])
def test_phone_address_achievements_id_and_time_may_be_empty(empty):
    names = ("phone", "address", "achievements", "external_id", "timestamp")
    assert check(amina(**dict.fromkeys(names, empty)), LIMITS) == replace(
        DRAFT, phone="", address="", achievements="", external_id=None, timestamp=None
    )


def test_an_empty_row_lists_everything_that_is_required():
    assert check(RawRow(2, 1, {}), LIMITS) == [
        Fault("name", REQUIRED),
        Fault("email", REQUIRED),
        Fault("gpa", REQUIRED),
        Fault("test_scores", NO_SCORES),
        Fault("essay", REQUIRED),
    ]


def test_all_faults_of_a_row_are_named_after_those_of_reading_it():
    unread = [Fault("phone", "holds bytes that are not UTF-8"), Fault("status", "must be 'submitted'")]
    row = RawRow(2, 1, {**AMINA, "phone": "\udcff", "name": "=1", "gpa": "9", "essay": " "}, unread)
    assert check(row, LIMITS) == [
        *unread,
        Fault("name", FORMULA),
        Fault("gpa", "is outside its range: 9, accepted are 0 to 4.0"),
        Fault("essay", REQUIRED),
    ]


def test_a_record_that_could_not_be_taken_apart_keeps_its_one_fault():
    damage = [Fault("row", "7 fields were found, 11 were expected")]
    assert check(RawRow(2, 1, {}, damage), LIMITS) == damage


# Text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("12 - 34", "must hold a letter"),
        ("x" * 201, "is too long: 201 characters, at most 200 are accepted"),
        ("Amina\nRahimi", "must be one line without tabs"),
        ("Amina\u2028Rahimi", "must be one line without tabs"),
        ("Amina\0", "holds a NUL character"),
        ("Amina\x07", "holds a control character"),
        ("Amina\ud800", "holds half a character (a lone surrogate)"),
        (7, "must be text"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(name, reason):
    assert reasons(name=name) == [reason]


@pytest.mark.parametrize("name", ["Đỗ Thị Thảo", "محمد", "O", "Maëlle d'Alembert", "李小龍", "x" * 200])
def test_names_of_the_world_are_accepted(name):
    assert kept(name=f" {name} ") == name


@pytest.mark.parametrize("field", ["name", "email", "address"])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "\n=", "＝"])
def test_a_cell_that_looks_like_a_formula_is_refused(field, start):
    assert reasons(**{field: start + AMINA[field]}) == [FORMULA]


def test_an_essay_may_open_like_a_formula():
    for start in ("=", "-", "+1 ", "@"):
        assert kept(essay=f"{start} club") == f"{start} club"


@pytest.mark.parametrize("field", ["essay", "achievements"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a club\0of mine", "holds a NUL character"),
        ("a club\x1b[2J", "holds a control character"),
        ("un café\x9d", "holds a control character"),
        ("a club \udfff", "holds half a character (a lone surrogate)"),
        (3, "must be text"),
    ],
)
def test_a_text_with_controls_is_refused(field, text, reason):
    assert reasons(**{field: text}) == [reason]


def test_line_breaks_of_a_text_become_those_of_unix():
    assert kept(essay="one\r\ntwo\rthree\n\tfour") == "one\ntwo\nthree\n\tfour"


@pytest.mark.parametrize("field", ["name", "email", "gpa", "essay"])
def test_name_email_gpa_and_essay_are_required(field):
    assert reasons(**{field: None}) == reasons(**{field: ""}) == [REQUIRED]


@pytest.mark.parametrize("field", ["name", "email", "essay"])
def test_space_alone_is_nothing(field):
    assert reasons(**{field: " \u2003 "}) == [REQUIRED]


@pytest.mark.parametrize(("field", "longest"), [("essay", 1000), ("achievements", 100), ("address", 500)])
def test_length_is_counted_in_characters(field, longest):
    assert kept(**{field: "é" * longest}) == "é" * longest
    assert reasons(**{field: "é" * (longest + 1)}) == [
        f"is too long: {longest + 1} characters, at most {longest} are accepted"
    ]


# Contact


@pytest.mark.parametrize("email", ["a.b+tag_1@x-y.example.org", "o'hara@b.example", "a@münchen.example", "a@почта.рф"])
def test_an_email_address_is_accepted(email):
    assert kept(email=f" {email} ") == email


ODD_DOMAINS = (
    "localhost .example b..example b_c.example -b.example b.example- 10.0.0.1 [10.0.0.1] b.c b.example. "
    "b@c.example b\u200b.example ｂ.example p\u0430ypal.example é..example"
)
ODD_LOCALS = ["a.", ".a", "a b", "é", "amina,omar", "Amina <a", "x" * 65]
ODD_EMAILS = [f"a@{domain}" for domain in ODD_DOMAINS.split()] + [f"{part}@b.example" for part in ODD_LOCALS]


@pytest.mark.parametrize("email", [*ODD_EMAILS, "not an address", "b.example"])
def test_an_email_address_that_cannot_be_one_is_refused(email):
    assert reasons(email=email) == [NOT_AN_EMAIL]


def test_an_email_address_has_254_characters_at_most():
    longest = "a@" + ("x" * 49 + ".") * 4 + "x" * 44 + ".example"
    assert (len(longest), kept(email=longest)) == (254, longest)
    assert reasons(email="a" + longest) == ["is too long: 255 characters, at most 254 are accepted"]


@pytest.mark.parametrize("phone", ["12345", "+962790183944", "(201) 596-8670", "201.596.8670 ext. 12", "030/1234x5"])
def test_a_phone_number_is_accepted(phone):
    assert kept(phone=phone) == phone


@pytest.mark.parametrize("phone", ["1234", "1" * 21, "call me", "+SUM(1;2)", "٠٧٩٠١٢٣٤", "12345 ext", "0 " * 26])
def test_a_phone_number_that_cannot_be_one_is_refused(phone):
    assert reasons(phone=phone) == [NO_PHONE]


@pytest.mark.parametrize("phone", ["=12345", "-12345", "@12345"])
def test_a_phone_number_may_open_like_a_formula_only_with_plus(phone):
    assert reasons(phone=phone) == [FORMULA]


@pytest.mark.parametrize("external_id", ["a b", "é", "x" * 65, "=1", "1\n"])
def test_an_id_with_other_characters_is_refused(external_id):
    assert reasons(external_id=external_id) == [NO_ID]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-04T12:16", datetime(2025, 11, 4, 12, 16, tzinfo=UTC)),
        ("2025-11-04 12:16:22.5Z", datetime(2025, 11, 4, 12, 16, 22, 500_000, tzinfo=UTC)),
        ("2025-11-04T01:00:00+05:30", datetime(2025, 11, 3, 19, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc(text, moment):
    assert kept(timestamp=text) == moment


ODD_TIMES = "yesterday 2025-11-04 20251104T121622 2025-13-01T00:00 0001-01-01T00:00+14:00 ٢٠٢٥-11-04T00:00"


@pytest.mark.parametrize("text", ODD_TIMES.split())
def test_a_time_of_another_form_is_refused(text):
    assert reasons(timestamp=text) == [NO_TIME]


# Merit


@pytest.mark.parametrize(
    ("gpa", "number"),
    [("0", "0"), ("4.0", "4.0"), ("3.4567", "3.4567"), ("03.5", "3.5"), (4, "4"), (Decimal("3.47"), "3.47")],
)
def test_a_gpa_is_kept_as_an_exact_decimal(gpa, number):
    assert kept(gpa=gpa) == Decimal(number)


@pytest.mark.parametrize(
    ("gpa", "reason"),
    [
        ("4.7", "is outside its range: 4.7, accepted are 0 to 4.0"),
        (-1, "is outside its range: -1, accepted are 0 to 4.0"),
        (parse_json("9" * 5000), "is outside its range: accepted are 0 to 4.0"),
        ("3.45678", "has more than 4 decimals"),
        (Decimal("1e-999999"), "has more than 4 decimals"),
        ("3,4", "uses a comma; write a decimal point"),
        ("NaN", "is not a finite number"),
        ("-Infinity", "is not a finite number"),
        (parse_json("NaN"), "is not a finite number"),
        (parse_json("-Infinity"), "is not a finite number"),
        ("3e0", "uses an exponent; write plain digits"),
        ("+3", "has a sign; write plain digits"),
        ("٣", "is not a number"),
        ("amina@mail.example", "is not a number"),
        (True, NO_NUMBER),
        ({}, NO_NUMBER),
    ],
)
def test_a_gpa_that_cannot_be_one_is_refused(gpa, reason):
    assert reasons(gpa=gpa) == [reason]


@pytest.mark.parametrize("gpa", [" 3", "3.", ".5", "3.4.5", "1" * 25])
def test_a_gpa_of_other_digits_is_refused(gpa):
    assert reasons(gpa=gpa) == [ODD_DIGITS]


@pytest.mark.parametrize("scores", ["", None, "{}", {}, "null"])
def test_one_test_score_is_required(scores):
    assert reasons(test_scores=scores) == [NO_SCORES]


@pytest.mark.parametrize("scores", ["[1450]", "1450", 1450])
def test_test_scores_are_an_object(scores):
    assert reasons(test_scores=scores) == [NO_OBJECT]


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ("{SAT: 1450}", "is not valid JSON at character 2"),
        ("{" * 100_000, "is not valid JSON at character 2"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"SAT": 1200, "SAT": 1500}', "the same test is given twice: 'SAT'"),
        ('{"CHESS": 12}', "unknown test: 'CHESS'; this cycle accepts SAT, IELTS"),
        ('{"Amina Qureshi": 12}', "unknown test: 1 not shown; this cycle accepts SAT, IELTS"),
        ('{"GRE": 300, "03005550142": 1}', "unknown test: 'GRE', 1 not shown; this cycle accepts SAT, IELTS"),
        ('{"SAT": 3005550142}', "SAT is outside its range: accepted are 400 to 1600"),
        ('{"sat": 1450}', "unknown test: 'sat'; this cycle accepts SAT, IELTS"),
        ('{"SAT": 1750}', "SAT is outside its range: 1750, accepted are 400 to 1600"),
        ('{"SAT": -5}', "SAT is outside its range: -5, accepted are 400 to 1600"),
        ('{"SAT": 9e999999}', "SAT is outside its range: accepted are 400 to 1600"),
        ('{"SAT": NaN}', "SAT is not a finite number"),
        ('{"IELTS": 6.55555}', "IELTS has more than 4 decimals"),
        ('{"SAT": true}', "SAT must be a number"),
        ('{"SAT": "1450"}', "SAT must be a number"),
        ('{"SAT": null}', "SAT must be a number"),
        ({"SAT": {"SAT": 1450}}, "SAT must be a number"),
        ('{"SAT": 1450}\0', "holds a NUL character"),
    ],
)
def test_test_scores_that_cannot_be_counted_are_refused(scores, reason):
    assert reasons(test_scores=scores) == [reason]


def test_every_wrong_score_is_named():
    assert reasons(test_scores='{"SAT": 1, "IELTS": true, "CHESS": 1}') == [
        "unknown test: 'CHESS'; this cycle accepts SAT, IELTS",
        "SAT is outside its range: 1, accepted are 400 to 1600",
        "IELTS must be a number",
    ]


def test_a_json_object_with_a_test_twice_is_refused():
    scores = parse_json('{"SAT": 1200, "SAT": 1500}')
    assert isinstance(scores, Doubled)
    assert reasons(test_scores=scores) == ["the same test is given twice: 'SAT'"]


@given(st.integers(400, 1600), st.decimals(0, 9, places=1))
def test_scores_within_their_range_are_kept(sat, ielts):
    assert kept(test_scores={"SAT": sat, "IELTS": ielts}) == {"SAT": sat, "IELTS": ielts}


# Properties

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(AMINA)), JSON))
def test_no_value_raises(values):
    assert check(amina(**values), LIMITS)


@given(st.sampled_from(sorted(AMINA)), st.text("☂☃", min_size=30))
def test_a_reason_never_repeats_the_value(field, value):
    assert not {"☂", "☃"} & set("".join(reasons(**{field: value})))


# Fingerprint


def test_the_fingerprint_is_of_strings_that_ej1_can_spell():
    assert fingerprint_source(DRAFT) == {
        **AMINA,
        "gpa": "3.8",
        "test_scores": [["IELTS", "6.5"], ["SAT", "1450"]],
        "timestamp": "2025-11-04T12:16:22+00:00",
    }
    assert encode(fingerprint_source(DRAFT))


def test_the_same_row_has_the_same_fingerprint_however_its_numbers_are_written():
    other = replace(DRAFT, gpa=Decimal("3.8"), test_scores={"IELTS": Decimal("6.50"), "SAT": Decimal(1450)})
    assert fingerprint_source(other) == fingerprint_source(DRAFT)


@pytest.mark.parametrize("field", sorted(AMINA))
def test_another_value_has_another_fingerprint(field):
    others = {"gpa": Decimal(1), "test_scores": {"SAT": 1451}, "timestamp": None}
    changed = replace(DRAFT, **{field: others.get(field, "x")})
    assert fingerprint_source(changed) != fingerprint_source(DRAFT)
