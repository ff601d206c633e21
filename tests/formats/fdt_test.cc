#include "formats/fdt.h"

#include <functional>

#include "support/dtc.h"
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

constexpr std::uint32_t kLimit = 65536;

FdtEditor editor_of(const std::vector<std::uint8_t>& blob) {
  auto editor = FdtEditor::open(blob, kLimit);
  REQUIRE_OK(editor);
  return std::move(*editor);
}

// A tree with one label, "dev", at /device.
std::vector<std::uint8_t> labelled() {
  FdtWriter tree;
  tree.begin("");
  tree.begin("device");
  tree.cell("phandle", 7);
  tree.end();
  tree.begin("__symbols__");
  tree.string("dev", "/device");
  tree.string("gone", "/nowhere");
  tree.string("alias", "alias");
  tree.end();
  tree.end();
  return tree.finish();
}

// An overlay of one fragment for /device that has a property "ref" of one cell, and whatever `rest` adds
// below the root.
std::vector<std::uint8_t> overlay_with(const std::function<void(FdtWriter&)>& rest,
                                       std::string_view target = "/device") {
  FdtWriter tree;
  tree.begin("");
  tree.begin("fragment@0");
  tree.string("target-path", target);
  tree.begin("__overlay__");
  tree.cell("ref", 0xFFFFFFFF);
  tree.string("status", "okay");
  tree.end();
  tree.end();
  rest(tree);
  tree.end();
  return tree.finish();
}

// One property of /__fixups__.
std::vector<std::uint8_t> fixup(std::string_view label, std::string_view places) {
  return overlay_with([&](FdtWriter& tree) {
    tree.begin("__fixups__");
    tree.string(label, places);
    tree.end();
  });
}

// One list of offsets in /__local_fixups__ for the node at `path`.
std::vector<std::uint8_t> local_fixup(const std::vector<std::string>& path, std::string_view property,
                                      std::uint32_t offset) {
  return overlay_with([&](FdtWriter& tree) {
    tree.begin("__local_fixups__");
    for (const std::string& name : path) tree.begin(name);
    tree.cell(property, offset);
    for (std::size_t i = 0; i < path.size(); ++i) tree.end();
    tree.end();
  });
}

std::string refusal(const std::vector<std::uint8_t>& overlay) {
  FdtEditor editor = editor_of(labelled());
  const auto before = editor.finish();
  const auto applied = editor.apply(overlay);
  REQUIRE_FALSE(applied);
  CHECK(editor.finish() == before);
  return applied.error().message();
}

TEST_CASE("an editor sets, adds, removes and renames, and packs the result") {
  FdtEditor editor = editor_of(sample());
  const std::uint8_t value[] = {1, 2, 3};
  REQUIRE_OK(editor.set("/memory@0", "reg", value));
  REQUIRE_OK(editor.set("/new/node", "value", value));
  REQUIRE_OK(editor.set("/", "model", bytes_of(std::string_view("x", 2))));
  REQUIRE_OK(editor.rename("/empty", "full"));
  CHECK(editor.rename("/nothing", "x").error().message() == "node '/nothing' is missing");
  editor.remove("/", "compatible");
  editor.remove("/", "absent");
  editor.remove("/absent", "absent");
  const auto packed = editor.finish();
  const auto tree = FdtReader::open(packed);
  REQUIRE_OK(tree);
  CHECK(tree->bytes(tree->find("/memory@0").value(), "reg")->size() == 3);
  CHECK(tree->bytes(tree->find("/memory").value(), "reg")->size() == 3);
  CHECK(tree->bytes(tree->find("/new/node").value(), "value")->size() == 3);
  CHECK(tree->string(tree->root(), "model").value() == "x");
  CHECK(tree->find("/full"));
  CHECK_FALSE(tree->find("/empty"));
  CHECK_FALSE(tree->find("full"));
  CHECK_FALSE(tree->has(tree->root(), "compatible"));
  CHECK(tree->depth() == 2);
  CHECK(packed.size() < 512);
}

TEST_CASE("an editor refuses what is too large, too deep, too old or no tree") {
  const auto blob = sample();
  CHECK(FdtEditor::open(blob, 100).error().message() ==
        fmt::format("the device tree has {} bytes, and the most it may have is 100: leave something out",
                    blob.size()));
  CHECK_FALSE(FdtEditor::open({}, kLimit));
  FdtEditor editor = editor_of(blob);
  const std::vector<std::uint8_t> large(kLimit);
  const std::string full =
      "the device tree would have more than the 65536 bytes that it may have: leave something out";
  CHECK(editor.set("/", "large", large).error().message() == full);
  CHECK(editor.set("/a/b", "large", large).error().message() == full);
  CHECK(editor.rename("/empty", std::string(kLimit, 'x')).error().message() == full);
  const auto nested = [](int levels) {
    FdtWriter tree;
    tree.begin("");
    for (int i = 0; i < levels; ++i) tree.begin("n");
    for (int i = 0; i <= levels; ++i) tree.end();
    return tree.finish();
  };
  CHECK(FdtEditor::open(nested(64), kLimit));
  CHECK(FdtEditor::open(nested(65), kLimit).error().message() ==
        "the device tree has nodes 65 levels deep, and Linux reads 64: nest them less");
  CHECK_FALSE(FdtEditor::open(nested(5000), kLimit * 16));
}

