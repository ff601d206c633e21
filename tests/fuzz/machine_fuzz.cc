// Any bytes as the machine description of a snapshot give an error or a machine, which is written and read
// back the same. The footer is made to fit, or its SHA-256 would end every input.
#include "formats/machine_tree.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tintype;
  std::vector<std::uint8_t> bytes(data, data + size);
  const SnapshotFooter footer{.magic = {'T', 'I', 'N', 'T', 'Y', 'P', 'E', 0},
                              .version = kSnapshotVersion,
                              .tree_size = static_cast<std::uint32_t>(size),
                              .tree_sha256 = sha256(bytes),
                              .reserved = {}};
  const Bytes end = bytes_of(footer);
  bytes.insert(bytes.end(), end.begin(), end.end());
  const auto machine = read_machine(bytes);
  if (!machine) {
    require(!machine.error().message().empty());
    return 0;
  }
  require(machine->has_value());
  const auto again = read_machine(machine_trailer(**machine));
  require(again.has_value() && again->has_value() && **again == **machine);
  return 0;
}
