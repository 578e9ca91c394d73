from __future__ import annotations

import hashlib
import ssl
from typing import Any

import pytest

from transport.tls import certificate_hash, client_context, server_context


def test_both_sides_speak_tls_1_3_and_nothing_else(pki: Any) -> None:
    for context in (pki.server().context, pki.client()):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_3
        assert context.maximum_version is ssl.TLSVersion.TLSv1_3


def test_a_client_checks_certificate_and_name(pki: Any) -> None:
    context = pki.client()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509"] == 1  # the one named, and none of the system's


def test_the_certificate_named_is_the_leaf_of_the_chain(pki: Any) -> None:
    der = ssl.PEM_cert_to_DER_cert(pki.chain.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----")
    assert pki.server().certificate == hashlib.sha256(der).digest() == certificate_hash(der)


def test_a_chain_without_its_key_does_not_load(pki: Any, other_pki: Any) -> None:
    with pytest.raises(ssl.SSLError):
        server_context(pki.chain, other_pki.key)


def test_a_client_names_its_authorities_exactly_once(pki: Any) -> None:
    with pytest.raises(ValueError, match="authorities"):
        client_context()
    with pytest.raises(ValueError, match="authorities"):
        client_context(pki.ca, pem=pki.ca.read_text())
    assert client_context(pem=pki.ca.read_text()).cert_store_stats()["x509"] == 1