TEST_CASE("a tree of a format version before 17 is refused") {
  auto old = sample();
  for (const unsigned version : {3u, 11u, 16u}) {
    old[23] = static_cast<std::uint8_t>(version);
    old[27] = 0;  // last_comp_version
    CHECK(FdtReader::open(old).error().message() ==
          fmt::format("the device tree has format version {}, older than 17: write it anew with `dtc -O dtb`",
                      version));
  }
  old[23] = 0;
  CHECK_FALSE(FdtReader::open(old));
}

// `blob` with a word of its structure block overwritten. The offset counts from the block's start.
std::vector<std::uint8_t> patched(std::vector<std::uint8_t> blob, std::size_t offset, std::uint32_t word) {
  const auto start = read_at<be32>(blob, 8, "off_dt_struct").value().value();
  const be32 value(word);
  std::copy_n(bytes_of(value).begin(), 4, blob.begin() + static_cast<std::ptrdiff_t>(start + offset));
  return blob;
}

TEST_CASE("a structure block whose tokens do not fit is no tree") {
  FdtWriter writer;
  writer.begin("");
  writer.cell("value", 5);
  writer.end();
  // begin, "", property, length, name, value, end of node, end
  const auto blob = writer.finish();
  REQUIRE_OK(FdtReader::open(patched(blob, 20, 6)));
  const struct {
    std::size_t offset;
    std::uint32_t word;
  } damages[] = {
      {0, 2},                                 // ends before it begins
      {0, 4},                                 // a property before the root
      {4, 0x78000000},                        // a root with a name
      {8, 1},                                 // a node that does not end
      {8, 5},                                 // no token
      {8, 9},                                 // ends within a node
      {12, 0xFFFFFFFD},                       // a length that is negative to libfdt
      {12, 0x7FFFFFFF}, {12, 100}, {12, 12},  // a value over the end of the node
      {16, 0x100},                            // a name past the strings
      {16, 0xFFFFFFFF}, {24, 4},              // the root does not end
      {28, 4},                                // nothing ends
  };
  for (const auto& damage : damages)
    CHECK_MESSAGE(!FdtReader::open(patched(blob, damage.offset, damage.word)),
                  damage.offset << ": " << damage.word);
  auto unnamed = blob;
  unnamed[unnamed.size() - 1] = 'x';  // the last name has no end
  CHECK_FALSE(FdtReader::open(unnamed));
}

TEST_CASE("an overlay is merged, its references with it") {
  FdtEditor editor = editor_of(labelled());
  REQUIRE_OK(editor.apply(fixup("dev", "/fragment@0/__overlay__:ref:0")));
  const auto packed = editor.finish();
  const auto tree = FdtReader::open(packed);
  REQUIRE_OK(tree);
  CHECK(tree->string(tree->find("/device").value(), "status").value() == "okay");
  CHECK(tree->cell(tree->find("/device").value(), "ref").value() == 7);
  // Phandles of the overlay itself move behind those of the tree.
  FdtEditor local = editor_of(labelled());
  REQUIRE_OK(local.apply(local_fixup({"fragment@0", "__overlay__"}, "ref", 0)));
  const auto moved = local.finish();
  const auto moved_tree = FdtReader::open(moved);
  REQUIRE_OK(moved_tree);
  CHECK(moved_tree->cell(moved_tree->find("/device").value(), "ref").value() == 6);
}

