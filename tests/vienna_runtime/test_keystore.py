from __future__ import annotations

import hmac
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from nacl.signing import VerifyKey

from vienna_runtime.errors import FileTakenError, InsecureKeysError, UnknownOwnerError, UnsafeFileError, VerificationError
from vienna_runtime.keyring import FOREVER, Purpose, State
from vienna_runtime.keystore import Keystore, is_loopback
from vienna_runtime.sealing import INSECURE_TEST_COST, Opener, Passphrase, RawKey
from vienna_runtime.secret import Secret

KEY = RawKey(Secret(b"k" * 32))
WORDS = Passphrase(Secret(b"dem Narren zum Trotz"))
NOVEMBER, DECEMBER = "2026-11", "2026-12"


def new(path: Path, opener: Opener = KEY) -> Keystore:
    return Keystore.create(path, opener, node="vienna.local", cost=INSECURE_TEST_COST, now=lambda: 7)


def everything_secret(store: Keystore) -> list[bytes]:
    ring = store._ring
    pairs = [pair for pairs in ring.signing.values() for pair in pairs]
    return [store._seal.master.reveal(), *(key.secret.reveal() for key in ring.keys), *(pair.secret.reveal() for pair in pairs)]


@pytest.fixture
def store(tmp_path: Path) -> Keystore:
    store = new(tmp_path / "keystore")
    store.admit_tenant("belvedere")
    return store


@pytest.mark.parametrize("opener", [KEY, WORDS])
def test_every_key_is_there_again_after_a_restart(tmp_path: Path, opener: Opener) -> None:
    path = tmp_path / "keystore"
    before = new(path, opener)
    public = before.admit_tenant("belvedere")
    data = before.data_key("belvedere", NOVEMBER)
    node_data = before.data_key("", NOVEMBER)
    after = Keystore.open(path, opener)
    assert after.node == "vienna.local"
    assert after.tenants() == {"belvedere"}
    assert after.admit_tenant("belvedere") == public
    assert after.data_key("belvedere", NOVEMBER).secret == data.secret
    assert after.data_key("", NOVEMBER).secret == node_data.secret
    assert after.warrant_mac("belvedere", b"w") == before.warrant_mac("belvedere", b"w")
    assert after.checkpoint_pairs("")[0].public == before.checkpoint_pairs("")[0].public


def test_a_new_months_key_is_on_disk_before_it_is_given_out(store: Keystore, tmp_path: Path) -> None:
    key = store.data_key("belvedere", NOVEMBER)
    found = Keystore.open(tmp_path / "keystore", KEY).data_key_by_id("belvedere", key.id)
    assert found is not None
    assert found.secret == key.secret


def test_a_key_that_could_not_be_written_is_not_used(store: Keystore, tmp_path: Path) -> None:
    (tmp_path / "keystore").unlink()
    tmp_path.rename(tmp_path.with_name("away"))
    for make in (lambda: store.data_key("belvedere", NOVEMBER), lambda: store.admit_tenant("schoenbrunn")):
        with pytest.raises(FileNotFoundError):
            make()
    assert store.tenants() == {"belvedere"}
    tmp_path.with_name("away").rename(tmp_path)
    key = store.data_key("belvedere", NOVEMBER)
    assert Keystore.open(tmp_path / "keystore", KEY).data_key_by_id("belvedere", key.id) is not None


def test_each_owner_month_and_purpose_has_a_key_of_its_own(store: Keystore) -> None:
    store.admit_tenant("schoenbrunn")
    for log in ("", "belvedere", "schoenbrunn"):
        for month in (NOVEMBER, DECEMBER):
            store.data_key(log, month)
    secrets = [key.secret.reveal() for key in store._ring.keys]
    assert len(set(secrets)) == len(secrets) == 1 + 2 * 3 + 3 * 2
    assert len({key.id for key in store._ring.keys}) == len(secrets)


def test_signatures_verify_with_the_public_key_of_that_tenant_alone(store: Keystore) -> None:
    store.admit_tenant("schoenbrunn")
    signature = store.issuer_sign("belvedere", b"vienna/warrant/1 ...")
    VerifyKey(store.issuer_public("belvedere")).verify(b"vienna/warrant/1 ...", signature)
    for stranger in (store.issuer_public("schoenbrunn"), store.checkpoint_pairs("belvedere")[0].public):
        with pytest.raises(Exception, match="forged"):
            VerifyKey(stranger).verify(b"vienna/warrant/1 ...", signature)


