// NUMA nodes and their distances as --numa and --numa-distance describe them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/result.h"
#include "layouts/acpi_table.h"

namespace tintype {

// A bound for typing errors more than for guests: what x86 Linux has by default (arch/x86/Kconfig,
// NODES_SHIFT).
inline constexpr std::uint32_t kMaxNumaNodes = 64;

struct NumaOptions {
  std::vector<NumaNode> nodes;          // as AcpiInputs::numa
  std::vector<std::uint8_t> distances;  // as AcpiInputs::distances; empty if none were given
};

// `nodes` are the values of --numa, node 0 first: "cpus=0-3,memory=2G". CPUS is a list as Linux writes one,
// of numbers and ranges with commas between: "cpus=0-1,4,memory=2G". A node may lack one of the two keys.
// `distances` are the values of --numa-distance: "A:B=D", how far node B is from node A, 11 to 254, or 10 if
// A is B. It holds in the other direction too, unless that is given with a value of its own. A pair that is
// not given has 20.
//
// `cpus` and `memory` (in bytes) are the machine's. Errors are of use: what is not understood, a vCPU in no
// node or two, memory that does not add up to the machine's, nodes under 4 MiB, which Linux leaves out, more
// than kMaxNumaNodes, and distances without meaning.
Result<NumaOptions> parse_numa(const std::vector<std::string>& nodes,
                               const std::vector<std::string>& distances, std::uint32_t cpus,
                               std::uint64_t memory);

}  // namespace tintype