TEST_CASE("an overlay's labels and targets are in the tree, or the message names them") {
  const std::string place = "/fragment@0/__overlay__:ref:0";
  CHECK(refusal(fixup("uart7", place)) ==
        "the overlay refers to label 'uart7', which the device tree does not have; it has dev, gone, alias");
  CHECK(
      refusal(fixup("gone", place)) ==
      "the overlay refers to label 'gone', which in the device tree is at no node with a phandle: write the "
      "tree with `dtc -@`");
  CHECK(refusal(fixup("alias", place)).starts_with("the overlay refers to label 'alias', which in"));
  CHECK(refusal(fixup("\x1b[31m", place)).find('\x1b') == std::string::npos);
  CHECK(refusal(overlay_with([](FdtWriter&) {}, "/absent")) ==
        "the overlay's 'fragment@0' goes to '/absent', which the device tree does not have");
  CHECK(refusal(overlay_with([](FdtWriter&) {}, "serial0")) ==
        "the overlay's 'fragment@0' has neither a target nor a target-path that starts at the root: write it "
        "with "
        "`dtc -@`");
  CHECK(refusal(sample()) ==
        "this is no overlay: none of its nodes has an __overlay__: write it as /plugin/, with `dtc -@`");
  FdtWriter bare;
  bare.begin("");
  bare.begin("device");
  bare.end();
  bare.end();
  FdtEditor editor = editor_of(bare.finish());
  CHECK(editor.apply(fixup("dev", place)).error().message() ==
        "the overlay refers to label 'dev', and the device tree has no labels: write the tree with `dtc -@`");
}

TEST_CASE("a second fragment may go to what the first one adds") {
  FdtWriter tree;
  tree.begin("");
  for (const char* target : {"/device", "/device/new", "/device/absent"}) {
    tree.begin(fmt::format("fragment@{}", std::string_view(target).size()));
    tree.string("target-path", target);
    tree.begin("__overlay__");
    tree.begin("new");
    tree.end();
    tree.end();
    tree.end();
  }
  tree.end();
  CHECK(refusal(tree.finish()).find("goes to a node") == std::string::npos);
}

TEST_CASE("fixups that reach outside what they fix are refused") {
  for (const char* place :
       {"/fragment@0/__overlay__:ref:4294967294", "/fragment@0/__overlay__:ref:1",
        "/fragment@0/__overlay__:ref:-4", "/fragment@0/__overlay__:ref: 0",
        "/fragment@0/__overlay__:ref:", "/fragment@0/__overlay__:ref:0x0", "/fragment@0/__overlay__:ref",
        "/fragment@0/__overlay__", "/fragment@0/__overlay__:absent:0", "/absent:ref:0", "ref:ref:0", ":ref:0",
        "", "/__fixups__:dev:0", "//__fixups__:dev:0", "/fragment@0:target-path:0"})
    CHECK_MESSAGE(
        refusal(fixup("dev", place)) ==
            fmt::format("the overlay's __fixups__ is damaged, since there is no phandle at '{}': write "
                        "it with `dtc -@`",
                        place),
        place);
  CHECK(refusal(overlay_with([](FdtWriter& tree) {
          tree.begin("__fixups__");
          tree.bytes("dev", bytes_of(std::string_view("/fragment@0/__overlay__:ref:0")));
          tree.end();
        })) == "the overlay's __fixups__ is damaged, since it is no text: write it with `dtc -@`");
  const std::string local = "the overlay's __local_fixups__ is damaged";
  CHECK(refusal(local_fixup({"fragment@0", "__overlay__"}, "ref", 1)).starts_with(local));
  CHECK(refusal(local_fixup({"fragment@0", "__overlay__"}, "ref", 0xFFFFFFFE)).starts_with(local));
  CHECK(refusal(local_fixup({"fragment@0", "__overlay__"}, "absent", 0)).starts_with(local));
  CHECK(refusal(local_fixup({"fragment@0", "__overlay__"}, "phandle", 0)).starts_with(local));
  CHECK(refusal(local_fixup({"fragment@0"}, "target-path", 0)).starts_with(local));
  CHECK(refusal(local_fixup({"absent"}, "ref", 0)).starts_with(local));
  CHECK(refusal(local_fixup({"__local_fixups__", "__local_fixups__"}, "ref", 0)).starts_with(local));
}

TEST_CASE("every prefix and every flipped bit of an overlay is an error or a merge") {
  if (!have_dtc()) return;
  const auto overlay = compile_overlay("&dev { a: node { self = <&a>; other = <&dev>; }; };");
  const auto base = labelled();
  {
    FdtEditor editor = editor_of(base);
    REQUIRE_OK(editor.apply(overlay));
    CHECK(tree_source(editor.finish()).log == "");
  }
  FdtEditor untouched = editor_of(base);
  for (std::size_t size = 0; size < overlay.size(); ++size)
    CHECK_FALSE(untouched.apply(Bytes(overlay).first(size)).has_value());
  int merged = 0;
  for (std::size_t bit = 0; bit < 8 * overlay.size(); ++bit) {
    auto damaged = overlay;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1u << (bit % 8)));
    FdtEditor editor = editor_of(base);
    if (editor.apply(damaged)) ++merged;
    CHECK(FdtReader::open(editor.finish()).has_value());
  }
  CHECK(merged > 0);
}

}  // namespace
}  // namespace tintype
