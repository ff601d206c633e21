// Unified kernel images: an EFI program whose PE sections hold a kernel, and what it is to be started with.
// Source: UAPI.5 Unified Kernel Image; systemd-stub(7) and ukify(1), the implementations it refers to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/machine.h"
#include "formats/wire.h"

namespace tintype {

// Text of the image, here and in Uki, is for people to read: it is cut at kMaxUkiText characters, and what is
// not printable ASCII reads '?'.
inline constexpr std::size_t kMaxUkiText = 256;
// In bytes, after trimming. Kernels take far less: 2048 on x86_64.
inline constexpr std::size_t kMaxUkiCommandLine = 65536;

// What a .profile section says of the profile it opens (UAPI.5, "Multi-Profile UKIs"). Either may be empty.
struct UkiProfile {
  std::string id;     // ID=
  std::string title;  // TITLE=
};

// One profile of an image: its own sections, and those before the first .profile that it does not override.
// An empty section overrides, too, and counts as none. Everything borrows from the file.
struct Uki {
  Arch arch = Arch::x86_64;  // that the image is for, and its kernel if one can tell
  // .linux, never empty. It may end with the file's padding: ukify states the kernel's size in memory, so
  // where in the last bytes the kernel ends is not known.
  Bytes linux;
  std::uint64_t linux_offset = 0;  // in the file
  std::optional<Bytes> initrd;     // .initrd
  // .cmdline, as systemd-stub hands it on: up to the first NUL, every control character a space, none at
  // either end. Printable ASCII, 1 to kMaxUkiCommandLine bytes.
  std::optional<std::string> cmdline;
  std::optional<Bytes> ucode;  // .ucode, which goes before the initrd
  // The first .dtb, like systemd-stub. A .dtbauto is for a machine whose firmware has its hardware ID, which
  // no guest is.
  std::optional<Bytes> dtb;
  std::string os;                    // PRETTY_NAME in .osrel, may be empty
  std::string uname;                 // .uname, may be empty
  std::vector<UkiProfile> profiles;  // empty if the image has no .profile
  unsigned profile = 0;              // the one read; 0 also where there are none
};

// Reads profile `profile`, counted from 0, or the default one, which is 0 and need not exist. Errors: those
// of read_pe(); for another architecture, or with a kernel for another than its own; no such profile; no
// .linux or an empty one; a section twice in one profile, or before the first, that the specification allows
// once (of those in Uki, all but .dtb); a section other than .linux that is longer in memory than in the
// file, which no tool writes; a command line that is too long or not ASCII.
Result<Uki> read_uki(Bytes file, std::optional<unsigned> profile);

}  // namespace tintype
