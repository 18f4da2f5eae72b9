"""The image store keeps images within its budget and their time to live."""

import time

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from shared.image_store.store import PREFIX, ImageStore, image_key, reservation_arguments
from shared.redis_client.retry import RedisRetry


def store(client: "Redis", *, budget: int = 1000, ttl_s: float = 60) -> ImageStore:
    return ImageStore(client, RedisRetry("test"), budget_bytes=budget, ttl_s=ttl_s)


def test_put_images_stay_until_they_are_deleted(client: "Redis") -> None:
    images = store(client)
    assert images.put({"a": b"\x00\xff", "b": b"two"})
    assert images.get(["b", "unknown", "a"]) == [b"two", None, b"\x00\xff"]
    images.delete(["a", "unknown"])
    assert images.get(["a", "b"]) == [None, b"two"]


def test_put_stores_all_images_or_none(client: "Redis") -> None:
    images = store(client, budget=10)
    assert images.put({"a": b"12345678"})
    assert not images.put({"b": b"1", "c": b"12"})
    assert images.get(["b"]) == [None]
    assert images.put({"a": b"1234567890"}), "putting the same image again replaces it"
    images.delete(["a"])
    assert images.put({"b": b"1234567890"})


def test_expired_images_return_their_space(client: "Redis") -> None:
    images = store(client, budget=10, ttl_s=0.1)
    assert images.put({"a": b"1234567890"})
    assert not images.put({"b": b"1"})
    time.sleep(0.15)
    assert images.put({"b": b"1234567890"})
    assert images.get(["a"]) == [None]


def test_put_works_after_the_store_was_emptied(client: "Redis") -> None:
    images = store(client, budget=10)
    images.put({"a": b"1234567890"})
    client.flushall()
    assert images.put({"b": b"1234567890"})


def test_delete_also_deletes_bytes_that_were_stored_after_a_first_deletion(client: "Redis") -> None:
    images = store(client, budget=10)
    # A user deletes a photo between the reservation of its space and the write of its bytes.
    images._reserve(keys=[PREFIX], args=reservation_arguments({"a": b"1234567890"}, budget_bytes=10, ttl_ms=60_000))
    images.delete(["a"])
    images._set({"a": b"1234567890"})
    images.delete(["a"])
    assert client.keys(f"{PREFIX}bytes:*") == []
    assert images.get_used_bytes() == 0


def test_a_put_that_a_full_redis_refuses_reserves_nothing(client: "Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    images = store(client, budget=10)

    def refuse(_: object) -> None:
        raise OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")

    with monkeypatch.context() as patched:
        # Redis becomes full between the reservation and the write.
        patched.setattr(images, "_set", refuse)
        with pytest.raises(OutOfMemoryError):
            images.put({"a": b"1234567890"})
    assert images.put({"b": b"1234567890"})


def test_a_full_redis_still_deletes_images(client: "Redis") -> None:
    images = store(client)
    images.put({"a": b"one"})
    client.config_set("maxmemory", 1)
    try:
        images.delete(["a"])
    finally:
        client.config_set("maxmemory", 0)
    assert images.get(["a"]) == [None]


def test_a_reservation_ends_when_its_image_expires(client: "Redis") -> None:
    images = store(client, ttl_s=60)
    images.put({"a": b"one", "b": b"two"})
    seconds, microseconds = client.time()  # type: ignore[misc]
    expiry = client.zscore(f"{PREFIX}expiry", "a")
    assert (expiry - seconds * 1000 - microseconds / 1000) / 1000 == pytest.approx(60, abs=10)
    assert 50 < client.ttl(image_key("a")) <= 60  # type: ignore[operator]
    images.delete(["a"])
    assert client.zrange(f"{PREFIX}expiry", 0, -1) == [b"b"]
    assert client.hkeys(f"{PREFIX}sizes") == [b"b"]


def test_reservations_of_expired_images_are_deleted_a_thousand_at_a_time(client: "Redis") -> None:
    images = store(client, budget=1500, ttl_s=0.001)
    images.put({str(number): b"1" for number in range(1500)})
    time.sleep(0.05)
    later = store(client, budget=1500)
    assert not later.put({"a": bytes(1001)}), "500 are still reserved"
    assert images.get_used_bytes() == 500
    assert later.put({"a": bytes(1500)})
    assert images.get_used_bytes() == 1500


def test_an_image_may_be_stored_again_after_it_expired(client: "Redis") -> None:
    images = store(client, budget=10, ttl_s=0.001)
    images.put({"a": b"1234567890"})
    time.sleep(0.05)
    assert images.put({"a": b"1234567890"})
    assert images.get_used_bytes() == 10
