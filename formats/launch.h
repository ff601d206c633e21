// What launching an IGVM file on a platform does, step by step in the order of the file: what a launch digest
// is a digest of.
//
// Source: the `igvm` crate (microsoft/igvm, igvm/src/measurement), which says what each header means to a
// launch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/igvm.h"

namespace tintype {

// Who launches: the platforms whose digests are known.
enum class LaunchPlatform : std::uint8_t { native, vbs, snp, tdx };
inline constexpr LaunchPlatform kLaunchPlatforms[] = {LaunchPlatform::native, LaunchPlatform::vbs,
                                                      LaunchPlatform::snp, LaunchPlatform::tdx};

// "native", "vbs", "snp", "tdx"
std::string_view launch_platform_name(LaunchPlatform platform);
// The platform of that name, or nothing.
std::optional<LaunchPlatform> launch_platform_named(std::string_view name);
// Those of them that `file` declares, in the order above.
std::vector<LaunchPlatform> declared_platforms(const igvm::File& file);
// The compatibility mask under which `file` declares the platform. Native is NATIVE, or on AArch64
// VSM_ISOLATION without a VTL but 0, which is how the format has a guest without isolation. Errors: not
// declared.
Result<std::uint32_t> launch_mask(const igvm::File& file, LaunchPlatform platform);

// Errors: `file` is for one architecture, and `machine`, which it describes, has another. Reads on from the
// file's name.
Result<void> check_arch(const igvm::File& file, const std::optional<Machine>& machine);

// One step for each maximal run of pages of one kind that follow each other in guest memory and in the file.
struct LaunchStep {
  enum class Kind : std::uint8_t {
    page,         // contents are measured
    unmeasured,   // its address is
    shared,       // with the host; no part of the digest
    secrets,      // filled by the platform
    cpuid,        // checked and filled by the platform
    parameter,    // filled by the host
    error_range,  // accepted by the guest when it asks
    vmsa,         // the registers of a vCPU as a page, SEV-SNP
    registers,    // the registers of a vCPU as a list, VBS
  };
  Kind kind = Kind::page;
  std::uint64_t gpa = 0;
  std::uint64_t pages = 1;     // of 4096 bytes
  Bytes data = {};             // pages * 4096 bytes; empty: zeroes, or nothing that would be measured
  std::uint16_t vp_index = 0;  // of a vCPU's registers
  Bytes contents(std::uint64_t page) const;  // of one page, 4096 bytes; zeroes where there is no data
};

// "page", "unmeasured page", ...
std::string_view launch_step_name(LaunchStep::Kind kind);

// The most pages of parameter areas and error ranges together: each is one header, whatever it claims. 4 GiB.
inline constexpr std::uint64_t kMaxPagesWithoutHeader = std::uint64_t{1} << 20;

// The steps of launching `file` on `platform`. Borrows from the file's bytes. Errors: the file does not
// declare the platform, gives it what no loader should be given (igvm::oddities of its mask), or what the
// platform cannot launch. They say what the file does, and read on from its name: "declares native only".
Result<std::vector<LaunchStep>> launch_steps(const igvm::File& file, LaunchPlatform platform);

}  // namespace tintype
