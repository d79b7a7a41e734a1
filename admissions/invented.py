"""Invented applicants for demonstrations and measurements: many names, believable merit, themselves in their essays."""

import random
from collections.abc import Iterator
from typing import Any

GIVEN = (  # noqa: SIM905  a list of sixty quoted words would be three times as long
    "Aaliyah Adaeze Akio Alejandra Amrita Anh Ayesha Bao Beatriz Bilal Chidi Chloé Daniyal Elif Emeka Esra Fatima "
    "Gabriel Hamza Hana Hiba Ingrid Isaac Jana Jorge Kaito Karim Kateryna Khadija Lars Leila Lucía Magda Mariam Mateo "
    "Mehmet Mina Nadia Ngozi Nikolai Noor Olena Omar Parisa Priya Rafael Rahel Rohan Saad Salma Sanna Sofia Tariq "
    "Thabo Tomás Umar Valentina Wei Yara Yusuf Zainab Zoë"
).split()
FAMILY = (  # noqa: SIM905  the dotless i is Turkish
    "Abbasi Acheampong Ahmadi Almeida Anwar Bakker Barzani Bianchi Chaudhry Chukwu Dąbrowska Demir Desai Diallo Eze "
    "Farooqi García Ghosh Haddad Hakimi Hernández Ibrahim Ivanova Jansen Kamau Kaya Khalid Kim Kovács Lindqvist Malik "
    "Mensah Mirza Moreau Nakamura Ndlovu Nguyen Novák Nwosu Okafor Öztürk Petrov Qureshi Rahman Rossi Saleh Sato "
    "Shevchenko Siddiqui Singh Sørensen Tanaka Torres Usman Vargas Weber Yılmaz Zaman"  # noqa: RUF001  the dotless i is Turkish
).split()
TOWNS = ("Multan", "Kano", "Izmir", "Puebla", "Lviv", "Pune", "Rouen", "Busan", "Tampere", "Porto", "Amman", "Accra")
STREETS = ("Canal Road", "Mill Lane", "Station Street", "Garden Avenue", "Harbour Road", "Hill Street")
DEEDS = (
    "I built a water sensor that {few} households use.",
    "I tutored {few} children in mathematics every Saturday since 20{year}.",
    "Our team came {place} of {few} in the national olympiad of 20{year}.",
    "I wrote {many} lines of Python for a timetable that my school runs.",
    "I ran the 10,000 m in 4{digit}:30 and raised {many} rupees for the library.",
    "I translated {few} pages of a physics book into my mother's language.",
)
REASONS = (
    "I want to study because I would rather measure a thing than argue about it.",
    "What I like about mathematics is that nobody can overrule a proof.",
    "A machine that helps one village should be able to help the next; I want to learn how.",
    "I have taught others long enough to know how much I still have to learn.",
)
ACHIEVEMENTS = (
    "Captain of the debating society, 20{year}.",
    "Led the robotics club of {few} members.",
    "Editor of the school paper, {few} issues.",
    "Second place in the district science fair, 20{year} (score {few}/100).",
    "Volunteered {many} hours in the municipal hospital.",
)


def invented(count: int, *, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield that many applications as rows of an intake file; the same seed, the same people."""
    dice = random.Random(seed)  # noqa: S311  invented people need no cryptography
    for number in range(1, count + 1):
        yield _applicant(dice, number)


def _applicant(dice: random.Random, number: int) -> dict[str, Any]:
    given, family, town = dice.choice(GIVEN), dice.choice(FAMILY), dice.choice(TOWNS)
    email = f"applicant{number}@example.org"
    talent = dice.gauss(0.62, 0.16)
    return {
        "name": f"{given} {family}",
        "email": email,
        "phone": f"+92 300 {dice.randrange(10**7):07d}",
        "address": f"{dice.randint(1, 400)} {dice.choice(STREETS)}, {town}",
        "gpa": round(_within(talent + dice.gauss(0, 0.08)) * 4, 2),
        "test_scores": _tests(dice, talent),
        "essay": _essay(dice, f"{given} {family}", given, email),
        "achievements": "\n".join(_filled(dice, line) for line in dice.sample(ACHIEVEMENTS, 3)),
        "external_id": f"DEMO-{number:07d}",
    }


def _tests(dice: random.Random, talent: float) -> dict[str, int]:
    sat = 400 + 10 * round(_within(talent + dice.gauss(0, 0.1)) * 120)
    act = 1 + round(_within(talent + dice.gauss(0, 0.1)) * 35)
    return dice.choice(({"SAT": sat}, {"ACT": act}, {"SAT": sat, "ACT": act}))


def _essay(dice: random.Random, name: str, given: str, email: str) -> str:
    deeds = " ".join(_filled(dice, line) for line in dice.sample(DEEDS, 4))
    ending = f"«Well done, {given}», my teacher said. Write to me: {email}"
    return f"My name is {name}. {dice.choice(REASONS)}\n\n{deeds}\n\n{ending}"


def _filled(dice: random.Random, line: str) -> str:
    place = dice.choice(("1st", "2nd", "3rd", "12th"))
    year, digit = dice.randint(19, 25), dice.randint(0, 9)
    return line.format(few=dice.randint(3, 99), many=dice.randint(100, 5000), year=year, place=place, digit=digit)


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
