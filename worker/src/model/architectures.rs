//! Each architecture by its name: who builds it, and what its weights files are like.

use ablatrix::spec::settings::Architecture;
use tch::TchError;

use super::assembly::Assembly;
use super::body::Body;
use super::convnext::{self, ConvnextTiny};
use super::efficientnet::{self, EfficientNet};
use super::head::HeadSettings;
use super::inception_v3::{self, InceptionV3};
use super::mobilenet_v3::{self, MobilenetV3};
use super::resnet::{self, Resnet};
use super::squeezenet::{self, Squeezenet1_1};
use super::torchscript;
use super::vgg::{self, Vgg16};

/// Adds the network to `assembly`.
///
/// # Panics
/// For a TorchScript module: a mistake of the caller.
pub(super) fn build(
    architecture: Architecture,
    assembly: &mut Assembly,
    head: HeadSettings<'_>,
) -> Result<Box<dyn Body>, TchError> {
    Ok(match architecture {
        Architecture::ConvnextTiny => Box::new(ConvnextTiny::build(assembly, head)?),
        Architecture::EfficientnetB0 => Box::new(EfficientNet::b0(assembly, head)?),
        Architecture::EfficientnetV2B0 => Box::new(EfficientNet::v2_b0(assembly, head)?),
        Architecture::EfficientnetV2B1 => Box::new(EfficientNet::v2_b1(assembly, head)?),
        Architecture::EfficientnetV2B3 => Box::new(EfficientNet::v2_b3(assembly, head)?),
        Architecture::InceptionV3 => Box::new(InceptionV3::build(assembly, head)?),
        Architecture::MobilenetV3Large => Box::new(MobilenetV3::large(assembly, head)?),
        Architecture::MobilenetV3Small => Box::new(MobilenetV3::small(assembly, head)?),
        Architecture::Resnet18 => Box::new(Resnet::resnet18(assembly, head)?),
        Architecture::Resnet34 => Box::new(Resnet::resnet34(assembly, head)?),
        Architecture::Resnet50 => Box::new(Resnet::resnet50(assembly, head)?),
        Architecture::Squeezenet1_1 => Box::new(Squeezenet1_1::build(assembly, head)?),
        Architecture::Vgg16 => Box::new(Vgg16::build(assembly, head)?),
        Architecture::Torchscript => panic!("bug: a module is read from its file"),
    })
}

/// The name of the classifier, the last layer.
pub(super) fn classifier(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::ConvnextTiny => convnext::CLASSIFIER,
        Architecture::EfficientnetB0
        | Architecture::EfficientnetV2B0
        | Architecture::EfficientnetV2B1
        | Architecture::EfficientnetV2B3 => efficientnet::CLASSIFIER,
        Architecture::InceptionV3 => inception_v3::CLASSIFIER,
        Architecture::MobilenetV3Large | Architecture::MobilenetV3Small => mobilenet_v3::CLASSIFIER,
        Architecture::Resnet18 | Architecture::Resnet34 | Architecture::Resnet50 => resnet::CLASSIFIER,
        Architecture::Squeezenet1_1 => squeezenet::CLASSIFIER,
        Architecture::Vgg16 => vgg::CLASSIFIER,
        Architecture::Torchscript => torchscript::CLASSIFIER,
    }
}

/// What the names of tensors begin with that a file may hold and the network does not have.
pub(super) fn passed_over(architecture: Architecture) -> Option<&'static str> {
    match architecture {
        Architecture::InceptionV3 => Some(inception_v3::AUXILIARY),
        _ => None,
    }
}
