//! The layers of each network whose activations can be looked at, without the network itself.
//!
//! Names are those of the tensors: a block of several layers is looked at behind the last of them, a single convolution
//! behind its norm and activation.

use super::Architecture;

impl Architecture {
    /// The layers that give a map, in the order of the forward pass; none of a TorchScript module, which shows no more than
    /// what it gives.
    pub fn layers(self) -> Vec<String> {
        match self {
            Architecture::Resnet18 => staged("conv1", "layer", 1, &[2, 2, 2, 2]),
            Architecture::Resnet34 | Architecture::Resnet50 => staged("conv1", "layer", 1, &[3, 4, 6, 3]),
            Architecture::MobilenetV3Small => staged("conv_stem", "blocks.", 0, &[1, 2, 3, 2, 3, 1]),
            Architecture::MobilenetV3Large => staged("conv_stem", "blocks.", 0, &[1, 2, 3, 4, 2, 3, 1]),
            Architecture::EfficientnetB0 => efficientnet(&[1, 2, 2, 3, 3, 4, 1]),
            Architecture::EfficientnetV2B0 => efficientnet(&[1, 2, 2, 3, 5, 8]),
            Architecture::EfficientnetV2B1 => efficientnet(&[2, 3, 3, 4, 6, 9]),
            Architecture::EfficientnetV2B3 => efficientnet(&[2, 3, 3, 5, 7, 12]),
            Architecture::ConvnextTiny => {
                let stages = [3, 3, 9, 3].into_iter().enumerate();
                let blocks = stages.flat_map(|(i, n)| (0..n).map(move |j| format!("stages.{i}.blocks.{j}")));
                std::iter::once("stem".to_owned()).chain(blocks).collect()
            }
            Architecture::Squeezenet1_1 => numbered(&[0, 3, 4, 6, 7, 9, 10, 11, 12]),
            Architecture::Vgg16 => numbered(&[0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]),
            Architecture::InceptionV3 => INCEPTION_V3.map(str::to_owned).to_vec(),
            Architecture::Torchscript => Vec::new(),
        }
    }

    /// The layer that `name` names: the last one that it is, or that lies under it, as `layer4.1` under `layer4`; with
    /// [`AUTO_LAYER`] the last of all.
    pub fn layer(self, name: &str) -> Option<String> {
        let lies_under = |layer: &String| {
            name == AUTO_LAYER
                || layer.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.layers().into_iter().rfind(lies_under)
    }
}

/// The name that stands for the last layer.
pub const AUTO_LAYER: &str = "auto";

const INCEPTION_V3: [&str; 16] = [
    "Conv2d_1a_3x3",
    "Conv2d_2a_3x3",
    "Conv2d_2b_3x3",
    "Conv2d_3b_1x1",
    "Conv2d_4a_3x3",
    "Mixed_5b",
    "Mixed_5c",
    "Mixed_5d",
    "Mixed_6a",
    "Mixed_6b",
    "Mixed_6c",
    "Mixed_6d",
    "Mixed_6e",
    "Mixed_7a",
    "Mixed_7b",
    "Mixed_7c",
];

/// A stem, and stages of so many blocks, the first one's number being `first`.
fn staged(stem: &str, stage: &str, first: usize, blocks: &[usize]) -> Vec<String> {
    let stages = (first..).zip(blocks);
    let blocks = stages.flat_map(|(i, &n)| (0..n).map(move |j| format!("{stage}{i}.{j}")));
    std::iter::once(stem.to_owned()).chain(blocks).collect()
}

fn efficientnet(blocks: &[usize]) -> Vec<String> {
    let mut layers = staged("conv_stem", "blocks.", 0, blocks);
    layers.push("conv_head".to_owned());
    layers
}

fn numbered(places: &[usize]) -> Vec<String> {
    places.iter().map(|place| format!("features.{place}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_stands_for_its_last_block() {
        let layer = |name| Architecture::Resnet18.layer(name);
        assert_eq!(layer(AUTO_LAYER).as_deref(), Some("layer4.1"));
        assert_eq!(layer("layer4").as_deref(), Some("layer4.1"));
        assert_eq!(layer("layer3.0").as_deref(), Some("layer3.0"));
        for unknown in ["layer", "layer5", "layer4.2", "layer4.1.conv2", "fc", ""] {
            assert_eq!(layer(unknown), None, "{unknown}");
        }
        assert_eq!(Architecture::ConvnextTiny.layer("stages.2").as_deref(), Some("stages.2.blocks.8"));
        assert_eq!(Architecture::Squeezenet1_1.layer("features.1"), None, "no part of `features.10`");
    }

    #[test]
    fn every_network_has_layers_and_a_module_none() {
        for architecture in Architecture::ALL {
            let last = architecture.layers().pop();
            assert!(last.is_some() && architecture.layer(AUTO_LAYER) == last, "{architecture:?}");
        }
        assert_eq!(Architecture::Torchscript.layer(AUTO_LAYER), None);
    }
}
