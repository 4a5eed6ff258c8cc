"""Noise by albumentations: its formulas with the draws of our keys in place of its own generator's."""

import albumentations as A
import numpy as np
from albumentations.augmentations.pixel import functional as pixel
from scipy.stats import poisson

from philox import halves, normal, words
from pictures import write


class Given:
    """Stands in for numpy's generator in `iso_noise`."""

    def __init__(self, key):
        self.key = key

    def poisson(self, mean, size):
        mean = float(np.ravel(mean)[0])
        limits = np.rint(poisson.cdf(np.arange(64), mean) * 65536)
        bits = words(self.key, size[0] * size[1]) >> 16
        return (bits[:, None] >= limits[None]).sum(1).reshape(size)

    def normal(self, mean, spread, size):
        return (mean + spread * normal(words(self.key, size[0] * size[1]) & 0xFFFF)).reshape(size)


def factors(low, high, key, per_channel):
    def call(image):
        shape = image.shape if per_channel else image.shape[:2]
        bits = halves(key, int(np.prod(shape))).astype(np.float32)
        factor = np.float32(low) + (bits + np.float32(0.5)) * np.float32((high - low) / 65536)
        factor = factor.reshape(shape)
        return A.MultiplicativeNoise(p=1.0).apply(
            image, multiplier=factor if per_channel else np.repeat(factor[..., None], 3, axis=-1)
        )

    return call


def dropout(probability, per_channel, key, level):
    def call(image):
        shape = image.shape if per_channel else image.shape[:2]
        mask = (words(key, int(np.prod(shape))) < int(probability * 2**32)).reshape(shape)
        mask = mask if per_channel else np.repeat(mask[..., None], 3, axis=-1)
        return pixel.pixel_dropout(image, mask, np.full(image.shape, level, np.uint8))

    return call


def cases():
    for key, (shift, intensity) in enumerate(((0.05, 0.5), (0.01, 0.1), (1.0, 1.0), (0.0, 0.3)), 77 << 32):
        params = {"color_shift": shift, "intensity": intensity, "key": key}
        yield "iso_noise", params, lambda image, s=shift, i=intensity, k=key: pixel.iso_noise(image, s, i, Given(k))
    for factor in (0.9, 1.1, 0.0, 3.7):
        yield "multiplicative_noise", {"multiplier": [factor] * 3}, lambda image, f=factor: A.MultiplicativeNoise(
            (f, f), p=1.0
        )(image=image)["image"]
    channels = [0.93, 1.02, 0.8]
    yield "multiplicative_noise", {"multiplier": channels}, lambda image: A.MultiplicativeNoise(p=1.0).apply(
        image, multiplier=np.array(channels, np.float32)
    )
    for key, (low, high, per_channel) in enumerate(((0.9, 1.1, True), (0.2, 2.0, True), (0.9, 1.1, False)), 5 << 40):
        params = {"multiplier": [low, high], "per_channel": per_channel, "key": key}
        yield "multiplicative_noise_pixels", params, factors(low, high, key, per_channel)
    for key, (probability, per_channel, level) in enumerate(((0.01, False, 0), (0.3, True, 0), (0.5, False, 200)), 9):
        params = {"probability": probability, "per_channel": per_channel, "level": level, "key": key}
        yield "pixel_dropout", params, dropout(probability, per_channel, key, level)


if __name__ == "__main__":
    write("noise", cases)
