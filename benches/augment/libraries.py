"""The ops of `ops.toml` in albumentations, torchvision and kornia, with the same ranges where they have them.

Where a library's op is another one, a comment says so. A library is made from pictures [N, side, side, 3] uint8; it has a `name`, `ops`
(one call each: what takes an input, the inputs, how many pictures an input holds) and `seed`. Making one that is not installed is an ImportError.
"""

import random

import numpy as np

# Pictures in a batch of kornia, and in one that is packed for training.
BATCH, PACKED = 16, 32
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def torch_on_one_core():
    import torch

    torch.set_num_threads(1)
    return torch


class Albumentations:
    name = "albumentations"

    def __init__(self, pictures, side):
        import albumentations
        import cv2

        cv2.setNumThreads(1)
        self.made = {**geometry(albumentations, cv2, side), **colour(albumentations), **noise(albumentations)}
        self.made |= {**quality(albumentations), "study": study(albumentations, cv2)}
        inputs = [np.ascontiguousarray(picture) for picture in pictures]
        self.ops = {name: (applied(op), inputs, 1) for name, op in self.made.items()}
        try:
            torch = torch_on_one_core()
            from albumentations.pytorch import ToTensorV2
        except ImportError:
            return
        pack = albumentations.Compose([albumentations.Normalize(MEAN, STD), ToTensorV2()])
        whole = [[inputs[i % len(inputs)] for i in range(PACKED)]]
        self.ops["normalize_and_pack"] = (
            lambda batch: torch.stack([pack(image=picture)["image"] for picture in batch]),
            whole,
            PACKED,
        )

    def seed(self, op):
        if op in self.made:
            self.made[op].set_random_seed(1)
        random.seed(1)
        np.random.seed(1)


def applied(op):
    return lambda picture: op(image=picture)["image"]


def geometry(A, cv2, side):
    reflect, constant = {"border_mode": cv2.BORDER_REFLECT_101}, {"border_mode": cv2.BORDER_CONSTANT}
    affine = {"scale": (0.8, 1.2), "translate_percent": (-0.1, 0.1), "rotate": (-30, 30), "shear": (-10, 10), "p": 1.0}
    pad, crop = side // 8, A.RandomCrop(side, side, p=1.0)
    return {
        "horizontal_flip": A.HorizontalFlip(p=1.0),
        "vertical_flip": A.VerticalFlip(p=1.0),
        "rotate": A.Rotate((-45, 45), p=1.0, **reflect),
        "rotate_constant": A.Rotate((-45, 45), p=1.0, **constant),
        "transpose": A.Transpose(p=1.0),
        "random_rotate90": A.RandomRotate90(p=1.0),
        "affine": A.Affine(**affine, **constant),
        "affine_reflect": A.Affine(**affine, **reflect),
        "shift_scale_rotate": A.ShiftScaleRotate(p=1.0, **constant),
        "perspective": A.Perspective(p=1.0),
        "random_resized_crop": A.RandomResizedCrop((side, side), p=1.0),
        "random_crop": A.Compose([A.Pad(pad, p=1.0, **constant), crop]),
        "random_crop_reflect": A.Compose([A.Pad(pad, p=1.0, **reflect), crop]),
        "grid_distortion": A.GridDistortion(p=1.0, **reflect),
        "elastic_transform": A.ElasticTransform(alpha=300, sigma=8, p=1.0, **constant),
        "elastic_transform_smooth": A.ElasticTransform(alpha=3000, sigma=50, p=1.0, **constant),
        "optical_distortion": A.OpticalDistortion(p=1.0, **constant),
    }


def colour(A):
    return {
        "random_brightness_contrast": A.RandomBrightnessContrast(p=1.0),
        "hue_saturation_value": A.HueSaturationValue(p=1.0),
        "channel_shuffle": A.ChannelShuffle(p=1.0),
        "color_jitter": A.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (-0.5, 0.5), p=1.0),
        "to_gray": A.ToGray(p=1.0),
        "clahe": A.CLAHE(p=1.0),
        "random_gamma": A.RandomGamma(p=1.0),
        "rgb_shift": A.RGBShift(p=1.0),
        "equalize": A.Equalize(p=1.0),
        "equalize_luma": A.Equalize(by_channels=False, p=1.0),
        "auto_contrast": A.AutoContrast(p=1.0),
        "posterize": A.Posterize(4, p=1.0),
        "solarize": A.Solarize((0.5, 0.5), p=1.0),
        "invert": A.InvertImg(p=1.0),
        "sharpen": A.Sharpen(p=1.0),
        "random_tone_curve": A.RandomToneCurve(p=1.0),
        "random_tone_curve_channels": A.RandomToneCurve(per_channel=True, p=1.0),
    }


