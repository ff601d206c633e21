#include "formats/fdt.h"

#include "support/test_main.h"

namespace tintype {
namespace {

std::vector<std::uint8_t> sample() {
  FdtWriter tree;
  tree.begin("");
  tree.string("compatible", "sample");
  tree.cell("vcpus", 4);
  tree.begin("memory@0");
  tree.wide_cells("reg", {{0, 0x123456789}});
  tree.end();
  tree.begin("empty");
  tree.end();
  tree.end();
  return tree.finish();
}

TEST_CASE("a tree reads back as it was written") {
  const auto opened = FdtReader::open(sample());
  REQUIRE_OK(opened);
  const FdtReader& tree = *opened;
  CHECK(tree.string(tree.root(), "compatible").value() == "sample");
  CHECK(tree.cell(tree.root(), "vcpus").value() == 4);
  CHECK(tree.children(tree.root()).size() == 2);
  const auto memory = tree.child(tree.root(), "memory");
  REQUIRE_OK(memory);
  CHECK(tree.name(*memory) == "memory@0");
  CHECK(tree.wide_cells(*memory, "reg").value() == std::vector<std::uint64_t>{0, 0x123456789});
}

TEST_CASE("what is absent or of another type is an error that names it") {
  const FdtReader tree = FdtReader::open(sample()).value();
  CHECK(tree.child(tree.root(), "cpus").error().message() == "node 'cpus' is missing");
  CHECK(tree.cell(tree.root(), "compatible").error().message() ==
        "property 'compatible' of node '' is not one cell");
  CHECK_FALSE(tree.string(tree.root(), "vcpus").has_value());
  CHECK_FALSE(tree.wide_cells(tree.root(), "vcpus").has_value());
  CHECK_FALSE(tree.bytes(tree.root(), "reg").has_value());
}

TEST_CASE("a tree larger than the first buffer keeps every property") {
  FdtWriter tree;
  tree.begin("");
  for (std::uint32_t i = 0; i < 2000; ++i) {
    tree.begin(fmt::format("node@{:x}", i));
    tree.cell("value", i);
    tree.end();
  }
  tree.end();
  const auto reader = FdtReader::open(tree.finish());
  REQUIRE_OK(reader);
  const auto nodes = reader->children(reader->root());
  REQUIRE(nodes.size() == 2000);
  CHECK(reader->cell(nodes[1999], "value").value() == 1999);
}

TEST_CASE("every prefix and every flipped header bit is an error or a tree") {
  const auto blob = sample();
  for (std::size_t size = 0; size < blob.size(); ++size)
    CHECK_FALSE(FdtReader::open(Bytes(blob).first(size)).has_value());
  for (std::size_t bit = 0; bit < 8 * blob.size(); ++bit) {
    auto damaged = blob;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1u << (bit % 8)));
    const auto tree = FdtReader::open(damaged);
    if (!tree) continue;
    for (const auto node : tree->children(tree->root())) (void)tree->wide_cells(node, "reg");
    (void)tree->string(tree->root(), "compatible");
  }
}

}  // namespace
}  // namespace tintype
