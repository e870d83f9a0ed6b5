"""Pictures: whether an uploaded one can be opened, and is of a size that nobody chokes on."""

import base64
import io
import warnings

from PIL import Image

from kernel.refusal import Refusal

FORMATS = ("PNG", "JPEG")


class NotPicture(Refusal):
    """The file is no picture that we keep."""


def from_address(address: str, *, longest: int, limit: int) -> bytes:
    """The PNG in a data address of at most so many characters. Raises NotPicture."""
    head, _, body = address.partition(",")
    if head != "data:image/png;base64" or len(body) > longest:
        raise NotPicture("Draw it again, or type your name only.")
    try:
        content = base64.b64decode(body, validate=True)
    except ValueError:
        raise NotPicture("Draw it again, or type your name only.") from None
    require(content, limit=limit)
    return content


def require(content: bytes, *, limit: int) -> tuple[int, int]:
    """Width and height. Only the head is read before the size is known. Raises NotPicture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > limit:
                    raise NotPicture(
                        f"The picture has {width} × {height} dots; the limit is {limit // 1_000_000} million in all."
                    )
                picture.verify()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, EOFError) as error:
        raise NotPicture("The picture cannot be read; it seems to be damaged.") from error
    return width, height