def noise(A):
    std = {"std_range": (0.05, 0.11), "mean_range": (0.0, 0.0), "p": 1.0}
    return {
        "gauss_noise": A.GaussNoise(per_channel=True, **std),
        "gauss_noise_shared": A.GaussNoise(per_channel=False, **std),
        "iso_noise": A.ISONoise(p=1.0),
        "multiplicative_noise": A.MultiplicativeNoise(p=1.0),
        "multiplicative_noise_pixels": A.MultiplicativeNoise(elementwise=True, p=1.0),
        "multiplicative_noise_values": A.MultiplicativeNoise(elementwise=True, per_channel=True, p=1.0),
        "pixel_dropout": A.PixelDropout(p=1.0),
        "pixel_dropout_channels": A.PixelDropout(per_channel=True, p=1.0),
        "coarse_dropout": A.CoarseDropout(p=1.0),
        "coarse_dropout_random": A.CoarseDropout(fill="random", p=1.0),
        "random_erasing": A.Erasing(p=1.0),
        "random_erasing_random": A.Erasing(fill="random", p=1.0),
    }


def quality(A):
    return {
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
        "image_compression": A.ImageCompression(quality_range=(99, 100), p=1.0),
        "downscale": A.Downscale(p=1.0),
    }


def study(A, cv2):
    """The whole policy of `experiments/taco-augmentation.toml`."""
    return A.Compose(
        [
            A.OneOf([A.HueSaturationValue(), A.ChannelShuffle(), A.RandomBrightnessContrast()], p=0.5),
            A.OneOf([A.HorizontalFlip(), A.VerticalFlip()], p=0.5),
            A.OneOf([A.GaussNoise((0.05, 0.11)), A.GlassBlur(), A.ISONoise()], p=0.5),
            A.Rotate((-350, 350), border_mode=cv2.BORDER_REFLECT_101, p=0.5),
            A.Transpose(p=0.5),
            A.PixelDropout(p=0.5),
            A.CLAHE(p=0.5),
            A.ToGray(p=0.2),
        ]
    )


class Torchvision:
    name = "torchvision"

    def __init__(self, pictures, side):
        torch = torch_on_one_core()
        from torchvision.transforms import v2

        self.torch = torch
        inputs = [torch.from_numpy(picture).permute(2, 0, 1).contiguous() for picture in pictures]
        ops = {**torchvision_geometry(v2, side), **torchvision_values(v2, torch), **torchvision_policies(v2)}
        self.ops = {name: (op, inputs, 1) for name, op in ops.items()}
        pack = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])
        whole = [[inputs[i % len(inputs)] for i in range(PACKED)]]
        self.ops["normalize_and_pack"] = (lambda batch: torch.stack([pack(picture) for picture in batch]), whole, PACKED)
        # Uncommon, but the better way: the bytes are packed first.
        self.ops["pack_and_normalize"] = (lambda batch: pack(torch.stack(batch)), whole, PACKED)

    def seed(self, _):
        self.torch.manual_seed(1)
        random.seed(1)


def torchvision_geometry(v2, side):
    way = {"interpolation": v2.InterpolationMode.BILINEAR}
    pad = side // 8
    return {
        "horizontal_flip": v2.RandomHorizontalFlip(p=1.0),
        "vertical_flip": v2.RandomVerticalFlip(p=1.0),
        "rotate_constant": v2.RandomRotation(45, **way),
        "affine": v2.RandomAffine(30, (0.1, 0.1), (0.8, 1.2), (-10, 10, -10, 10), **way),
        "shift_scale_rotate": v2.RandomAffine(45, (0.0625, 0.0625), (0.9, 1.1), **way),
        # Corners move by a uniform share of the sides there, by a normal one in the others.
        "perspective": v2.RandomPerspective(0.2, p=1.0, **way),
        "random_resized_crop": v2.RandomResizedCrop((side, side), antialias=False, **way),
        "random_crop": v2.RandomCrop(side, padding=pad),
        "random_crop_reflect": v2.RandomCrop(side, padding=pad, padding_mode="reflect"),
        "elastic_transform": v2.ElasticTransform(alpha=300.0, sigma=8.0),
        # Not with sigma = 50: seconds for each picture, since its kernel is 400 pixels wide and not separated.
    }


def torchvision_values(v2, torch):
    floats = v2.ToDtype(torch.float32, scale=True)
    return {
        "random_brightness_contrast": v2.ColorJitter(brightness=0.2, contrast=0.2),
        # Saturation and value are scaled, not moved.
        "hue_saturation_value": v2.ColorJitter(hue=20 / 180, saturation=30 / 255, brightness=20 / 255),
        "channel_shuffle": v2.RandomChannelPermutation(),
        "color_jitter": v2.ColorJitter(0.2, 0.2, 0.2, 0.5),
        "to_gray": v2.Grayscale(3),
        "random_gamma": lambda picture: v2.functional.adjust_gamma(picture, random.uniform(0.8, 1.2)),
        "equalize": v2.RandomEqualize(1.0),
        "auto_contrast": v2.RandomAutocontrast(1.0),
        "posterize": v2.RandomPosterize(4, 1.0),
        "solarize": v2.RandomSolarize(128, 1.0),
        "invert": v2.RandomInvert(1.0),
        # A blend with a smoothed picture; one kernel in the others.
        "sharpen": v2.RandomAdjustSharpness(1.5, 1.0),
        # One standard deviation for all pictures.
        "gauss_noise": v2.Compose([floats, v2.GaussianNoise(0.0, 0.08), v2.ToDtype(torch.uint8, scale=True)]),
        "random_erasing": v2.RandomErasing(p=1.0),
        "random_erasing_random": v2.Compose([floats, v2.RandomErasing(p=1.0, value="random"), v2.ToDtype(torch.uint8, scale=True)]),
        "gaussian_blur_small": v2.GaussianBlur(5, (0.7, 0.7)),
        "gaussian_blur": v2.GaussianBlur(21, (3.0, 3.0)),
        "image_compression_30": v2.JPEG(30),
        "image_compression": v2.JPEG((99, 100)),
    }


