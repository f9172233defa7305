# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client and a responder say to each other, as bytes. Pure.

Both know the token of the run. The client asks with a nonce and shows that it knows the token; the responder answers
with a proof of its own, its identity, and the two ends of the flow as it sees them. A question over UDP is never
shorter than its answer.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import struct
import typing as t

LONGEST_SECONDS = 3600
"""How long a responder answers, or a client waits, at most."""
MAGIC = b"pfp1"
NONCE_BYTES = 16
ID_BYTES = 16
_PROOF_BYTES = 32
_END = struct.Struct("!16sH")
QUESTION_BYTES = len(MAGIC) + NONCE_BYTES + _PROOF_BYTES
ANSWER_BYTES = len(MAGIC) + ID_BYTES + 2 * _END.size + _PROOF_BYTES
UDP_QUESTION_BYTES = 96
"""What a question over UDP is padded to: no shorter than an answer."""
TCP_DATA_BYTES = 16384
"""Enough for one segment of full size on links of 9,000 bytes, too."""
UDP_DATA_BYTES = 8972
"""The most that is sent in one datagram: it fills a link of 9,000 bytes."""

_MAPPED = bytes(10) + b"\xff\xff"


class End(t.NamedTuple):
    """One end of a flow."""

    address: str
    port: int


class Answer(t.NamedTuple):
    """What a responder says."""

    responder: bytes
    source: End
    destination: End


def proof(token: str, purpose: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 with the token; no purpose is the start of another."""
    return hmac.new(token.encode(), b"\0".join((purpose, *parts)), hashlib.sha256).digest()


def same(one: bytes, other: bytes) -> bool:
    """Whether two proofs are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


def responder_id(token: str, name: str) -> bytes:
    return proof(token, b"responder", name.encode("utf-8", "surrogatepass"))[:ID_BYTES]


def run_id(token: str) -> str:
    """What tells a run from others."""
    return proof(token, b"run")[:8].hex()


def question(token: str, nonce: bytes, size: int = QUESTION_BYTES) -> bytes:
    """A client's question, padded to *size* bytes."""
    return (MAGIC + nonce + proof(token, b"question", nonce)).ljust(size, b"\0")


def nonce_of(token: str, message: bytes) -> bytes | None:
    """The nonce of a question that was made with the token; None for anything else."""
    nonce = message[len(MAGIC) : len(MAGIC) + NONCE_BYTES]
    if len(message) < QUESTION_BYTES or not message.startswith(MAGIC):
        return None
    return nonce if same(message[len(MAGIC) + NONCE_BYTES : QUESTION_BYTES], proof(token, b"question", nonce)) else None


def answer(token: str, nonce: bytes, content: Answer, size: int = ANSWER_BYTES) -> bytes:
    """A responder's answer, padded to *size* bytes."""
    body = content.responder + _packed(content.source) + _packed(content.destination)
    return (MAGIC + body + proof(token, b"answer", nonce, body)).ljust(size, b"\0")


def answer_of(token: str, nonce: bytes, message: bytes) -> Answer | None:
    """The answer to the question with this nonce; None for anything else."""
    body, said = message[len(MAGIC) : ANSWER_BYTES - _PROOF_BYTES], message[ANSWER_BYTES - _PROOF_BYTES : ANSWER_BYTES]
    if len(message) < ANSWER_BYTES or not message.startswith(MAGIC):
        return None
    if not same(said, proof(token, b"answer", nonce, body)):
        return None
    source, destination = body[ID_BYTES : ID_BYTES + _END.size], body[ID_BYTES + _END.size :]
    return Answer(body[:ID_BYTES], _end(source), _end(destination))


def plain(address: str) -> str:
    """An address without its zone, and an IPv4 address that is mapped into IPv6 as IPv4."""
    text = address.partition("%")[0]
    if ":" not in text:
        return text
    packed = socket.inet_pton(socket.AF_INET6, text)
    return _text(packed)


def _packed(end: End) -> bytes:
    family = socket.AF_INET6 if ":" in end.address else socket.AF_INET
    packed = socket.inet_pton(family, end.address)
    return _END.pack(packed if len(packed) == 16 else _MAPPED + packed, end.port)


def _end(packed: bytes) -> End:
    address, port = _END.unpack(packed)
    return End(_text(address), port)


def _text(packed: bytes) -> str:
    if packed.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)