def test_a_warrants_mac_is_hmac_sha256_and_any_other_is_refused(store: Keystore) -> None:
    store.admit_tenant("schoenbrunn")
    mac = store.warrant_mac("belvedere", b"w")
    assert mac == hmac.new(store._ring.macs["belvedere"][0].reveal(), b"w", "sha256").digest()
    assert store.check_warrant_mac("belvedere", b"w", mac)
    assert not store.check_warrant_mac("belvedere", b"v", mac)
    assert not store.check_warrant_mac("schoenbrunn", b"w", mac)
    assert not store.check_warrant_mac("belvedere", b"w", b"")
    assert not any(store.check_warrant_mac("belvedere", b"w", mac[:i] + bytes([mac[i] ^ 1]) + mac[i + 1 :]) for i in range(32))


def test_who_was_never_admitted_has_no_key_and_gets_none(store: Keystore) -> None:
    asks: list[Callable[[], object]] = [
        lambda: store.checkpoint_pairs("mallory"),
        lambda: store.issuer_sign("mallory", b""),
        lambda: store.issuer_public("mallory"),
        lambda: store.warrant_mac("mallory", b""),
        lambda: store.check_warrant_mac("mallory", b"", b""),
        lambda: store.data_key("mallory", NOVEMBER),
        lambda: store.prepare_month(NOVEMBER, ["belvedere", "mallory"]),
    ]
    for ask in asks:
        with pytest.raises(UnknownOwnerError, match="mallory"):
            ask()
    assert (Purpose.ISSUER, "") not in store._ring.signing
    assert ("belvedere", NOVEMBER) not in store._ring.data


def test_a_renewed_month_seals_with_the_new_key_and_opens_with_both(store: Keystore) -> None:
    old = store.data_key("belvedere", NOVEMBER)
    renewed = store.renew_data_key("belvedere", NOVEMBER)
    assert renewed.id != old.id
    assert store.data_key("belvedere", NOVEMBER) is renewed
    assert store.data_key_by_id("belvedere", old.id) is not None


def test_a_destroyed_key_is_gone_from_memory_and_from_what_the_file_opens_to(store: Keystore, tmp_path: Path) -> None:
    key = store.data_key("belvedere", NOVEMBER)
    kept = store.data_key("belvedere", DECEMBER)
    assert store.destroy_data_key("belvedere", key.id)
    assert not store.destroy_data_key("belvedere", key.id)
    assert not store.destroy_data_key("schoenbrunn", kept.id)
    for held in (store, Keystore.open(tmp_path / "keystore", KEY)):
        assert held.data_key_by_id("belvedere", key.id) is None
        assert held.data_key_by_id("belvedere", kept.id) is not None
        assert key.secret.reveal() not in everything_secret(held)
    assert [path.name for path in tmp_path.iterdir()] == ["keystore"]


def test_a_months_keys_are_destroyed_in_one_rewrite_and_an_interrupted_one_leaves_no_draft_that_holds_them(
    store: Keystore, tmp_path: Path
) -> None:
    old = store.data_key("belvedere", NOVEMBER)
    draft = tmp_path / f".{store._path.name}.4711.0badcafe"
    draft.write_bytes(store._path.read_bytes())  # as a crash between writing and renaming leaves it
    fresh = store.renew_data_key("belvedere", NOVEMBER)
    assert store.data_key_ids("belvedere", NOVEMBER) == (fresh.id, old.id)
    assert store.destroy_data_keys("belvedere", (old.id, fresh.id)) == 2
    assert store.data_key_ids("belvedere", NOVEMBER) == ()
    assert not draft.exists()
    assert store.destroy_data_keys("belvedere", (old.id,)) == 0


def test_only_data_keys_are_destroyed(store: Keystore) -> None:
    for key in store._ring.keys:
        assert not store.destroy_data_key(key.owner, key.id)


def test_a_data_key_is_found_in_its_own_log_only(store: Keystore) -> None:
    key = store.data_key("belvedere", NOVEMBER)
    assert store.data_key_by_id("", key.id) is None


def test_many_threads_asking_at_once_get_one_key_and_lose_none(store: Keystore, tmp_path: Path) -> None:
    months = [f"20{year:02}-11" for year in range(20, 32)]
    gate, found = threading.Barrier(4), list[tuple[str, bytes]]()

    def ask() -> None:
        gate.wait()
        found.extend((month, store.data_key("belvedere", month).id) for month in months)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 * len(months)
    assert len(set(found)) == len(months)
    again = Keystore.open(tmp_path / "keystore", KEY)
    assert all(again.data_key_by_id("belvedere", key_id) is not None for _, key_id in found)


def test_a_new_month_costs_one_rewrite_for_all_tenants(store: Keystore, tmp_path: Path) -> None:
    store.prepare_month(NOVEMBER, ["", "belvedere", "belvedere"])
    written = (tmp_path / "keystore").read_bytes()
    store.prepare_month(NOVEMBER, ["", "belvedere"])
    assert store.data_key("", NOVEMBER).month == store.data_key("belvedere", NOVEMBER).month == NOVEMBER
    assert (tmp_path / "keystore").read_bytes() == written


