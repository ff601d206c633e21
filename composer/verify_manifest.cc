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

std::string place_text(const std::optional<KernelPlace>& place) {
  if (!place) return "none";
  return fmt::format("{:#x}, virtual {:#x}, placed by {}", place->physical, place->virtual_address,
                     kernel_place_name(place->by));
}

Result<void> check_component(const Component& found, const Component& expected) {
  TRY(same_value("component", found.role, expected.role));
  TRY(same_value(fmt::format("for component '{}' the format", found.role), found.format, expected.format));
  TRY(same_value(fmt::format("for component '{}' the version", found.role), found.version, expected.version));
  TRY(same_value(fmt::format("for component '{}' the size", found.role), found.size, expected.size));
  return same_value(fmt::format("for component '{}' the SHA-256", found.role), to_hex(found.sha256),
                    to_hex(expected.sha256));
}

}  // namespace

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
