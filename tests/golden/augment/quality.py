"""Lost detail, by albumentations and OpenCV with given parameters.

Partners of glass blur are drawn from our keys. Pictures go to the JPEG encoder as BGR, as it expects them; albumentations
hands it RGB.
"""

import albumentations as A
import cv2
import numpy as np
from albumentations.augmentations.blur import functional as blur
from albumentations.augmentations.pixel import functional as pixel

from philox import words
from pictures import write

cv2.setNumThreads(1)


def call(op):
    return lambda image: op(image=image)["image"]


class Shift:
    """Stands in for the generator: the shifts of a line in turn, right and down."""

    def __init__(self, shift):
        self.shift = list(shift)

    def uniform(self, low, high):
        return self.shift.pop(0)


def motion(size, angle, direction, shift):
    def apply(image):
        kernel = blur.create_motion_kernel(size, angle, direction, any(shift), Shift(shift))
        return pixel.convolve(image, kernel=kernel / np.sum(kernel))

    return apply


def glass(sigma, far, iterations, key):
    def apply(image):
        height, width = image.shape[:2]
        rows, columns = height - 2 * far, width - 2 * far
        if rows <= 0 or columns <= 0:
            dxy = np.zeros((0, iterations, 2), int)
            rows = columns = 0
        else:
            # Every iteration begins a new chunk of 1024 draws.
            chunked = -(-rows * columns // 1024) * 1024
            bits = words(key, chunked * iterations).reshape(iterations, chunked)[:, : rows * columns]
            down = ((bits & 0xFFFF) * (2 * far) >> 16).astype(int) - far
            right = ((bits >> 16) * (2 * far) >> 16).astype(int) - far
            # Ours go row by row, albumentations' column by column.
            dxy = np.stack([down, right], -1).reshape(iterations, rows, columns, 2)
            dxy = dxy.transpose(2, 1, 0, 3).reshape(rows * columns, iterations, 2)
        return blur.glass_blur(image, sigma, far, iterations, dxy, "fast")

    return apply


def defocus(radius, alias):
    """From a radius of 8 on, the disc touches the sides of albumentations' kernel, where its blur is mirrored: the weights
    then add up to more than 1 (1.01 at a radius of 10 and a blur of 0.5). Here such a kernel has room for its edge."""
    if radius < 8:
        return call(A.Defocus((radius, radius), (alias, alias), p=1.0))
    side = np.arange(-radius - 4, radius + 5)
    x, y = np.meshgrid(side, side)
    disc = (x**2 + y**2 <= radius**2).astype(np.float32)
    size = 3 if radius <= 8 else 5
    kernel = cv2.GaussianBlur(disc / disc.sum(), (size, size), sigmaX=alias)
    return lambda image: pixel.convolve(image, kernel=kernel)


def jpeg(quality):
    def apply(image):
        _, file = cv2.imencode(".jpg", image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))
        return cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1]

    return apply


def downscale(scale):
    op = A.Downscale((scale, scale), p=1.0)

    def apply(image):
        height, width = image.shape[:2]
        if round(height * scale) == 0 or round(width * scale) == 0:
            return None
        return op(image=image)["image"]

    return apply


def cases():
    for sigma, size in ((0.5, 0), (1.3, 0), (3.0, 0), (2.0, 5), (8.0, 0)):
        op = A.GaussianBlur(blur_limit=(size, size), sigma_limit=(sigma, sigma), p=1.0)
        yield "gaussian_blur", {"sigma": sigma, "size": size}, call(op)
    lines = ((3, 0, 0, (0, 0)), (7, 30, 0.2, (0, 0)), (5, 135, -1, (0.3, -0.6)), (15, 300, 0.7, (-1, 1)), (7, 90, 1, (0, 0)))
    for size, angle, direction, shift in lines:
        params = {"size": size, "angle": angle, "direction": direction, "shift": shift}
        yield "motion_blur", params, motion(size, angle, direction, shift)
    for size in (3, 5, 7, 15):
        yield "median_blur", {"size": size}, call(A.MedianBlur((size, size), p=1.0))
    for key, (sigma, far, iterations) in enumerate(((0.7, 4, 2), (0.4, 1, 1), (1.5, 7, 3)), 3 << 50):
        params = {"sigma": sigma, "max_delta": far, "iterations": iterations, "key": key}
        yield "glass_blur", params, glass(sigma, far, iterations, key)
    for radius, alias in ((3, 0.1), (5, 0.5), (8, 0.3), (10, 0.5), (1, 2.0)):
        yield "defocus", {"radius": radius, "alias_blur": alias}, defocus(radius, alias)
    for quality in (1, 10, 30, 50, 75, 90, 95, 99, 100):
        yield "image_compression", {"quality": quality}, jpeg(quality)
    for scale in (0.25, 0.5, 0.37, 0.9, 0.1):
        yield "downscale", {"scale": scale}, downscale(scale)


if __name__ == "__main__":
    write("quality", cases)
