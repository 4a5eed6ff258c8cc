//! Where and how an object lies: object lengths to pixels and back.

use super::canvas::Polygon;

/// The place of one object.
pub struct Pose {
    /// Of the object, in pixels.
    pub centre: [f32; 2],
    /// Pixels of one object length.
    pub scale: f32,
    /// Cosine and sine.
    pub turn: [f32; 2],
    /// 1, or -1 for a mirrored object.
    pub flip: f32,
    /// How much a slanting view shortens the picture's y.
    pub tilt: f32,
}

impl Pose {
    /// A point of the object on the canvas.
    pub fn to_canvas(&self, [u, v]: [f32; 2]) -> [f32; 2] {
        let [cos, sin] = self.turn;
        let v = v * self.flip;
        let (x, y) = (u * cos - v * sin, u * sin + v * cos);
        [self.centre[0] + x * self.scale, self.centre[1] + y * self.scale * self.tilt]
    }

    /// The point of the object that lies at a point of the canvas.
    pub fn to_object(&self, x: f32, y: f32) -> [f32; 2] {
        let [cos, sin] = self.turn;
        let dx = (x - self.centre[0]) / self.scale;
        let dy = (y - self.centre[1]) / (self.scale * self.tilt);
        [dx * cos + dy * sin, (dy * cos - dx * sin) * self.flip]
    }

    /// Outlines of the object on the canvas.
    pub fn outlines(&self, outlines: &[Polygon]) -> Vec<Polygon> {
        outlines.iter().map(|line| line.iter().map(|&point| self.to_canvas(point)).collect()).collect()
    }
}