@pytest.mark.parametrize("month", ["", "2026-13", "2026-00", "2026-1", "26-11", "2026-11\n", "２０２６-11"])
def test_a_month_has_one_spelling(store: Keystore, month: str) -> None:
    for make in (store.data_key, store.renew_data_key):
        with pytest.raises(ValueError, match="like 2026-11"):
            make("belvedere", month)


def test_a_flipped_bit_in_every_byte_of_the_file_is_refused_like_a_wrong_key(store: Keystore, tmp_path: Path) -> None:
    path = tmp_path / "keystore"
    with pytest.raises(VerificationError) as wrong:
        Keystore.open(path, RawKey(Secret(b"x" * 32)))
    good = path.read_bytes()
    for index in range(len(good)):
        path.write_bytes(good[:index] + bytes([good[index] ^ 1 << index % 8]) + good[index + 1 :])
        with pytest.raises(VerificationError) as flipped:
            Keystore.open(path, KEY)
        assert str(flipped.value) == str(wrong.value)
    path.write_bytes(good)
    assert Keystore.open(path, KEY).tenants() == {"belvedere"}


def test_a_keystore_others_can_read_is_refused(store: Keystore, tmp_path: Path) -> None:
    (tmp_path / "keystore").chmod(0o640)
    with pytest.raises(UnsafeFileError):
        Keystore.open(tmp_path / "keystore", KEY)


def test_a_keystore_is_never_made_over_another(store: Keystore, tmp_path: Path) -> None:
    with pytest.raises(FileTakenError):
        new(tmp_path / "keystore")
    assert Keystore.open(tmp_path / "keystore", KEY).tenants() == {"belvedere"}


def test_no_secret_shows_in_the_text_of_anything_the_keystore_hands_out(store: Keystore, tmp_path: Path) -> None:
    store.data_key("belvedere", NOVEMBER)
    ring = store._ring
    things = [store, store._seal, ring, KEY, WORDS, ring.encode(), *ring.keys, *ring.signing.values(), *ring.macs.values(), *store.listed()]
    with pytest.raises(VerificationError) as refused:
        Keystore.open(tmp_path / "keystore", WORDS)
    shown = " ".join(f"{thing!r} {thing}" for thing in [*things, refused.value, refused.value.__dict__])
    secrets = [*everything_secret(store), KEY.secret.reveal(), WORDS.secret.reveal()]
    for secret in secrets:
        for form in (repr(secret)[2:-1], secret.hex()):
            assert form not in shown
    for thing in (ring.keys[0], ring.signing[Purpose.ISSUER, "belvedere"][0], store._seal, KEY):
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(thing)


def test_development_keys_are_refused_wherever_other_machines_reach_them(tmp_path: Path) -> None:
    dev = Keystore.create(tmp_path / "dev", KEY, node="vienna.local", insecure=True)
    cheap = new(tmp_path / "cheap", WORDS)
    for store in (dev, cheap, Keystore.open(tmp_path / "dev", KEY)):
        store.refuse_beyond_loopback("127.0.0.1")
        for host in ("0.0.0.0", "::", "10.1.2.3", "vienna.example", ""):
            with pytest.raises(InsecureKeysError, match="insecure development keys"):
                store.refuse_beyond_loopback(host)


def test_a_keystore_is_not_insecure_unless_asked_for(tmp_path: Path) -> None:
    store = Keystore.create(tmp_path / "keystore", KEY, node="vienna.local")
    assert not store.insecure
    store.refuse_beyond_loopback("0.0.0.0")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost"])
def test_loopback_is_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "localhost.example.org", "127.0.0.1.example.org", "::ffff:10.0.0.1"])
def test_anything_else_counts_as_reachable(host: str) -> None:
    assert not is_loopback(host)


# How keys hand over


class Clock:
    now = 7

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def turning(tmp_path: Path) -> tuple[Keystore, Clock]:
    clock = Clock()
    store = Keystore.create(tmp_path / "keystore", KEY, node="vienna.local", cost=INSECURE_TEST_COST, now=clock)
    store.admit_tenant("belvedere")
    return store, clock


def publics(store: Keystore, log: str = "belvedere") -> list[bytes]:
    return [pair.public for pair in store.checkpoint_pairs(log)]


def test_a_prepared_key_is_on_disk_and_signs_nothing_and_is_made_once(turning: tuple[Keystore, Clock], tmp_path: Path) -> None:
    store, _ = turning
    before = publics(store)
    new_key = store.prepare(Purpose.CHECKPOINT, "belvedere")
    assert store.prepare(Purpose.CHECKPOINT, "belvedere").public == new_key.public
    for held in (store, Keystore.open(tmp_path / "keystore", KEY)):
        found = held.prepared(Purpose.CHECKPOINT, "belvedere")
        assert found is not None
        assert found.public == new_key.public
        assert publics(held) == before
        assert held.turning() == ((Purpose.CHECKPOINT, "belvedere"),)


