"""Pictures for the demo: thirteen simple drawn scenes, each a little different every time, before and after the work.

Drawn, not photographed, so that nobody's home is in them. Small (a few kilobytes), because some hundred are stored.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 640, 480
Draw = Callable[[ImageDraw.ImageDraw, random.Random, bool], None]


def picture(kind: str, number: int, after: bool = False) -> bytes:
    """A JPEG of the scene; another `number` gives a variation of it. An unknown kind shows a plain wall."""
    chance = random.Random(f"{kind} {number} {after}")
    image = Image.new("RGB", (WIDTH, HEIGHT), _shade(chance, (206, 209, 204)))
    draw = ImageDraw.Draw(image)
    _room(draw, chance)
    SCENES.get(kind, lambda *_: None)(draw, chance, after)
    image = image.rotate(chance.uniform(-1.5, 1.5), Image.Resampling.BILINEAR).crop((14, 14, WIDTH - 14, HEIGHT - 14))
    out = BytesIO()
    image.save(out, "JPEG", quality=78)
    return out.getvalue()


def _shade(chance: random.Random, colour: tuple[int, int, int], by: int = 14) -> tuple[int, int, int]:
    light = chance.randint(-by, by)
    return tuple(max(0, min(255, part + light)) for part in colour)


def _room(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """A wall over a floor, with the skirting between."""
    edge = chance.randint(330, 380)
    draw.rectangle((0, edge, WIDTH, HEIGHT), fill=_shade(chance, (158, 154, 146)))
    draw.rectangle((0, edge - 10, WIDTH, edge), fill=(120, 118, 112))


def _drip(draw, chance, after) -> None:
    for x in range(0, WIDTH, 128):
        draw.rectangle((x, 0, x + 126, 120), fill=_shade(chance, (228, 229, 225), 4), outline=(178, 180, 176))
    x = chance.randint(240, 380)
    if not after:
        draw.ellipse((x - 90, 30, x + 90, 110), fill=(176, 160, 128), outline=(150, 132, 100), width=3)
        for y in range(130, 340, 55):
            draw.ellipse((x - 5, y, x + 5, y + 18), fill=(96, 140, 170))
        draw.ellipse((x - 130, 400, x + 130, 450), fill=(120, 138, 146))
        draw.polygon((x - 50, 345, x + 50, 345, x + 38, 425, x - 38, 425), fill=(60, 96, 140), outline=(36, 60, 96))


def _socket(draw, chance, after) -> None:
    x, y = chance.randint(200, 280), chance.randint(110, 160)
    draw.rounded_rectangle((x, y, x + 170, y + 170), 12, fill=(245, 245, 243), outline=(150, 150, 150), width=3)
    for dx, dy in ((45, 55), (105, 55), (75, 100)):
        draw.rectangle((x + dx, y + dy, x + dx + 10, y + dy + 30), fill=(50, 50, 50))
    if not after:
        draw.polygon((x + 60, y + 150, x + 30, y + 60, x + 90, y + 90), fill=(84, 70, 58))
    else:
        draw.ellipse((x + 76, y + 140, x + 92, y + 156), fill=(50, 170, 90))


def _lock(draw, chance, after) -> None:
    x = chance.randint(170, 240)
    draw.rectangle((x, 40, x + 280, 460), fill=_shade(chance, (122, 88, 62)), outline=(70, 48, 32), width=5)
    draw.rounded_rectangle((x + 20, 220, x + 66, 320), 10, fill=(190, 190, 186), outline=(110, 110, 106), width=3)
    draw.ellipse((x + 34, 276, x + 52, 294), fill=(40, 40, 40))
    draw.line((x + 44, 246, x + 110, 246 if after else 290), fill=(220, 220, 214), width=12)


def _vent(draw, chance, after) -> None:
    x, y = chance.randint(130, 190), chance.randint(50, 90)
    draw.rectangle((x, y, x + 330, y + 130), fill=(236, 236, 234), outline=(130, 132, 130), width=4)
    for row in range(6):
        draw.line((x + 12, y + 16 + row * 20, x + 318, y + 16 + row * 20), fill=(150, 152, 150), width=6)
    if not after:
        for dx in (60, 160, 260):
            draw.ellipse((x + dx, y + 150, x + dx + 10, y + 176), fill=(96, 140, 170))


def _reader(draw, chance, after) -> None:
    x, y = chance.randint(230, 300), chance.randint(90, 130)
    draw.rounded_rectangle((x, y, x + 130, y + 210), 18, fill=(42, 46, 48), outline=(20, 22, 22), width=4)
    draw.ellipse((x + 50, y + 24, x + 80, y + 54), fill=(60, 190, 100) if after else (206, 54, 44))
    draw.arc((x + 30, y + 90, x + 100, y + 160), 200, 340, fill=(190, 196, 196), width=5)


def _lamp(draw, chance, after) -> None:
    broken = chance.randint(0, 2)
    for index in range(3):
        x, lit = 40 + index * 200, after or index != broken
        draw.rectangle((x, 40, x + 150, 150), fill=(252, 250, 226) if lit else (96, 98, 98), outline=(150, 150, 148), width=3)


def _drain(draw, chance, after) -> None:
    draw.rectangle((0, 0, WIDTH, HEIGHT), fill=(188, 192, 190))
    for at in range(0, WIDTH, 80):
        draw.line((at, 0, at, HEIGHT), fill=(160, 164, 162), width=2)
        draw.line((0, at, WIDTH, at), fill=(160, 164, 162), width=2)
    if not after:
        x = chance.randint(60, 110)
        draw.ellipse((x, 110, x + 450, 400), fill=(128, 140, 134), outline=(110, 122, 116), width=4)
    draw.ellipse((260, 190, 380, 310), fill=(206, 206, 204), outline=(110, 112, 112), width=5)
    for row in range(4):
        draw.line((284, 214 + row * 24, 356, 214 + row * 24), fill=(50, 52, 52), width=7)


def _window(draw, chance, after) -> None:
    x = chance.randint(120, 180)
    draw.rectangle((x, 30, x + 340, 380), fill=(170, 200, 216), outline=(232, 232, 230), width=14)
    draw.line((x + 170, 30, x + 170, 380), fill=(232, 232, 230), width=10)
    if not after:
        start = (x + chance.randint(40, 90), 60)
        draw.line((start, (x + 90, 180), (x + 60, 260), (x + 130, 360)), fill=(250, 252, 252), width=3)
        draw.line((x + 90, 180, x + 150, 220), fill=(250, 252, 252), width=2)


def _tile(draw, chance, after) -> None:
    draw.rectangle((0, 0, WIDTH, HEIGHT), fill=_shade(chance, (176, 170, 160)))
    for row in range(4):
        for column in range(5):
            box = (column * 128 + 3, row * 120 + 3, column * 128 + 124, row * 120 + 116)
            draw.rectangle(box, fill=_shade(chance, (198, 192, 180), 6))
    if not after:
        x, y = 259, 123
        draw.polygon(
            (x, y, x + 118, y - 14, x + 124, y + 92, x + 6, y + 112), fill=(214, 208, 198), outline=(90, 84, 76)
        )
        draw.line((x + 20, y + 10, x + 60, y + 60, x + 44, y + 104), fill=(80, 74, 66), width=4)


def _pipe(draw, chance, after) -> None:
    y = chance.randint(120, 170)
    draw.rectangle((0, y, WIDTH, y + 46), fill=(150, 154, 156), outline=(96, 100, 102), width=3)
    draw.rectangle((290, y - 16, 360, y + 62), fill=(120, 124, 126), outline=(80, 84, 86), width=3)
    draw.ellipse((296, y - 70, 354, y - 12), outline=(190, 50, 40), width=12)
    if not after:
        for dx in (-30, -8, 14, 36):
            draw.line((325, y + 60, 325 + dx * 3, y + 220), fill=(104, 150, 180), width=4)


def _lift(draw, chance, after) -> None:
    draw.rectangle((170, 40, 470, 460), fill=(176, 178, 180), outline=(110, 112, 114), width=8)
    gap = 4 if after else chance.randint(60, 120)
    draw.rectangle((320 - gap // 2, 48, 320 + gap // 2, 456), fill=(46, 48, 50))
    draw.rectangle((500, 200, 552, 300), fill=(210, 212, 212), outline=(120, 120, 120), width=3)
    draw.ellipse((514, 216, 538, 240), fill=(240, 170, 40) if not after else (120, 200, 120))
    draw.rectangle((270, 10, 370, 36), fill=(30, 30, 30))
    draw.line((300, 23, 340, 23), fill=(230, 70, 50), width=6)


def _car(draw, chance, after) -> None:
    draw.rectangle((0, 0, WIDTH, HEIGHT), fill=(138, 140, 140))
    for x in (90, 330, 570):
        draw.line((x, 150, x - 40, 470), fill=(236, 230, 190), width=8)
    if not after:
        paint = chance.choice([(226, 226, 226), (60, 66, 76), (150, 40, 36), (50, 80, 130)])
        draw.rounded_rectangle((130, 220, 310, 400), 26, fill=paint, outline=(30, 30, 30), width=3)
        draw.rounded_rectangle((160, 180, 290, 260), 24, fill=paint, outline=(30, 30, 30), width=3)
        draw.rectangle((172, 196, 278, 246), fill=(150, 180, 196))
        for x in (150, 270):
            draw.ellipse((x, 380, x + 34, 418), fill=(24, 24, 24))


def _boxes(draw, chance, after) -> None:
    draw.polygon((0, 480, 200, 330, 440, 330, 640, 480), fill=(168, 164, 156))
    draw.rectangle((250, 130, 390, 330), fill=(120, 140, 120), outline=(80, 96, 80), width=4)
    draw.rectangle((290, 90, 350, 120), fill=(30, 140, 70))
    if not after:
        for index in range(chance.randint(5, 8)):
            x, y = 60 + index * 62 + chance.randint(-10, 10), 400 - (index % 3) * 74
            draw.rectangle((x, y, x + 92, y + 70), fill=_shade(chance, (186, 148, 100)), outline=(120, 90, 54), width=3)
            draw.line((x, y + 34, x + 92, y + 34), fill=(214, 188, 146), width=8)


SCENES: dict[str, Draw] = {
    "drip": _drip,
    "socket": _socket,
    "lock": _lock,
    "vent": _vent,
    "reader": _reader,
    "lamp": _lamp,
    "drain": _drain,
    "window": _window,
    "tile": _tile,
    "pipe": _pipe,
    "lift": _lift,
    "car": _car,
    "boxes": _boxes,
}
