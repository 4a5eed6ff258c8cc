"""Moved pixels, by albumentations with given parameters: ranges of no width fix them."""

import albumentations as A
import cv2

from pictures import write

BORDERS = {"reflect101": cv2.BORDER_REFLECT_101, "constant": cv2.BORDER_CONSTANT}


def call(op):
    return lambda image: op(image=image)["image"]


def cases():
    yield "horizontal_flip", {}, call(A.HorizontalFlip(p=1.0))
    yield "vertical_flip", {}, call(A.VerticalFlip(p=1.0))
    for angle in (-45.0, -7.3, 0.4, 30.0, 90.0, 180.0, 217.5):
        for name, mode in BORDERS.items():
            op = A.Rotate(limit=(angle, angle), border_mode=mode, interpolation=cv2.INTER_LINEAR, fill=0, p=1.0)
            yield "rotate", {"angle": angle, "border": name}, call(op)


if __name__ == "__main__":
    write("geometry", cases)
