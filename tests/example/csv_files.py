"""CSV files for the tests of the example, as bytes in memory."""

import io

HEADER = "icao,iata,name,city,subd,country,elevation,lat,lon,tz"
HAMBURG = "EDDH,HAM,Hamburg Airport,Hamburg,Hamburg,DE,53,53.6304,9.98823,Europe/Berlin"
TOKYO = "RJTT,HND,Tokyo International Airport,Tokyo,,JP,35,35.5523,139.78,Asia/Tokyo"


def csv_bytes(*lines: str, header: str = HEADER) -> bytes:
    """Return a file with a header and these lines."""
    return "".join(f"{line}\n" for line in (header, *lines)).encode()


def stream(content: bytes) -> io.BytesIO:
    """Return a file with this content."""
    return io.BytesIO(content)


class Endless(io.RawIOBase):
    """A stream of so many bytes made of one piece over and over, none of it kept in memory.

    `taken` counts what was read.
    """

    def __init__(self, piece: bytes, size: int, start: bytes = b"") -> None:
        self._piece = piece
        self._left = size
        self._rest = start
        self.taken = 0

    def readable(self) -> bool:
        """Say that this is a stream to read from."""
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill the buffer with what comes next."""
        while len(self._rest) < len(buffer) and self._left > 0:
            self._rest += self._piece
            self._left -= len(self._piece)
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        self.taken += len(taken)
        return len(taken)
