"""Archives that are damaged, encrypted or made to harm."""

import stat
import zipfile

import pytest

from rugged.core.errors import DataError
from rugged.data import open_dataset, pack_source
from rugged.data.sources import zips


@pytest.fixture
def archive(tmp_path, noise, encode):
    """Write an archive of two classes, and whatever else is given as ``{name: bytes}``."""

    def archive(extra=None, prefix="", compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / "pets.zip"
        with zipfile.ZipFile(path, "w", compression) as made:
            for index in range(8):
                made.writestr(f"{prefix}{'ab'[index % 2]}/{index}.png", encode(noise(index)))
            for name, data in (extra or {}).items():
                made.writestr(name, data)
        return path

    return archive


@pytest.mark.parametrize("prefix", ["", "pets/", "outer/inner/"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_an_archive_is_read_where_it_lies(prefix, compression, archive, tmp_path):
    path = archive({"__MACOSX/a/._0.png": b"junk", "README.txt": b"hello"}, prefix, compression)
    with zipfile.ZipFile(path) as made:
        made.extractall(tmp_path / "extracted")
    from_archive, from_folder = open_dataset(path), open_dataset(tmp_path / "extracted")
    assert from_archive.content_hash == from_folder.content_hash
    assert len(from_archive.train) + len(from_archive.val) == 8
    assert from_archive.name == "pets"


@pytest.mark.parametrize(
    "name", ["../outside.png", "a/../../outside.png", "/etc/outside.png", "C:/outside.png", "a\\..\\..\\outside.png"]
)
def test_paths_that_lead_out_are_refused(name, archive):
    with pytest.raises(DataError, match="leads out of the archive"):
        open_dataset(archive({name: b"x"}))


def test_links_are_refused(archive):
    link = zipfile.ZipInfo("a/link.png")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match=r"a link: 'a/link\.png'"):
        open_dataset(archive({link: b"/etc/passwd"}))


def test_encrypted_archives_are_refused(archive):
    path = archive()
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="encrypted"):
        open_dataset(path)


def test_bombs_are_refused_unread(archive, monkeypatch):
    monkeypatch.setattr(zips, "_HARMLESS_TOTAL", 2**20)
    with pytest.raises(DataError, match="decompression bomb"):
        open_dataset(archive({"a/bomb.bmp": b"BM" + bytes(2**21)}))


def test_a_file_too_large_for_a_picture_is_not_read(archive, monkeypatch):
    monkeypatch.setattr(zips, "FILE_LIMIT", 5_000)
    with pytest.raises(DataError, match="1 file too large"):
        open_dataset(archive({"a/large.png": bytes(5_001)}))


def test_one_path_twice_is_refused(archive):
    path = archive()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as made:
        made.writestr("a/0.png", b"another")
    with pytest.raises(DataError, match=r"'a/0\.png' twice"):
        open_dataset(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_damaged_entry_is_one_bad_picture(compression, archive):
    path = archive(compression=compression)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x03\x04", 4) - 40] ^= 0xFF  # Near the end of the first picture.
    path.write_bytes(data)
    with pytest.raises(DataError, match="1 damaged in the archive"):
        open_dataset(path)
    dataset = pack_source(path, bad_images="skip")
    assert len(dataset.train) + len(dataset.val) == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[: len(data) // 2], "damaged or incomplete"),
        (lambda data: b"<html>Not found</html>", "no zip archive"),
        (lambda data: b"", "no zip archive"),
    ],
)
def test_other_files_are_explained(change, message, archive):
    path = archive()
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=message):
        open_dataset(path)


@pytest.mark.parametrize("name", ["photo 0.png", "no-ending"])
def test_one_picture_is_told_what_takes_one(name, tmp_path, noise):
    noise(0).save(tmp_path / name, "PNG")
    with pytest.raises(DataError, match=rf"is one picture; expected .* rugged corrupt .*{name}'? OUT\.png --preview"):
        open_dataset(tmp_path / name)
