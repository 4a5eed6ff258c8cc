"""Moved pixels, by albumentations with given parameters: ranges of no width fix them; where none can, its functions are
called with them."""

import albumentations as A
import cv2
import numpy as np
from albumentations.augmentations.geometric import functional as F

from pictures import write

BORDERS = {"reflect101": cv2.BORDER_REFLECT_101, "constant": cv2.BORDER_CONSTANT}
# Scale x and y, shift as a share of width and height, rotation, shear x and y.
AFFINES = (
    (1.0, 1.0, 0.1, -0.07, 0.0, 0.0, 0.0),
    (1.3, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0),
    (0.9, 1.1, -0.05, 0.2, 33.3, 0.0, 0.0),
    (1.0, 1.0, 0.0, 0.0, 0.0, 12.5, -20.0),
    (0.45, 2.2, 0.31, -0.4, -141.0, -9.0, 31.0),
)
INWARDS = (
    ((0.1, 0.05), (0.02, 0.2), (0.15, 0.01), (0.3, 0.11)),
    ((0.0, 0.31), (0.3, 0.0), (0.0, 0.31), (0.3, 0.0)),
)
# Share of width and height that is added, place of the crop across and down.
PADS = ((0.125, 0.0, 0.99), (0.3, 0.7, 0.4), (1.0, 0.05, 0.95))
# Left, top, width and height as shares.
CROPS = ((0.5, 1.0, 0.0, 0.0), (0.3, 0.8, 0.9, 0.35), (1.0, 1.0, 0.5, 0.5))
STEPS = (
    ([1.2, 0.75, 1.1, 0.9, 1.3, 0.8], [0.7, 1.3, 0.95, 1.0, 1.25, 1.1]),
    ([0.1, 1.9, 0.6], [1.0, 1.0, 1.0]),
)
# How far the fields of displacements move, in pixels.
FAR = (1.7, 9.0)


def call(op):
    return lambda image: op(image=image)["image"]


def fixed(value):
    return (value, value)


def affine(params, mode):
    scale_x, scale_y, shift_x, shift_y, rotate, shear_x, shear_y = params
    return A.Affine(
        scale={"x": fixed(scale_x), "y": fixed(scale_y)},
        translate_percent={"x": fixed(shift_x), "y": fixed(shift_y)},
        rotate=fixed(rotate),
        shear={"x": fixed(shear_x), "y": fixed(shear_y)},
        interpolation=cv2.INTER_LINEAR,
        border_mode=mode,
        fill=0,
        p=1.0,
    )


def perspective(image, inwards):
    """The corners fill the picture: `keep_size` would enlarge once more."""
    height, width = image.shape[:2]
    points = np.array(inwards)
    points[1:3, 0] = 1 - points[1:3, 0]
    points[2:4, 1] = 1 - points[2:4, 1]
    source = (points * (width, height)).astype(np.float32)
    target = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(source, target)
    return F.perspective(image, matrix, width, height, 0, cv2.BORDER_REFLECT_101, True, cv2.INTER_LINEAR)


def pad_and_crop(image, padding, across, down, mode):
    height, width = image.shape[:2]
    pad_x, pad_y = int(padding * width + 0.5), int(padding * height + 0.5)
    padded = cv2.copyMakeBorder(image, pad_y, pad_y, pad_x, pad_x, mode, value=0)
    left, top = int(across * (2 * pad_x + 1)), int(down * (2 * pad_y + 1))
    return padded[top : top + height, left : left + width]


def resized_crop(image, area, ratio, across, down):
    """What A.RandomResizedCrop does with these draws."""
    height, width = image.shape[:2]
    w, h = round((area * width * height * ratio) ** 0.5), round((area * width * height / ratio) ** 0.5)
    if not (0 < w <= width and 0 < h <= height):
        w, h = width, height
        left = top = 0
    else:
        left, top = int((width - w + 1) * across), int((height - h + 1) * down)
    op = A.RandomResizedCrop((height, width), p=1.0)
    return op.apply(image, crop_coords=(left, top, left + w, top + h))


