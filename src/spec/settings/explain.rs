//! Where models look.

use serde::{Deserialize, Serialize};

/// `[explain]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explain {
    /// How maps are made; `None`: there are none.
    pub method: Option<ExplainMethod>,
    /// The layer whose activation is weighed: [`AUTO_LAYER`](super::AUTO_LAYER), or what
    /// [`Architecture::layer`](super::Architecture::layer) knows.
    pub layer: String,
    /// Pictures that the report shows with their maps.
    pub images: u32,
    /// Steps of the curves of deletion and insertion; 0: no curves.
    pub faithfulness: u32,
}

/// How maps are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExplainMethod {
    /// Selvaraju et al., "Grad-CAM", 2017.
    GradCam,
    /// Chattopadhay et al., "Grad-CAM++", 2018.
    GradCamPlusPlus,
}

impl ExplainMethod {
    /// The name in papers.
    pub fn title(self) -> &'static str {
        match self {
            ExplainMethod::GradCam => "Grad-CAM",
            ExplainMethod::GradCamPlusPlus => "Grad-CAM++",
        }
    }
}
