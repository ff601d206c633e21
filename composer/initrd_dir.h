// An initrd from a directory: the same tree gives the same bytes, whoever made it, when, and in what order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/result.h"

namespace tintype {

struct InitrdDirOptions {
  bool zstd = false;  // one Zstandard frame, which Linux unpacks (CONFIG_RD_ZSTD, since 5.9)
};

// A cpio archive in the newc format (Linux Documentation/driver-api/early-userspace/buffer-format.rst) of
// what is in the directory `path`, which may be a symbolic link to one. Its size is a multiple of 4 unless it
// is compressed.
//
// Names are relative, sorted by the bytes of the whole path; the directory itself has no entry, so the
// guest's / keeps its own mode. Permissions and types are the file system's; owners are 0:0, times and device
// numbers 0, inode numbers count from 1. Hard links within the directory stay links, with the data at the
// last of them, where GNU cpio has it; symbolic links are kept and never followed. Device nodes, FIFOs and
// sockets are entries without data, as with `cpio`. Extended attributes, ACLs and file capabilities have no
// place in newc and are left out. An empty directory makes an archive with only the trailer, which Linux
// takes.
//
// `read`, if given, is extended by the directory, and all directories and regular files in it, by their
// paths: what must be looked at to see a change. A link that now points elsewhere changes its directory.
//
// Errors: `path` is no directory; something in it cannot be read, changes meanwhile, or is a directory of
// another file system (a mount point: what it holds is the machine's state, not the tree's); a file over
// 4 GiB - 1; a path that Linux does not read or that is "TRAILER!!!".
Result<std::vector<std::uint8_t>> initrd_from_directory(const std::string& path,
                                                        const InitrdDirOptions& options,
                                                        std::vector<std::string>* read = nullptr);

}  // namespace tintype