def grid(image, steps, mode):
    x, y = (np.array(steps) for steps in steps)
    steps = F.normalize_grid_distortion_steps(image.shape, len(x) - 1, x, y)
    maps = F.generate_grid(image.shape, steps["steps_x"], steps["steps_y"], len(x) - 1)
    return F.remap(image, *maps, cv2.INTER_LINEAR, mode, 0)


def lens(image, k, mode):
    """About the middle of the picture: albumentations' maps lie half a pixel further on."""
    x, y = F.get_camera_matrix_distortion_maps(image.shape, k)
    op = A.OpticalDistortion(border_mode=mode, fill=0, p=1.0)
    return op.apply(image, map_x=x - np.float32(0.5), map_y=y - np.float32(0.5))


def fields(height, width, far):
    """Displacements that a test can make again."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    across, down = far * np.sin(x * 0.31 + y * 0.17), far * np.cos(x * 0.13 - y * 0.29)
    return across.astype(np.float32), down.astype(np.float32)


def displaced(image, far, mode):
    height, width = image.shape[:2]
    across, down = fields(height, width, far)
    y, x = np.mgrid[0:height, 0:width]
    op = A.ElasticTransform(border_mode=mode, fill=0, p=1.0)
    return op.apply(image, map_x=(x + across).astype(np.float32), map_y=(y + down).astype(np.float32))


def cases():
    yield "horizontal_flip", {}, call(A.HorizontalFlip(p=1.0))
    yield "vertical_flip", {}, call(A.VerticalFlip(p=1.0))
    yield "transpose", {}, call(A.Transpose(p=1.0))
    for turns in range(4):
        op = A.RandomRotate90(p=1.0)
        yield "random_rotate90", {"turns": turns}, lambda image, op=op, turns=turns: op.apply(image, factor=turns)
    for angle in (-45.0, -7.3, 0.4, 30.0, 90.0, 180.0, 217.5):
        for name, mode in BORDERS.items():
            op = A.Rotate(limit=(angle, angle), border_mode=mode, interpolation=cv2.INTER_LINEAR, fill=0, p=1.0)
            yield "rotate", {"angle": angle, "border": name}, call(op)
    for name, mode in BORDERS.items():
        border = {"border": name}
        for params in AFFINES:
            scale, shift, shear = params[:2], params[2:4], params[5:]
            drawn = {"scale": scale, "translate": shift, "rotate": params[4], "shear": shear}
            yield "affine", drawn | border, call(affine(params, mode))
        for padding, across, down in PADS:
            drawn = {"padding": padding, "at": (across, down)} | border
            yield "random_crop", drawn, lambda image, pad=(padding, across, down), mode=mode: pad_and_crop(
                image, *pad, mode
            )
        for steps in STEPS:
            # Longer sides alone: what albumentations makes of fewer pixels than steps is a fault.
            function = lambda image, steps=steps, mode=mode: grid(image, steps, mode) if image.size > 999 else image
            yield "grid_distortion", {"steps": steps} | border, function
        for k in (0.05, -0.3, 0.9):
            yield "optical_distortion", {"k": k} | border, lambda image, k=k, mode=mode: lens(image, k, mode)
        for far in FAR:
            yield "elastic_transform", {"far": far} | border, lambda image, far=far, mode=mode: displaced(image, far, mode)
    for inwards in INWARDS:
        yield "perspective", {"inwards": inwards}, lambda image, inwards=inwards: perspective(image, inwards)
    for area, ratio, across, down in CROPS:
        drawn = {"area": area, "ratio": ratio, "at": (across, down)}
        yield "random_resized_crop", drawn, lambda image, drawn=(area, ratio, across, down): resized_crop(image, *drawn)


if __name__ == "__main__":
    write("geometry", cases)
