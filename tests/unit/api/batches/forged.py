"""Archives that no honest program writes, built byte by byte."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

DEFLATED = zipfile.ZIP_DEFLATED


class Bytes:
    """An archive in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size_bytes(self) -> int:
        return len(self._content)

    def read_at(self, offset: int, size: int) -> bytes:
        return self._content[offset : offset + size]


@dataclass(kw_only=True)
class Member:
    """A file of a forged ZIP. What is None is told truly."""

    name: bytes
    content: bytes = b"photo"
    method: int = 0
    flags: int = 0
    #: Unix type and rights.
    mode: int = 0o100644
    crc: int | None = None
    packed: bytes | None = None
    told_packed: int | None = None
    told_unpacked: int | None = None
    local_name: bytes | None = None
    local_method: int | None = None
    #: Where the directory says that it begins.
    told_offset: int | None = None

    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.content) if self.method == DEFLATED else self.content

    def sizes(self) -> tuple[int, int, int]:
        crc = zlib.crc32(self.content) if self.crc is None else self.crc
        packed = len(self.body()) if self.told_packed is None else self.told_packed
        unpacked = len(self.content) if self.told_unpacked is None else self.told_unpacked
        return crc, packed, unpacked

    def local(self) -> bytes:
        name = self.name if self.local_name is None else self.local_name
        method = self.method if self.local_method is None else self.local_method
        head = (b"PK\x03\x04", 20, self.flags, method, 0, 33, *self.sizes(), len(name), 0)
        return struct.pack("<4s5H3L2H", *head) + name + self.body()

    def central(self, offset: int) -> bytes:
        offset = offset if self.told_offset is None else self.told_offset
        head = (b"PK\x01\x02", 20, 3, 20, self.flags, self.method, 0, 33, *self.sizes())
        rest = (len(self.name), 0, 0, 0, 0, self.mode << 16, offset)
        return struct.pack("<4s2B5H3L5H2L", *head, *rest) + self.name


def forged_zip(members: Sequence[Member], *, count: int | None = None, disk: int = 0) -> bytes:
    """A ZIP of members as they want to be told."""
    body, directory = b"", b""
    for member in members:
        directory += member.central(len(body))
        body += member.local()
    told = len(members) if count is None else count
    end = (b"PK\x05\x06", disk, disk, told, told, len(directory), len(body), 0)
    return body + directory + struct.pack("<4s4H2LH", *end)


def honest_zip(files: dict[str, bytes], *, compression: int = 0, zip64: bool = False) -> bytes:
    """A ZIP as the standard library writes it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as archive:
        for name, content in files.items():
            with archive.open(name, "w", force_zip64=zip64) as member:
                member.write(content)
    return written.getvalue()


def overlapping_zip(layers: int, kernel: bytes) -> bytes:
    """Files that share one kernel: each quotes the headers of all after it (Fifield, 2019)."""
    names = [b"%d" % number for number in range(layers)]
    body, starts = b"", []
    for name in reversed(names):
        header = Member(name=name, packed=b"", content=kernel, method=DEFLATED).local()
        starts.append(len(body))
        body = header + body
    total = len(body)
    offsets = [total - start - (30 + 1) for start in starts][::-1]
    packed = deflated(kernel)
    directory = b""
    for name, offset in zip(names, sorted(offsets), strict=True):
        reach = total + len(packed) - offset - 31
        member = Member(name=name, content=kernel, method=DEFLATED, told_packed=reach)
        directory += member.central(offset)
    body += packed
    end = (b"PK\x05\x06", 0, 0, layers, layers, len(directory), len(body), 0)
    return body + directory + struct.pack("<4s4H2LH", *end)


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def honest_tar(files: dict[str, bytes], *, format_: int = tarfile.PAX_FORMAT) -> bytes:
    """A TAR as the standard library writes it."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=format_) as archive:
        for name, content in files.items():
            add_file(archive, name, content)
    return written.getvalue()


def add_file(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def special_tar(name: str, type_: bytes, *, target: str = "") -> bytes:
    """A TAR whose first entry is a link or a device, followed by an honest file."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = type_, target
        archive.addfile(info)
        add_file(archive, "after.jpg", b"after")
    return written.getvalue()


def tar_block(name: bytes, size: int, type_: bytes) -> bytes:
    """One header, telling any size."""
    info = tarfile.TarInfo(name.decode())
    info.size, info.type = size, type_
    return info.tobuf(tarfile.GNU_FORMAT)
