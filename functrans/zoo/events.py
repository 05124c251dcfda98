"""Event files for TensorBoard: numbers over steps, written without TensorBoard.

    with events.Writer("runs/first") as writer:
        writer.scalar("loss", 0.5, step=10)

The extra `tb` installs TensorBoard itself, to look at them: `tensorboard --logdir runs`.

A file is a row of records: the length, a checksum of it, the content, a checksum of it; the
contents are protocol buffers of the message Event (tensorflow/core/util/event.proto), of which the
few fields that scalars need are encoded here. Checksums are CRC-32C, masked as in TFRecord files.
Imports the standard library only.
"""
from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path


class Writer:
    """Writes one event file into a folder, which is made if it is not there.

    Each writer has a file of its own; TensorBoard joins those of a folder.
    """

    def __init__(self, folder):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self.path = folder / name
        self._file = open(self.path, "wb")
        self._write(_text(3, "brain.Event:2"))

    def scalar(self, tag: str, value, step: int):
        """A number under a name, at a step."""
        entry = _text(1, tag) + _tag(2, 5) + struct.pack("<f", float(value))
        self._write(_integer(2, step) + _message(5, _message(1, entry)))

    def flush(self):
        """Has everything in the file so far, for those who read it now."""
        self._file.flush()

    def close(self):
        """Ends the file."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _write(self, fields: bytes):
        event = _tag(1, 1) + struct.pack("<d", time.time()) + fields
        length = struct.pack("<Q", len(event))
        for part in (length, event):
            self._file.write(part + struct.pack("<I", masked_checksum(part)))


# ---- protocol buffers ----

def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _tag(field: int, kind: int) -> bytes:
    """kind: 0 for integers, 1 for eight bytes, 2 for what has a length, 5 for four bytes."""
    return _varint(field << 3 | kind)


def _integer(field: int, value: int) -> bytes:
    return _tag(field, 0) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _tag(field, 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


# ---- checksums ----

def _table() -> list[int]:
    """The remainders of all bytes for the polynomial of Castagnoli, bits reversed."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def checksum(data: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4).

    >>> from functrans.zoo.events import checksum
    >>> hex(checksum(b"123456789"))
    '0xe3069283'
    """
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def masked_checksum(data: bytes) -> int:
    """A checksum that does not change its meaning when it is part of what is checked."""
    value = checksum(data)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