def torchvision_policies(v2):
    return {
        "rand_augment": v2.RandAugment(),
        "trivial_augment_wide": v2.TrivialAugmentWide(),
        "auto_augment": v2.AutoAugment(),
        "aug_mix": v2.AugMix(),
    }


class Kornia:
    name = "kornia"

    def __init__(self, pictures, side):
        torch = torch_on_one_core()
        import kornia.augmentation as kornia

        self.torch = torch
        floats = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous().float() / 255
        batch = floats.repeat(-(-BATCH // len(floats)), 1, 1, 1)[:BATCH].contiguous()
        policies = kornia_policies(kornia)
        singles = [picture[None] for picture in floats]
        self.ops = {name: (op, [batch], BATCH) for name, op in kornia_ops(kornia, side).items()}
        self.ops |= {name: (op, singles, 1) for name, op in policies.items()}

    def seed(self, _):
        self.torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)


def kornia_ops(K, side):
    """Values are of 0 to 1, and stay floats."""
    always = {"p": 1.0}
    return {
        "horizontal_flip": K.RandomHorizontalFlip(**always),
        "vertical_flip": K.RandomVerticalFlip(**always),
        "rotate_constant": K.RandomRotation(45.0, **always),
        "random_rotate90": K.RandomRotation90((0, 3), **always),
        "affine": K.RandomAffine(30.0, (0.1, 0.1), (0.8, 1.2), (-10.0, 10.0, -10.0, 10.0), **always),
        "affine_reflect": K.RandomAffine(
            30.0, (0.1, 0.1), (0.8, 1.2), (-10.0, 10.0, -10.0, 10.0), padding_mode="reflection", **always
        ),
        "shift_scale_rotate": K.RandomAffine(45.0, (0.0625, 0.0625), (0.9, 1.1), **always),
        "perspective": K.RandomPerspective(0.2, **always),
        "random_resized_crop": K.RandomResizedCrop((side, side), **always),
        "random_crop": K.RandomCrop((side, side), padding=side // 8, **always),
        "random_crop_reflect": K.RandomCrop((side, side), padding=side // 8, padding_mode="reflect", **always),
        "elastic_transform": K.RandomElasticTransform((63, 63), (8.0, 8.0), (1.0, 1.0), **always),
        "random_brightness_contrast": K.ColorJiggle(0.2, 0.2, 0.0, 0.0, **always),
        "hue_saturation_value": K.ColorJiggle(20 / 255, 0.0, 30 / 255, 20 / 180, **always),
        "channel_shuffle": K.RandomChannelShuffle(**always),
        "color_jitter": K.ColorJitter(0.2, 0.2, 0.2, 0.5, **always),
        "to_gray": K.RandomGrayscale(**always),
        "clahe": K.RandomClahe((1.0, 4.0), **always),
        "random_gamma": K.RandomGamma((0.8, 1.2), **always),
        "rgb_shift": K.RandomRGBShift(20 / 255, 20 / 255, 20 / 255, **always),
        "equalize": K.RandomEqualize(**always),
        "auto_contrast": K.RandomAutoContrast(**always),
        "posterize": K.RandomPosterize((4.0, 4.0), **always),
        "solarize": K.RandomSolarize((0.5, 0.5), (0.0, 0.0), **always),
        "invert": K.RandomInvert(**always),
        "sharpen": K.RandomSharpness((0.5, 0.5), **always),
        "gauss_noise": K.RandomGaussianNoise(0.0, 0.08, **always),
        "random_erasing": K.RandomErasing((0.02, 0.33), (0.3, 3.3), **always),
        "gaussian_blur_small": K.RandomGaussianBlur((5, 5), (0.7, 0.7), **always),
        "gaussian_blur": K.RandomGaussianBlur((21, 21), (3.0, 3.0), **always),
        "motion_blur": K.RandomMotionBlur(7, 180.0, 1.0, **always),
        "median_blur_3": K.RandomMedianBlur((3, 3), **always),
        "median_blur_5": K.RandomMedianBlur((5, 5), **always),
        # Compresses by an approximation of JPEG that has derivatives.
        "image_compression_30": K.RandomJPEG((30.0, 30.0), **always),
    }


def kornia_policies(K):
    """Other sets of changes than torchvision's, reading between pixels."""
    from kornia.augmentation import auto

    return {
        "rand_augment": auto.RandAugment(n=2, m=9),
        "trivial_augment_wide": auto.TrivialAugment(),
        "auto_augment": auto.AutoAugment("imagenet"),
    }


PEERS = [Albumentations, Torchvision, Kornia]