def test_two_keys_sign_until_the_overlap_is_over_and_then_the_newer_one(turning: tuple[Keystore, Clock], tmp_path: Path) -> None:
    store, clock = turning
    (old,) = publics(store)
    new_key = store.prepare(Purpose.CHECKPOINT, "belvedere").public
    store.activate(Purpose.CHECKPOINT, "belvedere")
    assert publics(store) == [new_key, old]
    store.end(Purpose.CHECKPOINT, "belvedere", until=100)
    store.end(Purpose.CHECKPOINT, "belvedere", until=200)  # it ends before that already
    for held in (store, Keystore.open(tmp_path / "keystore", KEY, now=clock)):
        clock.now = 99
        assert publics(held) == [new_key, old]
        clock.now = 100
        assert publics(held) == [new_key]
    assert store.prepared(Purpose.CHECKPOINT, "belvedere") is None
    clock.now = 50
    assert store.retire(Purpose.CHECKPOINT, "belvedere", ended=True) == 0
    clock.now = 100
    secrets = everything_secret(store)
    assert store.retire(Purpose.CHECKPOINT, "belvedere", ended=True) == 1
    assert store.turning() == ()
    assert len(set(secrets) - set(everything_secret(Keystore.open(tmp_path / "keystore", KEY)))) == 2  # the seed, and the pair made of it
    states = {key.public: (key.state, key.until) for key in store.listed() if key.purpose is Purpose.CHECKPOINT and key.owner}
    assert states == {old: (State.RETIRED, 100), new_key: (State.COUNTS, FOREVER)}


def test_a_replaced_issuers_warrants_still_verify_and_those_of_a_compromised_one_do_not(
    turning: tuple[Keystore, Clock], tmp_path: Path
) -> None:
    store, _ = turning
    first, mac = store.issuer_public("belvedere"), store.warrant_mac("belvedere", b"w")
    second = store.prepare(Purpose.ISSUER, "belvedere").public
    store.activate(Purpose.ISSUER, "belvedere")
    assert store.retire(Purpose.ISSUER, "belvedere") == 1
    assert store.issuer_public("belvedere") == second
    assert store.issuer_publics("belvedere") == (second, first)
    assert store.warrant_mac("belvedere", b"w") != mac
    assert store.check_warrant_mac("belvedere", b"w", mac)
    third = store.prepare(Purpose.ISSUER, "belvedere").public
    store.activate(Purpose.ISSUER, "belvedere")
    store.retire(Purpose.ISSUER, "belvedere", compromised=True)
    assert store.issuer_publics("belvedere") == (third, first)
    assert not store.check_warrant_mac("belvedere", b"w", mac)
    assert store.check_warrant_mac("belvedere", b"w", store.warrant_mac("belvedere", b"w"))
    again = Keystore.open(tmp_path / "keystore", KEY)
    assert store.every_warrant_mac("belvedere", b"w") == again.every_warrant_mac("belvedere", b"w")
    assert len(store.every_warrant_mac("belvedere", b"w")) == 3
    assert mac in store.every_warrant_mac("belvedere", b"w")  # what it recognised it goes on recognising


def test_a_key_that_was_not_announced_after_all_is_prepared_again(turning: tuple[Keystore, Clock]) -> None:
    store, _ = turning
    before = publics(store)
    new_key = store.prepare(Purpose.CHECKPOINT, "belvedere").public
    store.activate(Purpose.CHECKPOINT, "belvedere")
    store.withdraw(Purpose.CHECKPOINT, "belvedere")
    assert publics(store) == before
    assert store.prepare(Purpose.CHECKPOINT, "belvedere").public == new_key


def test_nothing_is_retired_where_nothing_has_taken_over(turning: tuple[Keystore, Clock]) -> None:
    store, _ = turning
    assert store.retire(Purpose.CHECKPOINT, "") == 0
    assert len(publics(store, "")) == 1
    with pytest.raises(UnknownOwnerError):
        store.prepare(Purpose.ISSUER, "")
    with pytest.raises(KeyError):
        store.activate(Purpose.CHECKPOINT, "")


def test_what_people_are_shown_of_a_key_has_no_secret(turning: tuple[Keystore, Clock]) -> None:
    store, _ = turning
    store.data_key("belvedere", NOVEMBER)
    assert [(key.purpose, key.owner, len(key.public)) for key in store.listed()] == [
        (Purpose.CHECKPOINT, "", 32),
        (Purpose.CHECKPOINT, "belvedere", 32),
        (Purpose.ISSUER, "belvedere", 32),
        (Purpose.WARRANT_MAC, "belvedere", 0),
    ]
