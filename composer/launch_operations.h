// Every operation of a launch in its order, each with the digest after it: what explain lists and diff
// compares.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "composer/host_launch.h"

namespace tintype {

// One operation. Many of them are kept, so it refers to what it is about.
struct LaunchOperation {
  enum class Kind : std::uint8_t {
    update,          // SNP_LAUNCH_UPDATE of a page
    add,             // TDH.MEM.PAGE.ADD
    extend,          // the sixteen TDH.MR.EXTEND of a page
    page_chunk,      // VBS
    register_chunk,  // VBS
    page_record,     // native
    record,          // native, of no page
  };
  Kind kind = Kind::update;
  std::uint32_t step = 0;        // in Launch::steps; of a record without a page, which of its name it is
  std::uint64_t index = 0;       // of the page or register in its step
  std::string_view record = {};  // the name of a native record, as measure.h has it
  std::array<std::uint8_t, 48> digest{};
};

struct Launch : HostLaunch {
  std::vector<LaunchOperation> operations;
  LaunchDigest digest;

  // The step of an operation, or nothing of a record without a page.
  const LaunchStep* step_of(const LaunchOperation& operation) const;
  // The page of guest memory that an operation is about, if it is about one.
  std::optional<GpaRange> page_of(const LaunchOperation& operation) const;
  // "page", "VMSA", "RAM", ...
  std::string_view kind_of(const LaunchOperation& operation) const;
  // "SNP_LAUNCH_UPDATE", "TDH.MEM.PAGE.ADD", ...
  std::string_view name_of(const LaunchOperation& operation) const;
  // The contents that the digest takes in: 4096 bytes, or nothing.
  Bytes contents_of(const LaunchOperation& operation) const;
  // What an operation that is not about a page says: "vCPU 0 rip=0x1000000", "0x0-0x3ffffff", ...
  std::string detail_of(const LaunchOperation& operation) const;
  Bytes digest_after(const LaunchOperation& operation) const;
};

// The most pages of a launch whose operations are kept, and the most of those that have no header of their
// own.
inline constexpr std::uint64_t kMaxLaunchOperations = std::uint64_t{8} << 20;
inline constexpr std::uint64_t kMaxClaimedPages = std::uint64_t{64} << 10;

// Launches `file` and keeps every operation. Borrows from the file's bytes. Errors: those of host_launch(),
// and more pages than these.
Result<Launch> observe_launch(const igvm::File& file, const std::optional<Machine>& machine,
                              LaunchPlatform platform, const HostOptions& host = {});

// The names of the regions that `range` touches, ascending.
std::vector<std::string_view> region_names(const std::optional<Machine>& machine, GpaRange range);
// "gdt, stack"
std::string joined(const std::vector<std::string_view>& names);

// The parts of `range` outside every page that a region's label touches, or outside the bytes of labels,
// ascending.
enum class Labels : std::uint8_t { pages, bytes };
std::vector<GpaRange> outside_labels(GpaRange range, const std::optional<Machine>& machine,
                                     Labels labels = Labels::pages);

// The registers of a step, by name and value, in their order.
std::vector<std::pair<std::string, std::string>> registers_of(const LaunchStep& step, Arch arch);

}  // namespace tintype
