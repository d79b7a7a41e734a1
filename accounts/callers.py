"""Where a request comes from: the address, as far as proxies are trusted, and keyed hashes in place of it."""

import hashlib
import ipaddress
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle


@dataclass(frozen=True, slots=True)
class Caller:
    """What a session remembers of the request that began it: hashes only."""

    ip_hmac: bytes | None = None
    agent_sha256: bytes | None = None


def caller_of(request: Request | HttpRequest) -> Caller:
    """Return the hashes of a request's address and program."""
    agent = request.META.get("HTTP_USER_AGENT", "")
    return Caller(keyed("ip", address_of(request)), hashlib.sha256(agent.encode(errors="replace")).digest())


def address_of(request: Request | HttpRequest) -> str:
    """Return the client's address; of an IPv6 address the /64, as one client has all of it.

    X-Forwarded-For counts only as far as REST_FRAMEWORK["NUM_PROXIES"] says that proxies wrote it.
    """
    text = BaseThrottle().get_ident(request) or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False))
    return text


def keyed(purpose: str, text: str) -> bytes:
    """Return 32 bytes that stand for a text, and that nobody without SECRET_KEY can lead back to it."""
    return salted_hmac(f"enigma.{purpose}", text.encode(errors="replace"), algorithm="sha256").digest()
