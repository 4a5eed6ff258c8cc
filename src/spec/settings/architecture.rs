//! The networks by name, and what a spec must know of them before any is built.

use serde::{Deserialize, Serialize};

/// The architectures that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Architecture {
    /// ConvNeXt-T (Liu et al. 2022), timm's `convnext_tiny`.
    ConvnextTiny,
    /// EfficientNet-B0 (Tan and Le 2019), timm's `efficientnet_b0`.
    EfficientnetB0,
    /// EfficientNetV2-B0 (Tan and Le 2021; of the Keras applications), timm's `tf_efficientnetv2_b0`.
    EfficientnetV2B0,
    /// EfficientNetV2-B1, timm's `tf_efficientnetv2_b1`.
    EfficientnetV2B1,
    /// EfficientNetV2-B3, timm's `tf_efficientnetv2_b3`.
    EfficientnetV2B3,
    /// Inception v3 (Szegedy et al. 2015), timm's `inception_v3`.
    InceptionV3,
    /// MobileNetV3-Large 1.0 (Howard et al. 2019), timm's `mobilenetv3_large_100`.
    MobilenetV3Large,
    /// MobileNetV3-Small 1.0 (Howard et al. 2019), timm's `mobilenetv3_small_100`.
    MobilenetV3Small,
    /// ResNet-18 (He et al. 2015), timm's `resnet18`.
    Resnet18,
    /// ResNet-34, timm's `resnet34`.
    Resnet34,
    /// ResNet-50, timm's `resnet50`.
    Resnet50,
    /// SqueezeNet 1.1 (Iandola et al. 2016), torchvision's `squeezenet1_1`.
    Squeezenet1_1,
    /// VGG-16 (Simonyan and Zisserman 2014), timm's `vgg16`.
    Vgg16,
    /// A TorchScript module, from the file that [`super::Model::module`] names.
    Torchscript,
}

impl Architecture {
    /// Those that are built in, in the order of their names.
    pub const ALL: [Architecture; 13] = [
        Architecture::ConvnextTiny,
        Architecture::EfficientnetB0,
        Architecture::EfficientnetV2B0,
        Architecture::EfficientnetV2B1,
        Architecture::EfficientnetV2B3,
        Architecture::InceptionV3,
        Architecture::MobilenetV3Large,
        Architecture::MobilenetV3Small,
        Architecture::Resnet18,
        Architecture::Resnet34,
        Architecture::Resnet50,
        Architecture::Squeezenet1_1,
        Architecture::Vgg16,
    ];

    /// The name in a spec; that of a module is followed by a colon and its path.
    pub const fn name(self) -> &'static str {
        match self {
            Architecture::ConvnextTiny => "convnext_tiny",
            Architecture::EfficientnetB0 => "efficientnet_b0",
            Architecture::EfficientnetV2B0 => "efficientnet_v2_b0",
            Architecture::EfficientnetV2B1 => "efficientnet_v2_b1",
            Architecture::EfficientnetV2B3 => "efficientnet_v2_b3",
            Architecture::InceptionV3 => "inception_v3",
            Architecture::MobilenetV3Large => "mobilenet_v3_large",
            Architecture::MobilenetV3Small => "mobilenet_v3_small",
            Architecture::Resnet18 => "resnet18",
            Architecture::Resnet34 => "resnet34",
            Architecture::Resnet50 => "resnet50",
            Architecture::Squeezenet1_1 => "squeezenet1_1",
            Architecture::Vgg16 => "vgg16",
            Architecture::Torchscript => "torchscript",
        }
    }

    /// The library that has the same network under the same names of tensors, and what it calls it; `None` of a module.
    pub const fn elsewhere(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Architecture::EfficientnetV2B0 => ("timm", "tf_efficientnetv2_b0"),
            Architecture::EfficientnetV2B1 => ("timm", "tf_efficientnetv2_b1"),
            Architecture::EfficientnetV2B3 => ("timm", "tf_efficientnetv2_b3"),
            Architecture::MobilenetV3Large => ("timm", "mobilenetv3_large_100"),
            Architecture::MobilenetV3Small => ("timm", "mobilenetv3_small_100"),
            Architecture::Squeezenet1_1 => ("torchvision", "squeezenet1_1"),
            Architecture::ConvnextTiny
            | Architecture::EfficientnetB0
            | Architecture::InceptionV3
            | Architecture::Resnet18
            | Architecture::Resnet34
            | Architecture::Resnet50
            | Architecture::Vgg16 => ("timm", self.name()),
            Architecture::Torchscript => return None,
        })
    }

    /// The side of the smallest square picture that leaves at least one place in every feature map, in pixels.
    /// Where each step pads its input, that is one pixel.
    pub const fn least_side(self) -> u32 {
        match self {
            // A stem of 4 and three steps of 2, none padded.
            Architecture::ConvnextTiny => 32,
            Architecture::InceptionV3 => 75,
            Architecture::Squeezenet1_1 => 17,
            // Five poolings of 2.
            Architecture::Vgg16 => 32,
            Architecture::EfficientnetB0
            | Architecture::EfficientnetV2B0
            | Architecture::EfficientnetV2B1
            | Architecture::EfficientnetV2B3
            | Architecture::MobilenetV3Large
            | Architecture::MobilenetV3Small
            | Architecture::Resnet18
            | Architecture::Resnet34
            | Architecture::Resnet50
            // Found where the file is read.
            | Architecture::Torchscript => 1,
        }
    }
}

impl From<Architecture> for &'static str {
    fn from(architecture: Architecture) -> Self {
        architecture.name()
    }
}

impl TryFrom<String> for Architecture {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let mut all = Architecture::ALL.into_iter().chain([Architecture::Torchscript]);
        let found = all.find(|architecture| architecture.name() == name);
        found.ok_or_else(|| format!("unknown architecture `{name}`"))
    }
}
