//! Where a network looks, for the labels that it says of each picture.

use ablatrix::query::{Map, MapWish};
use tch::{Device, Tensor};

use crate::attention::{gradients, kept, turns, weighed};
use crate::failure::JobError;
use crate::model::Network;

/// The maps of each row, those of the labels that `wish` says at the row's logits. In 32-bit floats.
///
/// # Errors
/// Where the network has no such layer; libtorch's: memory is out.
pub fn maps(
    network: &Network,
    device: Device,
    images_nchw: &Tensor,
    rows: &[&[f32]],
    wish: &MapWish,
) -> Result<Vec<Vec<Map>>, JobError> {
    let mut maps = vec![Vec::new(); rows.len()];
    let said: Vec<(usize, Vec<usize>)> = (rows.iter().map(|logits| wish.said(logits)).enumerate())
        .filter(|(_, labels)| !labels.is_empty())
        .collect();
    if said.is_empty() {
        return Ok(maps);
    }
    let chosen: Vec<i64> = said.iter().map(|(row, _)| *row as i64).collect();
    let chosen = Tensor::f_from_slice(&chosen)?.f_to(device)?;
    let images_nchw = images_nchw.f_index_select(0, &chosen)?;
    let Some(tapped) = network.forward_tapped(&images_nchw, &wish.layer)? else {
        let (layer, model) = (wish.layer.clone(), network.architecture().name());
        return Err(JobError::NoMaps { layer, model });
    };
    let turns = turns(&said.iter().map(|(_, labels)| labels.clone()).collect::<Vec<_>>());
    let n_turns = turns.len();
    for (nth, (labels, pairs)) in turns.into_iter().enumerate() {
        let gradients = gradients(&tapped, &labels, nth + 1 < n_turns)?;
        let kept_nhw = kept(&weighed(wish.method, &tapped.activation_nchw, &gradients)?)?;
        let (_, height, width) = kept_nhw.size3()?;
        for pair in pairs {
            let values = kept_nhw.f_get(pair.row as i64)?.f_contiguous()?.f_view(-1)?;
            maps[said[pair.row].0].push(Map {
                label_idx: pair.label_idx,
                height: height as u32,
                width: width as u32,
                values: Vec::try_from(values)?,
            });
        }
    }
    Ok(maps)
}
