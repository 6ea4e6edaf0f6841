"""Facts about the repository that no other test sees: the lock, the layers, what ships, what must not be written."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version
from setuptools.command.egg_info import FileList

import rugged

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "rugged"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# What reads results must work without torch (CONTRIBUTING, "The house").
WITHOUT_TORCH = {"core", "metrics", "results", "analyze", "report"}


def tracked_files() -> list[str]:
    """What git tracks or would, but for what was deleted; nothing outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def tracked_texts() -> dict[Path, str]:
    """Every text file that git tracks or would; outside a checkout, every one in the project's own folders."""
    tracked = tracked_files()
    if tracked:
        paths = [ROOT / name for name in tracked]
    else:
        folders = ("src", "tests", "docs", "benchmarks", ".ci")
        own = [path for suffix in ("md", "toml", "lock", "yml", "cff") for path in ROOT.glob(f"*.{suffix}")]
        paths = [*own, ROOT / "Makefile", *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    texts = {}
    for path in paths:
        try:
            texts[path] = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return texts


def locked() -> dict[str, tuple[Version, int, str]]:
    """Name -> (version, number of hashes, marker) of every pin in the lock."""
    pins = {}
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=\S)", text):
        head = re.match(r"([a-z0-9._-]+)(?:\[[^]]*])?==([^\s;\\]+)\s*(?:;\s*([^\\\n]+))?", block)
        assert head, f"not a pin: {block[:80]!r}"
        pins[head[1]] = (Version(head[2]), len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", block)), head[3] or "")
    return pins


def declared() -> list[Requirement]:
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for names in extras.values() for line in names)]
    return [Requirement(line) for line in lines]


def test_every_pin_has_a_hash():
    pins = locked()
    assert len(pins) > 50
    assert [name for name, (_, hashes, _) in pins.items() if hashes == 0] == []


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_lock_holds_what_pyproject_asks_for(requirement):
    version, _, _ = locked()[requirement.name]
    assert version in requirement.specifier


def test_lock_holds_the_build_backend():
    """The package installs from the lock alone, without an isolated build environment."""
    (backend,) = (Requirement(line) for line in PYPROJECT["build-system"]["requires"])
    version, _, _ = locked()[backend.name]
    assert version in backend.specifier


@pytest.mark.skipif(Path(sys.prefix).resolve() != ROOT / ".venv", reason="not the environment that make sets up")
def test_environment_is_the_locked_one():
    differing = {}
    for name, (version, _, marker) in locked().items():
        if marker and not Marker(marker).evaluate():
            continue
        installed = metadata.version(name)
        if Version(installed).public != version.public:
            differing[name] = (installed, str(version))
    assert differing == {}, "run `make setup`"


def test_no_machine_path_and_no_registry_host_is_written_down():
    """Texts are written for everybody: no home directories, no index addresses."""
    home = re.compile(r"(?<![\w.])/(?:home|Users|root|work|mnt|opt)/[a-z]\w*/")
    host = re.compile("|".join(("pypi" + r"\.org", "python" + r"hosted\.org", "--(?:extra-)?index" + "-url[ =]http")))
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path, text in tracked_texts().items()
        for pattern in (home, host)
        for match in pattern.finditer(text)
    ]
    assert found == []


def layers() -> set[str]:
    (contract,) = (one for one in PYPROJECT["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    assert contract["exhaustive"] is True
    return set(re.findall(r"\w+", " ".join(contract["layers"])))


def children() -> set[str]:
    """The packages and modules right under rugged."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    return packages | {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}


def test_every_package_is_a_layer():
    assert children() <= layers()


def test_layers_in_parentheses_are_those_not_built_yet():
    """A layer's parentheses let the linter pass without it; once it stands they must go."""
    (contract,) = (one for one in PYPROJECT["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    optional = set(re.findall(r"\((\w+)\)", " ".join(contract["layers"])))
    assert optional & children() == set()
    assert layers() - optional <= children()


def test_readers_of_results_are_kept_from_torch():
    (contract,) = (one for one in PYPROJECT["tool"]["importlinter"]["contracts"] if "torch" in one["name"])
    assert "torch" in contract["forbidden_modules"]
    assert set(contract["source_modules"]) == {f"rugged.{name}" for name in WITHOUT_TORCH & children()}


def test_commands_reach_only_core_before_they_run():
    """What is heavy is imported inside the command, so that every command's help answers at once."""
    names = printed_after("import rugged.cli", "*[name for name in sys.modules if name.partition('.')[0] == 'rugged']")
    assert {name.split(".")[1] for name in names if "." in name} <= {"cli", "core"}


@pytest.mark.parametrize(
    "statement", ["import rugged", "import rugged.metrics, rugged.results, rugged.report", "import rugged.cli"]
)
def test_importing_stays_light(statement):
    assert heavy_modules_after(statement) == []


def test_help_needs_neither_torch_nor_numpy():
    program = "import runpy; sys.argv = ['rugged', '--help']\ntry: runpy.run_module('rugged', run_name='__main__')\n"
    assert heavy_modules_after(program + "except SystemExit as end: assert not end.code\n", also=("numpy",)) == []


def heavy_modules_after(program: str, also: tuple[str, ...] = ()) -> list[str]:
    heavy = ("torch", "torchvision", "timm", "lightning_fabric", *also)
    return printed_after(program, f"*[name for name in {heavy!r} if name in sys.modules]")


def printed_after(program: str, names: str) -> list[str]:
    """Run a program in a fresh interpreter and return the words that ``names`` prints at its end."""
    whole = f"import sys\n{program}\nprint('END', {names})"
    run = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()[-1].split()[1:]


def test_installed_command_is_the_module():
    (script,) = (point for point in metadata.entry_points(group="console_scripts") if point.name == "rugged")
    assert script.value == "rugged.__main__:main"


def test_package_data_ships(tmp_path):
    """A built wheel holds the typing marker and every recipe, baseline, template, style and script."""
    copy = tmp_path / "project"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    shutil.copytree(PACKAGE, copy / "src" / "rugged", ignore=shutil.ignore_patterns("__pycache__"))
    program = "from setuptools import build_meta; print(build_meta.build_wheel('dist'))"
    run = subprocess.run([sys.executable, "-c", program], cwd=copy, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    (wheel,) = (copy / "dist").glob("*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    data = {path for suffix in ("toml", "json", "j2", "css", "js") for path in PACKAGE.rglob(f"*.{suffix}")}
    expected = {path.relative_to(ROOT / "src").as_posix() for path in {PACKAGE / "py.typed", *data}}
    assert expected <= shipped


def test_a_source_distribution_holds_the_repository(monkeypatch):
    """So that whoever packages it can run the tests. The package itself is in it by setuptools' own rules."""
    tracked = {name for name in tracked_files() if not name.startswith("src/")}
    if not tracked:
        pytest.skip("no checkout: nothing says what belongs to it")
    monkeypatch.chdir(ROOT)
    chosen = FileList()
    for line in Path("MANIFEST.in").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            chosen.process_template_line(line)
    by_itself = {"LICENSE", "MANIFEST.in", "pyproject.toml"}
    assert {*map(Path, chosen.files)} == {*map(Path, tracked - by_itself)}


def test_version_is_written_once_for_each_reader():
    version = PYPROJECT["project"]["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {version}\n" in citation
    assert metadata.version("rugged") == rugged.__version__ == version
