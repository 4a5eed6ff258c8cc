//! What a file lies on, for messages: where that is mounted, and the type of the file system.
//!
//! Read from `/proc`, which answers where the file system itself does not.

use std::fs::{self, File};
use std::os::fd::AsRawFd;

/// A mount.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where.
    pub place: String,
    /// The type of the file system, as `nfs4`.
    pub kind: String,
}

/// The mount that an open file lies on; `None` where the system does not say.
pub fn of(file: &File) -> Option<Mount> {
    let told = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    let id = told.lines().find_map(|line| line.strip_prefix("mnt_id:"))?.trim();
    mount(&fs::read_to_string("/proc/self/mountinfo").ok()?, id)
}

/// The mount of a number in `/proc/self/mountinfo`: see proc_pid_mountinfo(5).
fn mount(table: &str, id: &str) -> Option<Mount> {
    let line = table.lines().find(|line| line.split(' ').next() == Some(id))?;
    let (before, after) = line.split_once(" - ")?;
    let place = before.split(' ').nth(4)?.replace("\\040", " ");
    let kind = after.split(' ').next()?.to_owned();
    Some(Mount { place, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read() {
        let table = "24 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                     240 24 0:51 / /mnt/my\\040results rw master:1 shared:7 - nfs4 server:/x rw,vers=4.2\n";
        let found = mount(table, "240").unwrap();
        assert_eq!((found.place.as_str(), found.kind.as_str()), ("/mnt/my results", "nfs4"));
        assert_eq!(mount(table, "4"), None);
    }

    #[test]
    fn the_mount_of_a_file_is_found() {
        let file = File::open("/proc/self/mountinfo").unwrap();
        assert_eq!(of(&file), Some(Mount { place: "/proc".to_owned(), kind: "proc".to_owned() }));
    }
}
