"""The limits that no other tool holds: lock files, sizes, names, and lists that must name every module."""

import ast
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ["requirements.txt", "requirements-dev.txt"]
CODE = ["enigma", "audit", "accounts", "admissions", "batches", "benchmarks", "tests"]
NO_NAMES = {"utils", "helpers", "common", "services", "manager"}


def sources(*folders: str) -> dict[str, str]:
    """Return path and text of the modules below ``folders``; Django writes the migrations itself."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


def functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def percentile_95(values: list[int]) -> int:
    return sorted(values)[int(len(values) * 0.95)]


def requirements(name: str) -> list[str]:
    """Return the requirements of a lock file, each with its continuation lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_address(name):
    addresses = re.compile(r"://|--index-url|--extra-index-url|--find-links|--trusted-host|(?<!\S)file:|@ ")
    assert [line for line in (ROOT / name).read_text().splitlines() if addresses.search(line)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_and_hashed(name):
    whole = re.compile(
        r"[a-z0-9._-]+(\[[a-z,]+\])?==[^ ;]+( ;[^-]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", re.IGNORECASE
    )
    found = requirements(name)
    assert found
    assert [line[:60] for line in found if not whole.fullmatch(line)] == []


def test_the_development_lock_holds_the_runtime_lock():
    runtime, development = (set(requirements(name)) for name in LOCKS)
    assert sorted(line.split()[0] for line in runtime - development) == []


def test_every_dependency_is_locked():
    wanted = PYPROJECT["project"]["dependencies"] + PYPROJECT["dependency-groups"]["dev"]
    locked = {re.split(r"[\[=]", line)[0] for line in requirements("requirements-dev.txt")}
    assert {re.split(r"[\[~=<>]", name)[0] for name in wanted} - locked == set()


def test_every_dependency_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text().split("[tool.ruff]")[0]
    dependencies = re.findall(r'^    "[a-z].*$', text, flags=re.MULTILINE)
    assert [line for line in dependencies if not re.search(r'",\s+# \w.{7,}', line)] == []


def test_no_file_is_longer_than_400_lines():
    sizes = {path: len(text.splitlines()) for path, text in sources(*CODE).items()}
    assert {path: size for path, size in sizes.items() if size > 400} == {}


def test_one_file_in_twenty_may_be_longer_than_250_lines():
    ours = sources(*CODE).items() - sources("tests").items()
    assert percentile_95([len(text.splitlines()) for _, text in ours]) <= 250


def test_no_function_is_longer_than_50_lines():
    sizes = {
        f"{path}:{function.lineno} {function.name}": lines(function)
        for path, text in sources(*CODE).items()
        for function in functions(text)
    }
    assert {name: size for name, size in sizes.items() if size > 50} == {}
    assert percentile_95(list(sizes.values())) <= 30


def test_every_module_opens_by_saying_what_it_is_for():
    opening = {path: ast.get_docstring(ast.parse(text)) for path, text in sources(*CODE).items() if text.strip()}
    assert [path for path, docstring in opening.items() if not docstring] == []


def test_the_opening_of_a_module_has_at_most_three_lines():
    opening = {path: ast.get_docstring(ast.parse(text)) or "" for path, text in sources(*CODE).items()}
    said = {path: sum(bool(line.strip()) for line in text.splitlines()) for path, text in opening.items()}
    assert {path: count for path, count in said.items() if count > 3} == {}


def test_no_module_has_a_name_that_says_nothing():
    parts = {path: set(Path(path).with_suffix("").parts) for path in sources(*CODE)}
    assert [path for path, names in parts.items() if names & NO_NAMES] == []


def layers() -> list[set[str]]:
    contract = PYPROJECT["tool"]["importlinter"]["contracts"][0]
    return [{name.strip(" ()") for name in layer.split(":")} for layer in contract["layers"]]


def test_every_leaf_stands_in_the_import_contract():
    modules = {path.removesuffix(".py").replace("/", ".") for path in sources("enigma")}
    named = {module for module in modules if module.count(".") == 1 and module != "enigma.__init__"}
    assert named - layers()[0] - layers()[-1] == set()


def test_the_floors_are_those_of_the_plan():
    floors = [min(layer) for layer in layers()[1:-1]]
    assert list(pairwise(floors)) == [
        ("batches", "admissions"),
        ("admissions", "accounts"),
        ("accounts", "audit"),
    ]


def test_calculations_are_typed_strictly_and_import_no_django():
    strict = {name.removesuffix(".*") for name in PYPROJECT["tool"]["mypy"]["overrides"][0]["module"]}
    no_django = set(PYPROJECT["tool"]["importlinter"]["contracts"][1]["source_modules"])
    assert no_django - strict == set()
    assert strict - no_django == {"enigma.env"}  # django-environ is Django's neighbour


def test_every_module_in_a_list_of_calculations_exists():
    strict = [name.removesuffix(".*").replace(".", "/") for name in PYPROJECT["tool"]["mypy"]["overrides"][0]["module"]]
    assert [name for name in strict if not ((ROOT / f"{name}.py").is_file() or (ROOT / name).is_dir())] == []
