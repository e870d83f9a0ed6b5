"""Pictures: whether an uploaded one can be opened, and is of a size that nobody chokes on."""

import io
import warnings

from PIL import Image

from kernel.refusal import Refusal

FORMATS = ("PNG", "JPEG")


class NotPicture(Refusal):
    """The file is no picture that we keep."""


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
