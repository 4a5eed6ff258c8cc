"""Pictures per second of albumentations and torchvision on the ops of `benches/augment.rs`, on one core.

Pinned: albumentations 2.0.8, opencv-python-headless 5.0.0.93, torch 2.11.0, torchvision 0.26.0.
Run: python benches/augment_peers.py [SIDE]
"""

import sys
import time

import albumentations as A
import cv2
import numpy as np

try:
    import torch
    from torchvision.transforms import v2
except ImportError as error:
    print(f"without torchvision: {error}")
    torch = None

cv2.setNumThreads(1)
side = int(sys.argv[1]) if len(sys.argv) > 1 else 224

y, x = np.mgrid[0:side, 0:side]
texture = ((x * 7919 + y * 104729) ^ (x * y)) % 23
picture = np.stack([((x * (c + 2) + y * (5 - c)) % 233 + texture) for c in range(3)], -1).astype(np.uint8)


def colours():
    """The colour ops in each library, with the parameters of `ops.toml` where it has them."""
    albumentations = {
        "color_jitter": A.ColorJitter(p=1.0),
        "to_gray": A.ToGray(p=1.0),
        "clahe": A.CLAHE(p=1.0),
        "random_gamma": A.RandomGamma(p=1.0),
        "rgb_shift": A.RGBShift(p=1.0),
        "equalize": A.Equalize(p=1.0),
        "equalize_luma": A.Equalize(by_channels=False, p=1.0),
        "auto_contrast": A.AutoContrast(p=1.0),
        "posterize": A.Posterize(p=1.0),
        "solarize": A.Solarize(p=1.0),
        "invert": A.InvertImg(p=1.0),
        "sharpen": A.Sharpen(p=1.0),
        "random_tone_curve": A.RandomToneCurve(p=1.0),
        "random_tone_curve_channels": A.RandomToneCurve(per_channel=True, p=1.0),
    }
    if torch is None:
        return {"albumentations": albumentations, "torchvision": {}}
    torchvision = {
        "color_jitter": v2.ColorJitter(0.2, 0.2, 0.2, 0.5),
        "to_gray": v2.Grayscale(3),
        "random_gamma": lambda tensor: v2.functional.adjust_gamma(tensor, 1.1),
        "equalize": v2.RandomEqualize(1.0),
        "auto_contrast": v2.RandomAutocontrast(1.0),
        "posterize": v2.RandomPosterize(4, 1.0),
        "solarize": v2.RandomSolarize(128, 1.0),
        "invert": v2.RandomInvert(1.0),
        "sharpen": v2.RandomAdjustSharpness(2.0, 1.0),
    }
    return {"albumentations": albumentations, "torchvision": torchvision}


COLOURS = colours()


def ours_in_albumentations():
    rotate = {"limit": (-45, 45), "p": 1.0}
    noise = {"std_range": (0.05, 0.11), "mean_range": (0.0, 0.0), "p": 1.0}
    return {
        "horizontal_flip": A.HorizontalFlip(p=1.0),
        "vertical_flip": A.VerticalFlip(p=1.0),
        "rotate_reflect": A.Rotate(border_mode=cv2.BORDER_REFLECT_101, **rotate),
        "rotate_constant": A.Rotate(border_mode=cv2.BORDER_CONSTANT, **rotate),
        "random_brightness_contrast": A.RandomBrightnessContrast(0.2, 0.2, p=1.0),
        "hue_saturation_value": A.HueSaturationValue(20, 30, 20, p=1.0),
        "channel_shuffle": A.ChannelShuffle(p=1.0),
        **COLOURS["albumentations"],
        "gauss_noise": A.GaussNoise(per_channel=True, **noise),
        "gauss_noise_shared": A.GaussNoise(per_channel=False, **noise),
    }


def geometry_in_albumentations():
    affine = {"scale": (0.8, 1.2), "translate_percent": (-0.1, 0.1), "rotate": (-30, 30), "shear": (-10, 10), "p": 1.0}
    pad, crop = side // 8, A.RandomCrop(side, side, p=1.0)
    return {
        "transpose": A.Transpose(p=1.0),
        "random_rotate90": A.RandomRotate90(p=1.0),
        "affine": A.Affine(**affine),
        "affine_reflect": A.Affine(border_mode=cv2.BORDER_REFLECT_101, **affine),
        "shift_scale_rotate": A.ShiftScaleRotate(p=1.0),
        "perspective": A.Perspective(p=1.0),
        "random_resized_crop": A.RandomResizedCrop((side, side), p=1.0),
        "random_crop": A.Compose([A.Pad(pad, border_mode=cv2.BORDER_CONSTANT, p=1.0), crop]),
        "random_crop_reflect": A.Compose([A.Pad(pad, border_mode=cv2.BORDER_REFLECT_101, p=1.0), crop]),
        "grid_distortion": A.GridDistortion(p=1.0),
        "elastic_transform": A.ElasticTransform(alpha=300, sigma=8, p=1.0),
        "elastic_transform_smooth": A.ElasticTransform(alpha=3000, sigma=50, p=1.0),
        "optical_distortion": A.OpticalDistortion(p=1.0),
    }


