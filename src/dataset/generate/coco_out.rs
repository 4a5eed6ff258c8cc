//! The annotations file: COCO as TACO writes it.

use serde::Serialize;

use super::contour;
use super::scene::{Object, Picture};
use super::taco::{CATEGORIES, Scene};

/// `annotations.json`.
#[derive(Serialize)]
pub struct Annotations {
    info: Info,
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    scene_annotations: Vec<SceneAnnotation>,
    licenses: [(); 0],
    categories: Vec<Category>,
    scene_categories: Vec<SceneCategory>,
}

#[derive(Serialize)]
struct Info {
    year: u32,
    version: &'static str,
    description: String,
    contributor: Option<&'static str>,
    url: Option<&'static str>,
    date_created: Option<&'static str>,
}

#[derive(Serialize)]
struct Image {
    id: usize,
    width: usize,
    height: usize,
    file_name: String,
    license: Option<u32>,
    flickr_url: Option<&'static str>,
    coco_url: Option<&'static str>,
    date_captured: Option<&'static str>,
    flickr_640_url: Option<&'static str>,
}

#[derive(Serialize)]
struct Annotation {
    id: usize,
    image_id: usize,
    category_id: usize,
    segmentation: Vec<Vec<f32>>,
    area: f32,
    bbox: [f32; 4],
    iscrowd: u8,
}

#[derive(Serialize)]
struct SceneAnnotation {
    image_id: usize,
    background_ids: [u32; 1],
}

#[derive(Serialize)]
struct Category {
    supercategory: &'static str,
    id: usize,
    name: &'static str,
}

#[derive(Serialize)]
struct SceneCategory {
    id: u32,
    name: &'static str,
}

/// What the file says of one picture.
pub struct Entry {
    image: Image,
    scene: Scene,
    annotations: Vec<Annotation>,
}

/// The place of picture `idx` below the folder: a hundred in each batch, as in TACO.
pub fn file_name(idx: usize) -> String {
    format!("batch_{}/{:06}.jpg", idx / 100 + 1, idx % 100)
}

impl Entry {
    /// Of picture `idx`.
    pub fn new(idx: usize, picture: &Picture) -> Self {
        let image = Image {
            id: idx,
            width: picture.image.width,
            height: picture.image.height,
            file_name: file_name(idx),
            license: None,
            flickr_url: None,
            coco_url: None,
            date_captured: None,
            flickr_640_url: None,
        };
        let annotations = picture.objects.iter().map(|object| annotation(idx, object)).collect();
        Entry { image, scene: picture.scene, annotations }
    }
}

impl Annotations {
    /// Of all pictures, in order; annotations are numbered from 1.
    pub fn new(description: String, entries: Vec<Entry>) -> Self {
        let info =
            Info { year: 2025, version: "1", description, contributor: None, url: None, date_created: None };
        let (mut images, mut annotations, mut scene_annotations) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            let background_ids = [entry.scene.id()];
            scene_annotations.push(SceneAnnotation { image_id: entry.image.id, background_ids });
            images.push(entry.image);
            for annotation in entry.annotations {
                let id = annotations.len() + 1;
                annotations.push(Annotation { id, ..annotation });
            }
        }
        let categories = CATEGORIES
            .iter()
            .enumerate()
            .map(|(id, c)| Category { supercategory: c.supercategory, id, name: c.name })
            .collect();
        let scene_categories =
            Scene::ALL.iter().map(|scene| SceneCategory { id: scene.id(), name: scene.name() }).collect();
        Annotations {
            info,
            images,
            annotations,
            scene_annotations,
            licenses: [],
            categories,
            scene_categories,
        }
    }

    /// Number of annotated objects.
    pub fn n_annotations(&self) -> usize {
        self.annotations.len()
    }
}

fn annotation(image_id: usize, object: &Object) -> Annotation {
    let points = || object.polygons.iter().flatten();
    let low = |axis: usize| points().map(|p| p[axis]).min().unwrap_or(0) as f32;
    let high = |axis: usize| points().map(|p| p[axis]).max().unwrap_or(0) as f32;
    let (x, y) = (low(0), low(1));
    let flat = |polygon: &contour::Contour| polygon.iter().flatten().map(|&v| v as f32).collect();
    Annotation {
        id: 0,
        image_id,
        category_id: object.category_id,
        segmentation: object.polygons.iter().map(flat).collect(),
        area: object.polygons.iter().map(|polygon| contour::area(polygon)).sum(),
        bbox: [x, y, high(0) - x, high(1) - y],
        iscrowd: 0,
    }
}
