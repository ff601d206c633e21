// A snapshot's machine and components against those of a manifest.
#include "composer/verify.h"

namespace tintype {

namespace {

// Texts or numbers that differ; `what` names them.
template <typename T>
Result<void> same_value(std::string_view what, const T& found, const T& expected) {
  if (found == expected) return {};
  return fail("has {} {}, and the manifest says {}: it is another snapshot, or was changed", what, found,
              expected);
}

std::string or_none(const std::string& text) {
  return text.empty() ? "none" : text;
}

std::string place_text(const std::optional<KernelPlace>& place) {
  if (!place) return "none";
  return fmt::format("{:#x}, virtual {:#x}, placed by {}", place->physical, place->virtual_address,
                     kernel_place_name(place->by));
}

Result<void> check_component(const Component& found, const Component& expected) {
  TRY(same_value("component", found.role, expected.role));
  TRY(same_value(fmt::format("for component '{}' the format", found.role), or_none(found.format),
                 or_none(expected.format)));
  TRY(same_value(fmt::format("for component '{}' the version", found.role), or_none(found.version),
                 or_none(expected.version)));
  TRY(same_value(fmt::format("for component '{}' the size", found.role), found.size, expected.size));
  return same_value(fmt::format("for component '{}' the SHA-256", found.role), to_hex(found.sha256),
                    to_hex(expected.sha256));
}

std::string region_text(const RegionReport& region) {
  return fmt::format("'{}' {:#x}-{:#x}, {}", or_none(region.name), region.range.start,
                     region.range.start + region.range.size() - (region.range.empty() ? 0 : 1), region.kind);
}

std::string hash_text(const std::optional<Sha256>& hash) {
  return hash ? to_hex(*hash) : "none";
}

}  // namespace

Result<void> check_regions(const std::vector<RegionReport>& found,
                           const std::vector<RegionReport>& expected) {
  TRY(same_value("a number of regions of", found.size(), expected.size()));
  for (std::size_t i = 0; i < found.size(); ++i) {
    TRY(same_value("region", region_text(found[i]), region_text(expected[i])));
    TRY(same_value(fmt::format("for region {} the SHA-256", region_text(found[i])),
                   hash_text(found[i].sha256), hash_text(expected[i].sha256)));
  }
  return {};
}

Result<void> check_machine(const Machine& found, const Machine& expected) {
  TRY(same_value("the architecture", arch_name(found.arch), arch_name(expected.arch)));
  TRY(same_value("the protocol", found.protocol, expected.protocol));
  TRY(same_value("a memory size of", found.memory, expected.memory));
  TRY(same_value("a number of vCPUs of", found.cpus, expected.cpus));
  TRY(same_value("a number of NUMA nodes of", found.numa_nodes, expected.numa_nodes));
  if (found.arch == Arch::aarch64) {
    TRY(same_value("the interrupt controller", gic_name(found.gic), gic_name(expected.gic)));
    TRY(same_value("an interrupt translation service:", found.its, expected.its));
  }
  TRY(same_value("its kernel at", place_text(found.kernel), place_text(expected.kernel)));
  TRY(same_value("a number of components of", found.components.size(), expected.components.size()));
  for (std::size_t i = 0; i < found.components.size(); ++i)
    TRY(check_component(found.components[i], expected.components[i]));
  return {};
}

}  // namespace tintype