def geometry_in_torchvision():
    if torch is None:
        return {}
    bilinear = v2.InterpolationMode.BILINEAR
    pad = side // 8
    return {
        "affine": v2.RandomAffine(30, (0.1, 0.1), (0.8, 1.2), (-10, 10, -10, 10), interpolation=bilinear),
        "shift_scale_rotate": v2.RandomAffine(45, (0.0625, 0.0625), (0.9, 1.1), interpolation=bilinear),
        "perspective": v2.RandomPerspective(0.2, p=1.0, interpolation=bilinear),
        "random_resized_crop": v2.RandomResizedCrop((side, side), interpolation=bilinear),
        "random_crop": v2.RandomCrop(side, padding=pad),
        "random_crop_reflect": v2.RandomCrop(side, padding=pad, padding_mode="reflect"),
        "elastic_transform": v2.ElasticTransform(alpha=300.0, sigma=8.0),
        "elastic_transform_smooth": v2.ElasticTransform(alpha=3000.0, sigma=50.0),
    }


def noise_and_quality_in_albumentations():
    random = {"fill": "random", "p": 1.0}
    return {
        "iso_noise": A.ISONoise(p=1.0),
        "multiplicative_noise": A.MultiplicativeNoise(p=1.0),
        "multiplicative_noise_pixels": A.MultiplicativeNoise(elementwise=True, p=1.0),
        "multiplicative_noise_values": A.MultiplicativeNoise(elementwise=True, per_channel=True, p=1.0),
        "pixel_dropout": A.PixelDropout(p=1.0),
        "pixel_dropout_channels": A.PixelDropout(per_channel=True, p=1.0),
        "coarse_dropout": A.CoarseDropout(p=1.0),
        "coarse_dropout_random": A.CoarseDropout(**random),
        "random_erasing": A.Erasing(p=1.0),
        "random_erasing_random": A.Erasing(**random),
        "gaussian_blur_small": A.GaussianBlur(sigma_limit=(0.7, 0.7), p=1.0),
        "gaussian_blur": A.GaussianBlur(sigma_limit=(3.0, 3.0), p=1.0),
        "motion_blur": A.MotionBlur((7, 7), p=1.0),
        "median_blur_3": A.MedianBlur((3, 3), p=1.0),
        "median_blur_5": A.MedianBlur((5, 5), p=1.0),
        "median_blur_7": A.MedianBlur((7, 7), p=1.0),
        "median_blur_15": A.MedianBlur((15, 15), p=1.0),
        "glass_blur": A.GlassBlur(p=1.0),
        "defocus_3": A.Defocus((3, 3), p=1.0),
        "defocus_10": A.Defocus((10, 10), p=1.0),
        "image_compression_30": A.ImageCompression(quality_range=(30, 30), p=1.0),
        "image_compression": A.ImageCompression(p=1.0),
        "downscale": A.Downscale(p=1.0),
    }


def ours_in_torchvision():
    if torch is None:
        return {}
    torch.set_num_threads(1)
    bilinear = v2.InterpolationMode.BILINEAR
    return {
        "horizontal_flip": v2.RandomHorizontalFlip(p=1.0),
        "vertical_flip": v2.RandomVerticalFlip(p=1.0),
        "rotate_constant": v2.RandomRotation(45, interpolation=bilinear),
        "random_brightness_contrast": v2.ColorJitter(brightness=0.2, contrast=0.2),
        "hue_saturation_value": v2.ColorJitter(hue=0.11, saturation=0.12, brightness=0.08),
        "channel_shuffle": v2.RandomChannelPermutation(),
        **COLOURS["torchvision"],
        "random_erasing": v2.RandomErasing(p=1.0),
        "gaussian_blur_small": v2.GaussianBlur(5, (0.7, 0.7)),
        "gaussian_blur": v2.GaussianBlur(21, (3.0, 3.0)),
        "image_compression_30": v2.JPEG(30),
        "image_compression": v2.JPEG((99, 100)),
        "gauss_noise": v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.GaussianNoise(0.0, 0.08),
                                   v2.ToDtype(torch.uint8, scale=True)]),
    }


def measure(call):
    """Seconds per picture: the best of several rounds of 20, for about a second."""
    best, end = float("inf"), time.perf_counter() + 1.0
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(20):
            call()
        best = min(best, (time.perf_counter() - start) / 20)
    return best


albumentations = ours_in_albumentations() | geometry_in_albumentations() | noise_and_quality_in_albumentations()
torchvision = ours_in_torchvision() | geometry_in_torchvision()
tensor = torch.from_numpy(picture).permute(2, 0, 1).contiguous() if torch else None
print(f"{f'{side} x {side}, one core':<28}{'albumentations':>16}{'torchvision':>14}  (images/s)")
for name, op in albumentations.items():
    first = f"{1 / measure(lambda: op(image=picture)):.0f}"
    second = f"{1 / measure(lambda: torchvision[name](tensor)):.0f}" if name in torchvision else "-"
    print(f"{name:<28}{first:>16}{second:>14}")
