//! `[explain]` read, and what is wrong with it.

use super::settings::{Architecture, Explain, ExplainMethod};
use super::tests::{faults, read};

fn spec(model: &str, keys: &str) -> String {
    format!(
        "name = \"d\"\n[dataset]\nformat = \"folders\"\nimages = \"d\"\n[labels]\nfrom = \"folder\"\n\
         [model]\nname = \"{model}\"\n[augment.grid]\ndesign = \"none\"\n[explain]\n{keys}\n"
    )
}

fn explain(keys: &str) -> Explain {
    read(&spec("resnet18", keys), &[]).unwrap_or_else(|error| panic!("{keys}: {error:?}")).experiment.explain
}

#[test]
fn nothing_is_explained_unless_asked() {
    let usual = explain("");
    assert_eq!(usual, Explain { method: None, layer: "auto".into(), images: 12, faithfulness: 8 });
    let plain = read(&spec("resnet18", "").replace("[explain]\n", ""), &[]).unwrap();
    assert_eq!(plain.experiment.explain, usual);
    assert!(!plain.shown().contains("explain"), "pages of studies without maps stay as they are");
    let given = explain("method = \"grad_cam_plus_plus\"\nlayer = \"layer3\"\nimages = 0\nfaithfulness = 0");
    assert_eq!(given.method, Some(ExplainMethod::GradCamPlusPlus));
    assert_eq!((given.layer.as_str(), given.images, given.faithfulness), ("layer3", 0, 0));
    // What nothing reads is not looked up, and said.
    let unread = read(&spec("resnet18", "layer = \"layer9\"\nimages = 3"), &[]).unwrap();
    assert_eq!(unread.experiment.explain.method, None);
    assert!(
        unread.notices()[0].starts_with("nothing reads `layer`, `images` of `[explain]`"),
        "{:?}",
        unread.notices()
    );
    assert!(plain.notices().is_empty());
}

#[test]
fn layers_are_those_of_the_network() {
    let of = |model: &str, layer: &str| {
        let keys = format!("method = \"grad_cam\"\nlayer = \"{layer}\"");
        read(&spec(model, &keys), &[]).map(|loaded| loaded.experiment.explain.layer).ok()
    };
    for architecture in Architecture::ALL {
        assert!(of(architecture.name(), "auto").is_some(), "{architecture:?}");
        for layer in architecture.layers() {
            assert!(of(architecture.name(), &layer).is_some(), "{architecture:?} {layer}");
        }
    }
    let told = |model: &str, layer: &str| {
        faults(&spec(model, &format!("method = \"grad_cam\"\nlayer = \"{layer}\"")), &[]).join("\n")
    };
    let unknown = told("resnet18", "layer5");
    assert!(unknown.contains("`layer` is `layer5`, which `resnet18` does not have"), "{unknown}");
    assert!(unknown.contains("did you mean `layer"), "{unknown}");
    assert!(unknown.contains("`auto`, `conv1`, `layer1`, `layer2`, `layer3`, `layer4`"), "{unknown}");
    let part = told("resnet18", "layer4.1.conv2");
    assert!(part.contains("a part of `layer4.1`, which is looked at as a whole"), "{part}");
    assert!(part.contains("write `layer = \"layer4.1\"`"), "{part}");
    let blocks = told("mobilenet_v3_small", "block.3");
    assert!(
        blocks.contains("did you mean `blocks.3`?") && blocks.contains("`blocks.0`, `blocks.1`"),
        "{blocks}"
    );
    let swept = spec("resnet18", "method = \"grad_cam\"\nlayer = \"layer3\"")
        + "[matrix]\n\"model.name\" = [\"resnet18\", \"vgg16\"]\n";
    let swept = faults(&swept, &[]).join("\n");
    assert!(
        swept.contains("vgg16") && swept.contains("`layer` is `layer3`, which `vgg16` does not have"),
        "{swept}"
    );
}

#[test]
fn a_module_is_refused_and_faults_say_what_may_stand_there() {
    let module = faults(&spec("torchscript:net.pt", "method = \"grad_cam\""), &[]).join("\n");
    assert!(module.contains("the model is a TorchScript module, whose layers cannot be reached"), "{module}");
    assert!(read(&spec("torchscript:net.pt", "method = \"none\""), &[]).is_ok());
    let of = |keys: &str| faults(&spec("resnet18", keys), &[]).join("\n");
    assert!(of("method = \"gradcam\"").contains("did you mean `grad_cam`?"));
    for key in ["images", "faithfulness"] {
        for value in [-1, 2000] {
            let told = of(&format!("{key} = {value}"));
            assert!(told.contains(&format!("`{key}` is `{value}`, expected 0 to 1000")), "{told}");
        }
    }
    assert!(of("steps = 5").contains("unknown key `steps` in `[explain]`"));
}
