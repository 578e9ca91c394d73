from __future__ import annotations

import base64
import hashlib
import hmac
import traceback

import pytest

from vienna_runtime.notifier import signature

# The test vector of the reference implementations of Standard Webhooks.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NAME, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_specifications_own_vector_comes_out() -> None:
    made = dict(signature.headers([signature.secret(SECRET)], NAME, TIMESTAMP, BODY))
    assert made == {"webhook-id": NAME, "webhook-timestamp": str(TIMESTAMP), "webhook-signature": SIGNED}


def test_each_secret_signs_so_that_one_can_take_over_from_another() -> None:
    other = b"k" * 32
    made = dict(signature.headers([signature.secret(signature.written(other)), signature.secret(SECRET)], NAME, TIMESTAMP, BODY))
    by_hand = hmac.new(other, b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + BODY, hashlib.sha256).digest()
    assert made["webhook-signature"].split(" ") == [f"v1,{base64.b64encode(by_hand).decode()}", SIGNED]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin with whsec_"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", "is not base64"),
        ("whsec_" + base64.b64encode(b"short").decode(), "has 5 bytes"),
        ("whsec_" + base64.b64encode(b"l" * 65).decode(), "has 65 bytes"),
        ("whsec_", "has 0 bytes"),
    ],
)
def test_what_is_no_secret_is_told_without_saying_it(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        signature.secret(written)
    told = "".join(traceback.format_exception(caught.value))
    assert written.removeprefix("whsec_") not in told or written == "whsec_"
