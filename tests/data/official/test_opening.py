"""Archives are read right whatever their form, what is missing is named, and nothing leads out of them."""

import io
import json
import struct
import tarfile

import numpy as np
import pytest
from PIL import Image
from tests.data.official.archives import CELLS, CLASSES, make_tree, write_folder, write_tar

from rugged.core.errors import DataError
from rugged.data.official import open_archive


@pytest.fixture
def tree():
    return make_tree()


def ways(tmp_path, tree):
    """The same pictures in every form that people have them in."""
    noise = {path: data for path, data in tree.items() if path.startswith("gaussian")}
    rest = {path: data for path, data in tree.items() if path not in noise}
    write_tar(tmp_path / "tars" / "noise.tar", noise)
    write_tar(tmp_path / "tars" / "weather.tar", rest)
    write_folder(tmp_path / "sorted" / "noise", noise)
    write_folder(tmp_path / "sorted" / "weather", rest)
    return [
        write_folder(tmp_path / "plain", tree),
        write_folder(tmp_path / "wrapped" / "Tiny-ImageNet-C", tree).parent,
        write_tar(tmp_path / "one.tar", tree),
        write_tar(tmp_path / "top.tar", tree, "Tiny-ImageNet-C/"),
        write_tar(tmp_path / "dotted.tar", tree, "./"),
        tmp_path / "tars",
        tmp_path / "sorted",
    ]


def by_hand(tree, cell):
    paths = sorted(path for path in tree if path.startswith(f"{cell[0]}/{cell[1]}/"))
    return np.stack([np.asarray(Image.open(io.BytesIO(tree[path])).convert("RGB")) for path in paths])


def test_every_form_gives_the_pictures_that_pillow_gives(tmp_path, tree):
    prints = []
    for where in ways(tmp_path, tree):
        archive = open_archive(where, CLASSES, CELLS)
        contents = archive.contents
        assert contents.ids == tuple(f"{wnid}/ILSVRC2012_val_{n:08}" for wnid in CLASSES for n in range(3))
        assert contents.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert (contents.size, contents.stored, contents.manifest) == ((16, 24), "jpeg85", None)
        for cell in CELLS:
            np.testing.assert_array_equal(archive.read(cell, np.arange(6)), by_hand(tree, cell))
        np.testing.assert_array_equal(archive.read(CELLS[2], np.array([4, 1])), by_hand(tree, CELLS[2])[[4, 1]])
        prints.append([archive.fingerprint(cell) for cell in CELLS])
    assert all(each == prints[0] for each in prints)
    assert len(set(prints[0])) == len(CELLS)


@pytest.mark.parametrize(
    ("options", "stored"),
    [
        ({"format": "JPEG", "quality": 85, "optimize": True}, "jpeg85"),
        ({"format": "JPEG", "quality": 90}, "jpeg"),
        ({"format": "PNG"}, "no"),
        ({"format": "WEBP"}, "webp"),
    ],
)
def test_how_pictures_were_stored_is_seen_in_them(tmp_path, options, stored):
    stream = io.BytesIO()
    Image.effect_noise((8, 8), 90).convert("RGB").save(stream, **options)
    where = write_folder(tmp_path / "c", {"fog/3/a/x.jpg": stream.getvalue()})
    assert open_archive(where, ("a",), [("fog", 3)]).contents.stored == stored


def test_classes_that_the_data_set_lacks_are_passed_over_and_counted(tmp_path, tree):
    """The official frost folder once held a thousand classes."""
    extra = {f"frost/{level}/n0000000{n}/a.JPEG": b"never read" for n in range(3) for level in (1, 2)}
    archive = open_archive(write_tar(tmp_path / "a.tar", tree | extra), CLASSES, CELLS)
    assert len(archive.contents.ids) == 6
    assert archive.contents.notes == (
        "Passed over: pictures of 3 classes that the data set does not have (under frost).",
    )
    np.testing.assert_array_equal(archive.read(("frost", 2), np.arange(6)), by_hand(tree, ("frost", 2)))
    with pytest.raises(DataError, match=r"None of the 2 classes .*n01443537"):
        open_archive(write_folder(tmp_path / "b", tree), ("cat", "dog"), CELLS)


