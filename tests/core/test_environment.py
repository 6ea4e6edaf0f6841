"""Folders follow the environment."""

from pathlib import Path

from rugged.core.environment import available_cores, cache_directory, chosen_textures, hardware, versions


def test_the_cache_follows_its_variable_then_the_platform(monkeypatch, tmp_path):
    monkeypatch.setenv("RUGGED_CACHE", str(tmp_path))
    assert cache_directory() == tmp_path
    monkeypatch.setenv("RUGGED_CACHE", "~/there")
    assert cache_directory() == Path.home() / "there"
    monkeypatch.delenv("RUGGED_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "rugged"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_directory() == Path.home() / "Library" / "Caches" / "rugged"


def test_textures_are_named_or_none(monkeypatch, tmp_path):
    assert chosen_textures() is None
    monkeypatch.setenv("RUGGED_TEXTURES", "")
    assert chosen_textures() is None
    monkeypatch.setenv("RUGGED_TEXTURES", str(tmp_path))
    assert chosen_textures() == str(tmp_path)


def test_facts_behind_a_result():
    assert {"python", "rugged", "torch", "numpy"} <= versions().keys()
    assert "not installed" not in versions().values()
    assert 1 <= available_cores() == hardware()["cores"]
    assert hardware()["memory_bytes"] > 2**28
