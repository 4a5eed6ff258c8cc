//! Which parameters share a rate and a decay.

use std::collections::BTreeMap;

use ablatrix::spec::settings::Optimizer;
use tch::Tensor;

use crate::model::TrainedParameter;

/// Parameters that are moved alike.
#[derive(Debug)]
pub struct Group {
    /// Of the parameters.
    pub names: Vec<String>,
    /// What is moved.
    pub parameters: Vec<Tensor>,
    /// Times the rate of the schedule.
    pub lr_factor: f64,
    /// Their weight decay.
    pub weight_decay: f64,
}

impl Group {
    /// Divides the parameters, the head first. One of one dimension (of a norm, or a bias) decays only if the settings say so;
    /// the rate of a layer of the backbone is `layer_decay` times that of the layer behind it, and the head's is the
    /// schedule's own.
    pub fn of(settings: &Optimizer, parameters: Vec<TrainedParameter>) -> Vec<Group> {
        let mut groups: BTreeMap<(usize, bool), Group> = BTreeMap::new();
        for TrainedParameter { name, tensor, layers_to_head } in parameters {
            let distance = if settings.layer_decay == 1.0 { 0 } else { layers_to_head };
            let is_matrix = tensor.dim() > 1;
            let decays = settings.weight_decay > 0.0 && (is_matrix || settings.decay_norms_and_biases);
            let group = groups.entry((distance, decays)).or_insert_with(|| Group {
                names: Vec::new(),
                parameters: Vec::new(),
                lr_factor: settings.layer_decay.powi(distance as i32),
                weight_decay: if decays { settings.weight_decay } else { 0.0 },
            });
            group.names.push(name);
            group.parameters.push(tensor);
        }
        groups.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use ablatrix::spec::settings::Rule;
    use tch::{Device, Kind};

    use super::*;

    fn groups(weight_decay: f64, decay_norms_and_biases: bool, layer_decay: f64) -> Vec<(String, f64, f64)> {
        let rule = Rule::Sgd { momentum: 0.0, nesterov: false };
        let settings = Optimizer { rule, lr: 0.1, weight_decay, decay_norms_and_biases, layer_decay };
        let parameter = |name: &str, shape: &[i64], layers_to_head| TrainedParameter {
            name: name.to_owned(),
            tensor: Tensor::zeros(shape, (Kind::Float, Device::Cpu)),
            layers_to_head,
        };
        let parameters = vec![
            parameter("conv.weight", &[2, 1, 3, 3], 2),
            parameter("norm.weight", &[2], 2),
            parameter("last.weight", &[2, 2], 1),
            parameter("fc.weight", &[2, 2], 0),
            parameter("fc.bias", &[2], 0),
        ];
        let groups = Group::of(&settings, parameters);
        groups.into_iter().map(|group| (group.names.join(" "), group.lr_factor, group.weight_decay)).collect()
    }

    fn group(names: &str, lr_factor: f64, weight_decay: f64) -> (String, f64, f64) {
        (names.to_owned(), lr_factor, weight_decay)
    }

    #[test]
    fn what_is_alike_is_one_group() {
        let all = "conv.weight norm.weight last.weight fc.weight fc.bias";
        assert_eq!(groups(0.0, false, 1.0), [group(all, 1.0, 0.0)]);
        assert_eq!(groups(0.1, true, 1.0), [group(all, 1.0, 0.1)]);
    }

    #[test]
    fn norms_and_biases_do_not_decay_and_layers_far_from_the_head_learn_slowly() {
        let expected =
            [group("norm.weight fc.bias", 1.0, 0.0), group("conv.weight last.weight fc.weight", 1.0, 0.1)];
        assert_eq!(groups(0.1, false, 1.0), expected);
        let expected = [
            group("fc.bias", 1.0, 0.0),
            group("fc.weight", 1.0, 0.1),
            group("last.weight", 0.5, 0.1),
            group("norm.weight", 0.25, 0.0),
            group("conv.weight", 0.25, 0.1),
        ];
        assert_eq!(groups(0.1, false, 0.5), expected);
    }
}