def test_what_is_missing_is_named(tmp_path, tree):
    where = write_folder(tmp_path / "c", tree)
    with pytest.raises(DataError, match=r"lacks gaussian_noise 3, fog 1"):
        open_archive(where, CLASSES, [*CELLS, ("gaussian_noise", 3), ("fog", 1)])
    (where / "frost" / "2" / CLASSES[1] / "ILSVRC2012_val_00000001.JPEG").unlink()
    with pytest.raises(DataError, match=r"frost 2 .* lacks 1 \(n02123045/ILSVRC2012_val_00000001.JPEG\)"):
        open_archive(where, CLASSES, CELLS)
    open_archive(where, CLASSES, CELLS[:3])
    with pytest.raises(DataError, match="does not exist"):
        open_archive(tmp_path / "nowhere", CLASSES, CELLS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no corrupted pictures. Expected <corruption>"):
        open_archive(tmp_path / "empty", CLASSES, CELLS)


def test_a_cell_in_two_places_is_refused(tmp_path, tree):
    write_folder(tmp_path / "c" / "ImageNet-C", tree)
    write_tar(tmp_path / "c" / "noise.tar", tree)
    with pytest.raises(DataError, match="two places"):
        open_archive(tmp_path / "c", CLASSES, CELLS)
    twice = write_tar(tmp_path / "twice.tar", tree)
    with tarfile.open(twice, "a") as archive:
        archive.addfile(tarfile.TarInfo(f"frost/1/{CLASSES[0]}/ILSVRC2012_val_00000000.JPEG"), io.BytesIO())
    with pytest.raises(DataError, match="twice"):
        open_archive(twice, CLASSES, CELLS)


def test_hostile_members_are_never_followed(tmp_path, tree):
    """Absolute paths, paths upwards, links and devices: none is a picture, and no file outside is opened."""
    secret = tmp_path / "secret.JPEG"
    secret.write_bytes(next(iter(tree.values())))
    where = write_tar(tmp_path / "a.tar", tree)
    with tarfile.open(where, "a") as archive:
        for name, kind in (
            (str(secret), tarfile.REGTYPE),
            (f"../frost/1/{CLASSES[0]}/up.JPEG", tarfile.REGTYPE),
            (f"x/../frost/1/{CLASSES[0]}/across.JPEG", tarfile.REGTYPE),
            (f"frost/1/{CLASSES[0]}/._hidden.JPEG", tarfile.REGTYPE),
            (f"frost/1/{CLASSES[0]}/linked.JPEG", tarfile.SYMTYPE),
            (f"frost/1/{CLASSES[0]}/hard.JPEG", tarfile.LNKTYPE),
            (f"frost/1/{CLASSES[0]}/pipe.JPEG", tarfile.FIFOTYPE),
            (f"frost/1/{CLASSES[0]}/device.JPEG", tarfile.CHRTYPE),
        ):
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, str(secret)
            archive.addfile(header, io.BytesIO())
    opened = open_archive(where, CLASSES, CELLS)
    assert len(opened.contents.ids) == 6
    linked = {path: data for path, data in tree.items() if path != f"frost/1/{CLASSES[0]}/ILSVRC2012_val_00000000.JPEG"}
    where = write_tar(tmp_path / "b.tar", linked)
    with tarfile.open(where, "a") as archive:
        header = tarfile.TarInfo(f"frost/1/{CLASSES[0]}/ILSVRC2012_val_00000000.JPEG")
        header.type, header.linkname = tarfile.SYMTYPE, str(secret)
        archive.addfile(header)
    with pytest.raises(DataError, match=r"frost 1 .* lacks 1"):
        open_archive(where, CLASSES, CELLS)


def test_damaged_archives_are_named(tmp_path, tree):
    where = write_tar(tmp_path / "a.tar", tree)
    where.write_bytes(where.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"a.tar"):
        open_archive(where, CLASSES, CELLS)
    whole, first = write_tar(tmp_path / "d.tar", tree).read_bytes(), CELLS[-1:]
    with tarfile.open(tmp_path / "d.tar") as archive:
        between = archive.getmembers()[5].offset
    for damaged in (whole[:between], whole[: between + 99], whole[:between] + b"x" * 512 + whole[between + 512 :]):
        where.write_bytes(damaged)
        with pytest.raises(DataError, match="no end mark"):  # Five pictures of six, and nobody would have known.
            open_archive(where, CLASSES, first)
    names = tarfile.TarInfo("././@LongLink")
    names.type = tarfile.GNUTYPE_LONGNAME
    where.write_bytes(names.tobuf(tarfile.GNU_FORMAT) * 3000 + whole)
    with pytest.raises(DataError, match="recursion"):
        open_archive(where, CLASSES, CELLS)
    (tmp_path / "b.tar").write_bytes(b"not a tar " * 100)
    with pytest.raises(DataError, match="cannot be read as a tar archive"):
        open_archive(tmp_path / "b.tar", CLASSES, CELLS)
    with tarfile.open(tmp_path / "c.tar", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    with pytest.raises(DataError, match="not compressed"):
        open_archive(tmp_path / "c.tar", CLASSES, CELLS)


@pytest.mark.parametrize("packed", [True, False])
def test_a_picture_that_cannot_be_read_is_named(tmp_path, tree, packed):
    path = f"frost/2/{CLASSES[1]}/ILSVRC2012_val_00000002.JPEG"
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    small = io.BytesIO()
    Image.new("RGB", (10, 16)).save(small, "PNG")
    for data, message in (
        (tree[path][:-60], "truncated"),
        (b"nothing", "not a picture"),
        (bomb.getvalue(), "too many pixels"),
        (small.getvalue(), "10 × 16 pixels, others have 24 × 16"),
    ):
        files = tree | {path: data}
        name = f"{len(data)}"
        where = write_tar(tmp_path / f"{name}.tar", files) if packed else write_folder(tmp_path / name, files)
        archive = open_archive(where, CLASSES, CELLS)
        assert archive.read(("frost", 2), np.array([0])).shape == (1, 16, 24, 3)
        with pytest.raises(DataError, match=f"{path}.*{message}"):
            archive.read(("frost", 2), np.arange(6))


def array_files(rows=4, severities=5, corruptions=("fog", "contrast")):
    """CIFAR-10-C as published, with four pictures instead of ten thousand."""
    rng = np.random.default_rng(1)
    arrays = {name: rng.integers(0, 256, (rows * severities, 32, 32, 3), dtype=np.uint8) for name in corruptions}
    labels = np.tile(np.array([3, 0, 9, 3], np.uint8), severities)
    return arrays, labels


def save(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npy(shape, kind="|u1", values=0):
    """A file whose header says anything."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(values)


TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@pytest.mark.parametrize("form", ["folder", "wrapped", "tar"])
def test_arrays_are_read_where_they_lie(tmp_path, form):
    arrays, labels = array_files()
    files = {f"CIFAR-10-C/{name}.npy": save(array) for name, array in arrays.items()}
    files["CIFAR-10-C/labels.npy"] = save(labels)
    if form == "tar":
        where = write_tar(tmp_path / "CIFAR-10-C.tar", files)
    else:
        where = write_folder(tmp_path / "c", files) / ("CIFAR-10-C" if form == "folder" else "")
    archive = open_archive(where, TEN, [("fog", 1), ("contrast", 5)])
    contents = archive.contents
    assert contents.labels.tolist() == [3, 0, 9, 3]
    assert contents.ids == ("cat/00000", "airplane/00001", "truck/00002", "cat/00003")
    assert (contents.size, contents.stored, contents.layout) == ((32, 32), "no", "arrays")
    np.testing.assert_array_equal(archive.read(("fog", 1), np.arange(4)), arrays["fog"][:4])
    np.testing.assert_array_equal(archive.read(("contrast", 5), np.array([3, 1])), arrays["contrast"][[19, 17]])
    assert archive.fingerprint(("fog", 1)) != archive.fingerprint(("fog", 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fog.npy": None}, "lacks fog 1"),
        ({"labels.npy": None}, "labels.npy is not in"),
        ({"labels.npy": save(np.full(20, 10))}, "labels.npy .* does not fit"),
        ({"labels.npy": save(np.arange(20) % 7)}, "labels.npy .* does not fit"),
        ({"labels.npy": save(np.zeros(3, np.int64))}, "labels.npy .* does not fit"),
        ({"labels.npy": b"nothing"}, "labels.npy .* cannot be read"),
        ({"labels.npy": save(array_files()[1].astype(float))}, "labels.npy .* holds 20 of float64"),
        ({"labels.npy": save(array_files()[1])[:-1]}, "labels.npy .* does not fit"),
        ({"labels.npy": npy("(1000000000000,)", "<i8")}, "labels.npy .* holds 1,000,000,000,000 of int64"),
        ({"labels.npy": b"PK" + bytes(200)}, "labels.npy .* cannot be read"),
        ({"fog.npy": save(array_files()[0]["fog"])[:-1]}, "fog.npy .* whole"),
        ({"fog.npy": save(array_files()[0]["fog"].astype(np.float32))}, "holds float32"),
        ({"fog.npy": save(array_files()[0]["fog"][:15])}, "shape"),
        ({"fog.npy": save(array_files()[0]["fog"][..., 0])}, "expected uint8 of the shape"),
        ({"fog.npy": b"nothing"}, "fog.npy .* cannot be read"),
        ({"fog.npy": save(np.asfortranarray(array_files()[0]["fog"]))}, "in Fortran order"),
        ({"fog.npy": npy("(4294967296, 4294967296, 1, 3)")}, "expected uint8 of the shape"),
        ({"fog.npy": npy("(-5, -4, 32, 3)", values=1920)}, "expected uint8 of the shape"),
        ({"fog.npy": npy("(20, 0, 32, 3)")}, "expected uint8 of the shape"),
        ({"fog.npy": npy("((((")}, "fog.npy .* cannot be read"),
        ({"fog.npy": npy("(" * 20_000)}, r"cannot be read as a NumPy array\. Download"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, change, message):
    arrays, labels = array_files()
    files = {f"{name}.npy": save(array) for name, array in arrays.items()} | {"labels.npy": save(labels)} | change
    where = write_folder(tmp_path / "c", {name: data for name, data in files.items() if data is not None})
    with pytest.raises(DataError, match=message):
        open_archive(where, TEN, [("contrast", 1), ("fog", 1)])


def test_arrays_never_run_a_pickle(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    _, labels = array_files()
    files = {"fog.npy": stream.getvalue(), "labels.npy": save(labels)}
    with pytest.raises(DataError, match="holds object"):
        open_archive(write_folder(tmp_path / "c", files), TEN, [("fog", 1)])


def test_an_unfinished_folder_of_ours_is_refused(tmp_path, tree):
    manifest = {"kind": "corrupted pictures", "complete": False}
    where = write_folder(tmp_path / "c", tree | {"manifest.json": json.dumps(manifest).encode()})
    with pytest.raises(DataError, match="not complete"):
        open_archive(where, CLASSES, CELLS)


@pytest.mark.parametrize("change", [{"severities": None}, {"severities": []}, {"seed": "0"}, {"source": {"name": "x"}}])
def test_a_manifest_that_was_edited_is_refused(tmp_path, change):
    source = {"name": "x", "content_hash": "a" * 64}
    whole = {
        "kind": "corrupted pictures", "complete": True, "source": source, "severities": [1, 2, 3, 4, 5],
        "preset": "cifar32", "textures": "none", "seed": 0, "stream_version": 1, "notes": [],
    }  # fmt: skip
    arrays, labels = array_files()
    files = {f"{name}.npy": save(array) for name, array in arrays.items()} | {"labels.npy": save(labels)}
    where = write_folder(tmp_path / "c", files | {"manifest.json": json.dumps(whole).encode()})
    assert open_archive(where, TEN, [("fog", 5)]).contents.manifest == whole
    (where / "manifest.json").write_text(json.dumps(whole | change))
    with pytest.raises(DataError, match="does not say what `rugged corrupt` writes"):
        open_archive(where, TEN, [("fog", 5)])
    (where / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="not valid JSON"):
        open_archive(where, TEN, [("fog", 5)])


def test_other_pixels_of_as_many_bytes_have_another_fingerprint(tmp_path):
    """BMP files of one size are all equally long."""
    prints = []
    for level in (10, 20):
        stream = io.BytesIO()
        Image.new("RGB", (8, 8), (level, 0, 0)).save(stream, "BMP")
        where = write_folder(tmp_path / str(level), {f"fog/1/a/{n}.bmp": stream.getvalue() for n in range(3)})
        prints.append(open_archive(where, ("a",), [("fog", 1)]).fingerprint(("fog", 1)))
    assert prints[0] != prints[1]
