"""The applicant's own name in all its forms, and the words that only look like it."""

import pytest

from admissions.scrubbing import Identity, scrub


def scrubbed(name: str, text: str) -> str:
    """Return `text` without the person called `name`."""
    return scrub(text, Identity(name=name)).text


@pytest.mark.parametrize(
    "written",
    [
        "Samina Okonkwo", "Okonkwo, Samina", "OKONKWO, Samina", "SAMINA OKONKWO", "samina okonkwo",
        "Samina", "Okonkwo",
        "S. Okonkwo", "S. K. Okonkwo", "S.K. Okonkwo", "S Okonkwo", "Samina O.", "Sämina Okonkwo",
        "Sa\u00admina",
        "SaminaOkonkwo", "saminaokonkwo_7", "sokonkwo", "samina99", "saminacodes", "Okonkwos",
        "Samina\nOkonkwo",
    ],
)  # fmt: skip
def test_the_own_name_goes_in_every_form(written):
    assert scrubbed("Samina Okonkwo", f"They know {written} well.") == "They know [NAME] well."


@pytest.mark.parametrize("mark", ["'s", "’s"])
def test_a_possessive_keeps_its_ending(mark):
    assert scrubbed("Samina Okonkwo", f"It was Samina{mark} idea.") == f"It was [NAME]{mark} idea."


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Łucja Żółtowska", "Lucja Zoltowska"),
        ("Søren Ægidius", "Soren Aegidius"),
        ("Jose Nunez", "José Nu\u0301n\u0303ez"),
        ("Anne-Lise O'Dowd", "Annelise O’Dowd"),
        ("Anne-Lise O'Dowd", "ANNE LISE ODOWD"),
        ("Seo-yun Baek", "Seo-yun"),
        ("Seo-yun Baek", "Seoyun"),
        ("Yusuf bin Tariq Al-Amri", "Y. Al-Amri"),
        ("Yusuf bin Tariq Al-Amri", "Yusuf bin Tariq"),
        ("Beatriz de Souza", "Souza, Beatriz de"),
        ("Kwame Mensah Jr.", "Mensah"),
        ("Lindelwa Dube", "Lindel"),
        ("Yusuf bin Tariq Al-Amri", "yusufbintariqalamri"),
        ("Phan Quang An", "An"),
        ("Élodie Le", "LE"),
        ("Xu Rui", "Hsu Rui"),
        ("Noor Chaudhry", "Noor Chaudhary"),
        ("Halyna Shevchuk", "Галина Шевчук"),
        ("Галина Шевчук", "Галина"),
        ("王小明", "王小明"),
        ("김서윤", "김서윤"),
    ],
)
def test_other_spellings_of_the_name_go(name, written):
    assert scrubbed(name, f"They call on {written}!").replace("[NAME] de", "[NAME]") == "They call on [NAME]!"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("You Song", "I love you and a good song. You can sing too. Song after song."),
        ("Rose Page", "The rose on this page rose. Page after page. Rose petals fell."),
        ("Will May", "I will. Will I go? We may. In May 2022 and on 5 May we met; by May it was done."),
        ("Hope Grace Joy", "We hope. Hope is a thing with feathers. With grace and joy."),
        ("An Do", "An apple. Do not say so. I DO NOT CARE AN INCH."),
        ("Anna Strand", "Annals, Annandale, stranded, strands; hannah."),
        ("Carol Reader", "A reader of carols, readership."),
    ],
)
def test_words_of_the_language_stay(name, text):
    assert scrubbed(name, text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("I am Hope.", "I am [NAME]."),
        ("Thank you.\nHope", "Thank you.\n[NAME]"),
        ("Hope's Law", "[NAME]'s Law"),
        ("Hope Adeyemi wrote.", "[NAME] wrote."),
        ("They called HOPE to the stage.", "They called [NAME] to the stage."),
        ("My teacher said, Hope, well done.", "My teacher said, [NAME], well done."),
        ("hope adeyemi", "[NAME]"),
    ],
)
def test_a_name_that_is_a_word_goes_where_it_is_written_as_a_name(text, left):
    assert scrubbed("Hope Adeyemi", text) == left


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Oluwadamilola Ige", "Dami"),
        ("Temiloluwa Ige", "Temi"),
        ("Priyanka Rao", "Priyu"),
        ("Alejandro Ruiz", "Alejo"),
    ],
)
def test_a_short_form_goes_everywhere_once_it_is_introduced(name, short):
    text = f"At home I am {short}. Nobody but {short} could."
    assert scrubbed(name, text) == "At home I am [NAME]. Nobody but [NAME] could."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My name is Ewa Maria Lis and I sing.", "My name is [NAME] and I sing."),
        ("Everyone calls me Kuba. Kuba runs.", "Everyone calls me [NAME]. [NAME] runs."),
        ("In my script I sign as 李小龙.", "In my script I sign as [NAME]."),
        ('They nicknamed me "Ziggy".', 'They nicknamed me "[NAME]".'),
    ],
)
def test_an_introduced_name_goes_without_an_identity(text, left):
    assert scrub(text, None).text == left


@pytest.mark.parametrize(
    "text",
    [
        "They call me Coach.",
        "My name is not important.",
        "Call me if you can.",
        "At home I am Nigerian, at school British.",
        "I am Muslim, and this is America.",
    ],
)
def test_a_role_a_people_and_a_faith_are_no_names(text):
    assert scrubbed("Amerigo Muslihi", text) == text
