"""E-mail and web addresses, user names, postal address, papers and dates of birth."""

import pytest

from admissions.scrubbing import Identity, scrub

OMAR = Identity(
    name="Omar Haddad",
    email="omh.2006@example.net",
    phone="+962 79 555 0199",
    address="Flat 4, 31 Jasmine Street, Leeds LS2 9JT, United Kingdom",
)


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com", "ada.b+c@mail.example.co.uk", "ADA@EXAMPLE.COM", "ærø@exämple.org",
        "ada (at) example (dot) com",
        "ada [at] example [dot] org", "ada at gmail dot com", "ada.b @ gmail.com", "o'neil@example.ie",
    ],
)  # fmt: skip
def test_an_email_goes(address):
    assert scrub(f"Write to {address}, please.", None).text == "Write to [EMAIL], please."


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a?b=c#d", "http://localhost:8000", "www.example.pk", "github.com/ada-l",
        "my-site.dev",
        "linkedin.com/in/ada", "t.me/ada", "EXAMPLE.COM", "blog.example.co.uk/2021/05",
    ],
)  # fmt: skip
def test_a_web_address_goes(url):
    assert scrub(f"See {url}.", None).text == "See [URL]."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("I post as @ada.draws!", "I post as [HANDLE]!"),
        ("Instagram: ada_l7", "Instagram: [HANDLE]"),
        ("My GitHub username is octo-77.", "My GitHub username is [HANDLE]."),
        ("discord is ada#1234", "discord is [HANDLE]"),
    ],
)
def test_a_handle_goes(text, left):
    assert scrub(text, None).text == left


@pytest.mark.parametrize(
    "text",
    [
        "I learned Node.js, ASP.NET, Socket.io and Python 3.11.",
        "I won.In June we met.He left.It was late.",
        "Rated 2100 on chess.com; a Ph.D. in the U.S., i.e. e.g. a.m. and/or 1/2.",
        "Meet @ 5 pm, 3 apples @ $2, 5@2.",
        "My Instagram is popular and GitHub was down.",
        "I have a B.Tech. and an M.Sc.Now I teach.",
    ],
)
def test_what_only_looks_like_an_address_stays(text):
    assert scrub(text, None).text == text


@pytest.mark.parametrize("written", ["omh.2006", "OMH.2006", "omh.2006x"])
def test_the_own_email_name_goes_alone(written):
    assert scrub(f"Find me as {written} there.", OMAR).text == "Find me as [HANDLE] there."


@pytest.mark.parametrize(
    "written",
    [
        "Flat 4, 31 Jasmine Street, Leeds LS2 9JT, United Kingdom", "31 Jasmine Street",
        "31 jasmine st.,  Leeds",
        "31, Jasmine Street", "Jasmine Street", "LS2 9JT", "ls2-9jt", "Leeds", "Apt 4, 31 Jásmine St",
    ],
)  # fmt: skip
def test_the_own_address_goes_whole_and_in_parts(written):
    assert scrub(f"Home is in {written} still", OMAR).text == "Home is in [ADDRESS] still"


@pytest.mark.parametrize("text", ["31 of us, 4 flat tyres.", "A street of jasmine.", "We united; a kingdom fell."])
def test_the_words_of_an_address_stay_when_they_lead_nowhere(text):
    assert scrub(text, OMAR).text == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Born on 7 May 2006.", "Born on [DOB]."),
        ("My date of birth: 2006-05-07.", "My date of birth: [DOB]."),
        ("My birthday is May 7th, 2006.", "My birthday is [DOB]."),
        ("passport no. AB1234567", "passport no. [ID]"),
        ("My CNIC is 35202-1234567-1.", "My CNIC is [ID]."),
        ("SSN 123-45-6789", "SSN [ID]"),
        ("card 4111 1111 1111 1111 expired", "card [ID] expired"),
        ("my roll number: 2023-CS-00417", "my roll number: [ID]"),
    ],
)
def test_papers_and_birthdays_go(text, left):
    assert scrub(text, None).text == left


@pytest.mark.parametrize(
    "text",
    [
        "Born in 2006, I moved in 2010.",
        "Roll number 1450 of 2000.",
        "My student id: see 2021-2022.",
        "id 4 of 12",
    ],
)
def test_years_and_ranks_are_no_papers(text):
    assert scrub(text, None).text == text


def test_an_address_ends_with_its_sentence():
    text = "I live in Jasmine Street. Leeds is far."
    assert scrub(text, OMAR).text == "I live in [ADDRESS]. [ADDRESS] is far."
