//! Where tensors live: as a spec asks for it, and what that comes to on a machine.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where tensors live; its kind is part of a training's fingerprint, since it changes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// The processor.
    Cpu,
    /// An NVIDIA GPU: the first one that the worker sees.
    Cuda,
}

impl Device {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Device::Cpu => "the processor",
            Device::Cuda => "a GPU",
        }
    }
}

/// What a spec asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceWish {
    /// GPUs where the machine has usable ones, else the processor.
    Auto,
    /// The processor.
    Cpu,
    /// All NVIDIA GPUs, a worker on each.
    Cuda,
    /// This one of them, counted from 0 among those that are visible.
    CudaAt(u32),
}

/// The largest number of a GPU.
const MAX_GPU: u32 = 1023;

/// A text that is no device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `auto`, `cpu`, `cuda`, or `cuda:N` with a number from 0 to {MAX_GPU}")]
pub struct DeviceError;

impl DeviceWish {
    /// Reads `auto`, `cpu`, `cuda` or `cuda:N`.
    ///
    /// # Errors
    /// Where it is none of these.
    pub fn parse(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(DeviceWish::Auto),
            "cpu" => Ok(DeviceWish::Cpu),
            "cuda" => Ok(DeviceWish::Cuda),
            _ => {
                let digits = text
                    .strip_prefix("cuda:")
                    .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
                let number = digits.and_then(|digits| digits.parse().ok());
                number.filter(|number| *number <= MAX_GPU).map(DeviceWish::CudaAt).ok_or(DeviceError)
            }
        }
    }

    /// The kind that it is whatever the machine has; of `auto` the one that every machine has, until it is settled.
    pub fn kind(self) -> Device {
        match self {
            DeviceWish::Auto | DeviceWish::Cpu => Device::Cpu,
            DeviceWish::Cuda | DeviceWish::CudaAt(_) => Device::Cuda,
        }
    }
}

impl fmt::Display for DeviceWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceWish::Auto => f.write_str("auto"),
            DeviceWish::Cpu => f.write_str("cpu"),
            DeviceWish::Cuda => f.write_str("cuda"),
            DeviceWish::CudaAt(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl TryFrom<String> for DeviceWish {
    type Error = DeviceError;

    fn try_from(text: String) -> Result<Self, DeviceError> {
        DeviceWish::parse(&text)
    }
}

impl From<DeviceWish> for String {
    fn from(wish: DeviceWish) -> String {
        wish.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_written_alike() {
        for text in ["auto", "cpu", "cuda", "cuda:0", "cuda:15"] {
            assert_eq!(DeviceWish::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:1024", "cuda:99999999999", "CPU", "cuda:+1"]
        {
            assert_eq!(DeviceWish::parse(text), Err(DeviceError), "{text}");
        }
    }
}
