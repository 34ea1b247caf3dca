"""Read an HTTP response body in chunks, with a limit on its size, so that a server cannot exhaust memory."""

import zlib
from collections.abc import AsyncIterator

from agents.api.http_parsing import TooLong

MOST_BYTES = 12 * 2**20  # of a body, as it comes over the wire and as it is decoded; a long answer has some 500 KB
ENCODINGS = "gzip, deflate"  # the accepted encodings: their decoders can be stopped at a length
PLAIN = ("", "identity")


async def decode_pieces(pieces: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The pieces of a body without its Content-Encoding. Raises TooLong, also for what cannot be decoded."""
    came = made = 0
    body = Decoder(encoding)
    async for piece in pieces:
        came += len(piece)
        plain = body.feed(piece, MOST_BYTES - made + 1) if came <= MOST_BYTES else b""
        made += len(plain)
        if max(came, made) > MOST_BYTES:
            raise TooLong(f"the body is longer than {MOST_BYTES // 2**20} MiB; it was not read to its end")
        yield plain


class Decoder:
    """Decodes a Content-Encoding with a limit on the output size."""

    def __init__(self, encoding: str) -> None:
        self.name = encoding.strip().lower()
        if self.name not in (*PLAIN, "gzip", "x-gzip", "deflate"):
            raise TooLong(f"the body is encoded as {encoding[:40]!r}; {ENCODINGS} was asked for")
        self.inflate = self._begin()

    def feed(self, piece: bytes, most: int) -> bytes:
        """The decoded piece, up to `most` bytes. Raises TooLong where it cannot be decoded."""
        if self.name in PLAIN:
            return piece
        made: list[bytes] = []
        try:
            while piece and most > 0:
                made.append(self.inflate.decompress(piece, most))
                most -= len(made[-1])
                piece = self.inflate.unconsumed_tail
                if self.inflate.eof:
                    piece, self.inflate = self.inflate.unused_data, self._begin()
        except zlib.error as error:
            raise TooLong(f"the body is no {self.name}: {error}") from error
        return b"".join(made)

    @staticmethod
    def _begin() -> "zlib._Decompress":
        return zlib.decompressobj(zlib.MAX_WBITS | 32)  # detects gzip or zlib by the header
