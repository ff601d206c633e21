// Any bytes as a device tree and an overlay for it: the first two bytes say how many of the others are the
// tree. What is accepted is edited, merged and packed, and stays a tree; and a guest that gets it as its own
// is told its RAM.
#include <algorithm>

#include "formats/fdt.h"
#include "fuzz/fuzz.h"
#include "layouts/device_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tintype {
namespace {

constexpr std::uint32_t kLimit = 64 * kKiB;

std::size_t size_of(const FdtReader& tree, FdtReader::Node node) {
  std::size_t size = tree.name(node).size();
  for (const FdtProperty& property : tree.properties(node)) {
    size += property.name.size() + property.value.size();
    require(tree.has(node, property.name));
    (void)tree.string(node, property.name);
  }
  for (const FdtReader::Node child : tree.children(node)) size += size_of(tree, child);
  return size;
}

void edit(FdtEditor& editor) {
  const std::uint8_t value[100] = {};
  const bool set =
      editor.set("/chosen", "bootargs", value) && editor.set("/memory@40000000/deep", "reg", value);
  editor.remove("/chosen", "linux,initrd-start");
  (void)editor.rename("/memory", "memory@80000000");
  const auto packed = editor.finish();
  require(packed.size() <= kLimit);
  const auto tree = FdtReader::open(packed);
  require(tree.has_value());
  if (set) require(tree->bytes(tree->find("/chosen").value(), "bootargs")->size() == sizeof(value));
  (void)size_of(*tree, tree->root());
}

// As the tree of a machine, filled in twice: nothing is left to do the second time.
void fill(Bytes tree, Bytes overlay) {
  Inputs inputs;
  inputs.machine.arch = Arch::aarch64;
  inputs.machine.memory = 64 * kMiB;
  inputs.dtb = tree;
  if (!overlay.empty()) inputs.overlays = {overlay};
  inputs.keeps_bootargs = true;
  const auto whole = guest_device_tree(inputs);
  if (!whole) return require(!whole.error().message().empty());
  if (const auto reserved = reserved_memory(*whole, inputs)) {
    std::uint64_t last = 0;
    for (const GpaRange& range : *reserved) {
      require(range.start >= last && range.start < range.end);
      last = range.end + 1;
    }
  }
  const auto filled = filled_in(*whole, inputs, {});
  if (!filled) return require(!filled.error().message().empty());
  const auto again = filled_in(*filled, inputs, {});
  require(again.has_value() && *again == *filled);
  const auto read = FdtReader::open(*filled);
  require(read.has_value() && !children_of_type(*read, read->root(), "memory").empty());
}

}  // namespace
}  // namespace tintype

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tintype;
  if (size < 2) return 0;
  const Bytes rest(data + 2, size - 2);
  const std::size_t first = std::min<std::size_t>(rest.size(), std::size_t{data[0]} << 8 | data[1]);
  auto editor = FdtEditor::open(rest.first(first), kLimit);
  if (!editor) {
    require(!editor.error().message().empty());
    return 0;
  }
  const auto before = editor->finish();
  const auto merged = editor->apply(rest.subspan(first));
  if (!merged) {
    require(!merged.error().message().empty());
    require(editor->finish() == before);
  }
  edit(*editor);
  fill(rest.first(first), rest.subspan(first));
  return 0;
}
