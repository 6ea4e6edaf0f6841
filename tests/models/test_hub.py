"""Models on the hub: fetched once, held to their hash, and refused where something is wrong."""

import hashlib

import huggingface_hub.constants
import pytest
from tests.hub import TOKEN

from rugged.core.errors import ModelError
from rugged.models.hub import fetched, share

CONTENT = b"weights"


@pytest.mark.parametrize("model", ["runs/mine", "torchvision/resnet18", "a.onnx", "module:function"])
def test_what_is_not_on_the_hub_stays_as_it_is(model):
    assert fetched(model) == model


def test_a_model_is_fetched_once(hub, monkeypatch):
    hub.publish("me/mine", CONTENT)
    path = fetched("hf://me/mine")
    assert (path.name, path.read_bytes()) == ("model.safetensors", CONTENT)
    assert hub.asked("GET") == ["/me/mine/resolve/main/model.safetensors"]
    hub.stop()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert fetched("hf://me/mine") == path


def test_a_revision_is_asked_for(hub):
    hub.files["/me/mine/resolve/v1/model.safetensors"] = CONTENT
    assert fetched("hf://me/mine@v1").read_bytes() == CONTENT


def test_a_download_that_is_not_what_the_hub_says_is_refused(hub):
    hub.publish("me/mine", CONTENT)
    hub.hashes["/me/mine/resolve/main/model.safetensors"] = hashlib.sha256(b"others").hexdigest()
    with pytest.raises(ModelError, match=r"is damaged: its SHA-256 is not [0-9a-f]{64}\. Delete"):
        fetched("hf://me/mine")


@pytest.mark.parametrize(
    "name",
    ["mine", "", "a/b/c", "me/../x", "me/mi ne", "me/ü", "me/x--y", "me/x..y", "me/x.git", "-me/x", "me/" + 97 * "x"],
)
def test_what_is_no_repository_is_refused(name):
    """By the hub's rules, before it is asked: its client's refusal would read as if there were no network."""
    refused = "no repository on the Hugging Face hub; expected USER/NAME"
    with pytest.raises(ModelError, match=refused):
        fetched(f"hf://{name}")
    with pytest.raises(ModelError, match=refused):
        share(name, {}, private=False)


def test_a_repository_without_a_model_is_refused(hub):
    hub.files["/me/mine/resolve/main/README.md"] = b"# Mine"
    with pytest.raises(ModelError, match=r"hf://me/mine holds no model\.safetensors"):
        fetched("hf://me/mine")


def test_without_a_network_the_way_out_is_named(hub, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"HF_HUB_OFFLINE=1 is set\. Go online once") as raised:
        fetched("hf://me/mine")
    assert str(raised.value).startswith("hf://me/mine is not on this machine")


def test_a_server_that_is_gone_is_one_message(hub, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # The client tries five times, and waits between them.
    hub.stop()
    with pytest.raises(ModelError, match="could not be fetched from http://127"):
        fetched("hf://me/mine")


def test_a_push_without_a_right_to_it_is_one_message(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_may_not")
    with pytest.raises(ModelError, match=r"me/mine could not be written .* set HF_TOKEN to a token that may write"):
        share("me/mine", {"README.md": b"# Mine"}, private=False)
    assert hub.files == {}


def test_a_push_that_reaches_nobody_says_nothing_of_rights(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.stop()
    with pytest.raises(ModelError, match="The hub was not reached: check the network") as raised:
        share("me/mine", {"README.md": b"# Mine"}, private=False)
    assert "Log in" not in str(raised.value)


def test_nothing_private_is_pushed_to_where_everybody_sees_it(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    share("me/mine", {"README.md": b"# Mine"}, private=False)
    with pytest.raises(ModelError, match="me/mine is there already, and public: everybody would see"):
        share("me/mine", {"README.md": b"# Secret"}, private=True)
    assert hub.files == {"/me/mine/resolve/main/README.md": b"# Mine"}
    for private in (True, False):  # A private one stays private.
        share("me/own", {"README.md": b"# Secret"}, private=private)
        assert hub.created["me/own"] is True


def test_files_are_shared_as_they_are(hub, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    (tmp_path / "model.safetensors").write_bytes(CONTENT)
    address = share(
        "me/mine", {"README.md": b"# Mine", "model.safetensors": tmp_path / "model.safetensors"}, private=True
    )
    assert address == f"{hub.url}/me/mine"
    assert hub.created == {"me/mine": True}
    assert fetched("hf://me/mine").read_bytes() == CONTENT
