"""Photos: taken in, decoded and encoded anew, stored outside the web root under a random key.

Nothing of what was sent survives but the pixels: no EXIF, no GPS, no trailing bytes; a HEIC becomes a JPEG, a turned
picture stands upright. Surprise: the same picture sent twice to a ticket is one photo (a phone sends again until it
sees the hash, T28, T30).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pillow_heif
from PIL import Image, ImageOps

from service.errors import PhotoRefused, StorageFull

pillow_heif.register_heif_opener()

_READ = ("JPEG", "PNG", "WEBP", "HEIF")  # MPO, a JPEG with more pictures behind it, is opened as JPEG
_WRITE = {
    "JPEG": ("JPEG", "image/jpeg", "jpg"),
    "MPO": ("JPEG", "image/jpeg", "jpg"),
    "HEIF": ("JPEG", "image/jpeg", "jpg"),
    "PNG": ("PNG", "image/png", "png"),
    "WEBP": ("WEBP", "image/webp", "webp"),
}
_MODES = {"JPEG": ("RGB", "L"), "PNG": ("RGB", "RGBA", "L", "LA", "P"), "WEBP": ("RGB", "RGBA")}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was encoded anew, not stored yet."""

    content: bytes
    media_type: str
    extension: str
    width: int
    height: int
    source_sha256: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def encode_anew(sent: bytes, max_megabytes: int = 10, max_megapixels: int = 50) -> Picture:
    """The picture in `sent`, upright and without anything but its pixels. Raises PhotoRefused for anything else."""
    if len(sent) > max_megabytes * 1_000_000:
        raise PhotoRefused(
            f"The photo has {len(sent) / 1e6:.1f} MB; at most {max_megabytes} MB are taken. Send a smaller one.",
            "photo",
        )
    image, format = _opened(sent, max_megapixels)
    target, media_type, extension = _WRITE[format]
    upright = ImageOps.exif_transpose(image)
    clean = upright.convert(upright.mode if upright.mode in _MODES[target] else _MODES[target][0])
    clean.info = {}
    out = BytesIO()
    clean.save(out, target, **({"quality": 85, "optimize": True} if target != "PNG" else {"optimize": True}))
    return Picture(out.getvalue(), media_type, extension, clean.width, clean.height, hashlib.sha256(sent).hexdigest())


def _opened(sent: bytes, max_megapixels: int) -> tuple[Image.Image, str]:
    """The decoded image and its format. The size is looked at before a pixel is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            image = Image.open(BytesIO(sent), formats=_READ)
            if image.width * image.height > max_megapixels * 1_000_000:
                raise PhotoRefused(
                    f"The picture has {image.width * image.height / 1e6:.0f} megapixels; at most {max_megapixels} go.",
                    "photo",
                )
            format = image.format or ""
            image.load()
    except PhotoRefused:
        raise
    except Exception as error:  # Pillow raises many kinds for broken files; all mean the same to the sender
        raise PhotoRefused(
            "This file is no JPEG, PNG, WebP or HEIC picture that can be read. Take the photo again.", "photo"
        ) from error
    return image, format


def store(folder: Path, picture: Picture, reserve_megabytes: int) -> str:
    """Write the picture and give its key. Raises StorageFull when too little would be free."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < reserve_megabytes * 1_000_000:
        raise StorageFull(
            f"Less than {reserve_megabytes} MB are free for photos. Tell the administrator; steps go on."
        )
    key = secrets.token_urlsafe(24)
    path = path_of(folder, key)
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".part")
    with open(temporary, "wb") as file:
        file.write(picture.content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    return key


def path_of(folder: Path, key: str) -> Path:
    """Where a photo lies. A key that is not one of ours cannot leave the folder."""
    if not key.replace("-", "").replace("_", "").isalnum():
        raise PhotoRefused("This is no photo key.")
    return folder / key[:2] / key
