#include "formats/fdt.h"

extern "C" {
#include <libfdt.h>
}

#include <algorithm>
#include <cassert>

#include "formats/fdt_overlay.h"
#include "formats/fdt_structure.h"

namespace tintype {

FdtWriter::FdtWriter() : blob_(4096) {
  [[maybe_unused]] const int status = fdt_create(blob_.data(), static_cast<int>(blob_.size()));
  assert(status == 0);
  grow_until([&] { return fdt_finish_reservemap(blob_.data()); });
}

template <typename Call>
void FdtWriter::grow_until(Call call) {
  int status = call();
  while (status == -FDT_ERR_NOSPACE) {
    // Resizing moves the blob itself, since libfdt keeps strings at the end of the space it was given.
    std::vector<std::uint8_t> larger(blob_.size() * 2);
    [[maybe_unused]] const int moved =
        fdt_resize(blob_.data(), larger.data(), static_cast<int>(larger.size()));
    assert(moved == 0);
    blob_ = std::move(larger);
    status = call();
  }
  assert(status == 0 && "device tree nodes and properties must nest");
}

void FdtWriter::begin(std::string_view name) {
  grow_until([&] { return fdt_begin_node(blob_.data(), std::string(name).c_str()); });
}
void FdtWriter::end() {
  grow_until([&] { return fdt_end_node(blob_.data()); });
}
void FdtWriter::bytes(std::string_view property, Bytes value) {
  grow_until([&] {
    return fdt_property(blob_.data(), std::string(property).c_str(), value.data(),
                        static_cast<int>(value.size()));
  });
}
void FdtWriter::cells(std::string_view property, std::span<const std::uint32_t> values) {
  Buffer buffer;
  for (const std::uint32_t value : values) buffer.put(be32(value));
  bytes(property, buffer.bytes());
}
void FdtWriter::cell(std::string_view property, std::uint32_t value) {
  cells(property, {&value, 1});
}
void FdtWriter::wide_cells(std::string_view property, std::span<const std::uint64_t> values) {
  Buffer buffer;
  for (const std::uint64_t value : values) buffer.put(be64(value));
  bytes(property, buffer.bytes());
}
void FdtWriter::string(std::string_view property, std::string_view value) {
  const std::string text(value);
  bytes(property, {reinterpret_cast<const std::uint8_t*>(text.c_str()), text.size() + 1});
}

void FdtWriter::strings(std::string_view property, std::initializer_list<std::string_view> values) {
  Buffer buffer;
  for (const std::string_view value : values) {
    buffer.write(bytes_of(value));
    buffer.zeros(1);
  }
  bytes(property, buffer.bytes());
}

std::vector<std::uint8_t> FdtWriter::finish() {
  grow_until([&] { return fdt_finish(blob_.data()); });
  blob_.resize(fdt_totalsize(blob_.data()));
  return std::move(blob_);
}

Result<FdtReader> FdtReader::open(Bytes blob) {
  const auto header = read_at<FdtHeader>(blob, 0, "header");
  if (header && header->magic == kFdtMagic && header->version != 0u && header->version < kFdtVersion)
    return fail("the device tree has format version {}, older than {}: write it anew with `dtc -O dtb`",
                header->version.value(), kFdtVersion);
  FdtReader reader;
  const auto depth = fdt_depth(blob);
  if (depth) reader.blob_.assign(blob.begin(), blob.end());  // libfdt wants its blob aligned
  if (!depth || fdt_check_full(reader.blob_.data(), reader.blob_.size()) != 0)
    return fail("the {} bytes are not a well-formed flattened device tree", blob.size());
  reader.depth_ = *depth;
  return reader;
}

std::vector<FdtReader::Node> FdtReader::children(Node node) const {
  std::vector<Node> nodes;
  for (int child = fdt_first_subnode(blob_.data(), node); child >= 0;
       child = fdt_next_subnode(blob_.data(), child))
    nodes.push_back(child);
  return nodes;
}

Result<FdtReader::Node> FdtReader::child(Node node, std::string_view name) const {
  const int found =
      fdt_subnode_offset_namelen(blob_.data(), node, name.data(), static_cast<int>(name.size()));
  if (found < 0) return fail("node '{}' is missing", name);
  return found;
}

Result<FdtReader::Node> FdtReader::find(std::string_view path) const {
  // Without a "/" in front libfdt takes the path for an alias, and follows aliases of aliases without end.
  const int found = path.starts_with('/')
                        ? fdt_path_offset_namelen(blob_.data(), path.data(), static_cast<int>(path.size()))
                        : -FDT_ERR_BADPATH;
  if (found < 0) return fail("node '{}' is missing", shown(path));
  return found;
}

std::vector<FdtProperty> FdtReader::properties(Node node) const {
  std::vector<FdtProperty> properties;
  for (int at = fdt_first_property_offset(blob_.data(), node); at >= 0;
       at = fdt_next_property_offset(blob_.data(), at)) {
    int length = 0;
    const char* text = nullptr;
    const void* value = fdt_getprop_by_offset(blob_.data(), at, &text, &length);
    if (!value) break;
    properties.push_back({text, {static_cast<const std::uint8_t*>(value), static_cast<std::size_t>(length)}});
  }
  return properties;
}

std::string_view FdtReader::name(Node node) const {
  int length = 0;
  const char* text = fdt_get_name(blob_.data(), node, &length);
  return text ? std::string_view(text, static_cast<std::size_t>(length)) : std::string_view();
}

bool FdtReader::has(Node node, std::string_view property) const {
  return fdt_getprop_namelen(blob_.data(), node, property.data(), static_cast<int>(property.size()), nullptr);
}

Result<Bytes> FdtReader::bytes(Node node, std::string_view property) const {
  int length = 0;
  const void* value =
      fdt_getprop_namelen(blob_.data(), node, property.data(), static_cast<int>(property.size()), &length);
  if (!value) return fail("property '{}' of node '{}' is missing", property, shown(name(node)));
  return Bytes(static_cast<const std::uint8_t*>(value), static_cast<std::size_t>(length));
}

Result<std::string> FdtReader::string(Node node, std::string_view property) const {
  const Bytes value = TRY(bytes(node, property));
  std::string text(value.begin(), value.end());
  if (text.empty() || text.find('\0') != text.size() - 1)
    return fail("property '{}' of node '{}' is not a string", property, shown(name(node)));
  text.pop_back();
  return text;
}

Result<std::uint32_t> FdtReader::cell(Node node, std::string_view property) const {
  const Bytes value = TRY(bytes(node, property));
  if (value.size() != 4)
    return fail("property '{}' of node '{}' is not one cell", property, shown(name(node)));
  return TRY(read_at<be32>(value, 0, property)).value();
}

Result<std::vector<std::uint64_t>> FdtReader::wide_cells(Node node, std::string_view property) const {
  const Bytes value = TRY(bytes(node, property));
  if (value.empty() || value.size() % 8 != 0)
    return fail("property '{}' of node '{}' is not a list of 64-bit values", property, shown(name(node)));
  std::vector<std::uint64_t> values;
  for (std::size_t i = 0; i < value.size(); i += 8) values.push_back(TRY(read_at<be64>(value, i, property)));
  return values;
}

Result<std::vector<GpaRange>> FdtReader::reservations() const {
  std::vector<GpaRange> ranges;
  const int count = fdt_num_mem_rsv(blob_.data());
  for (int i = 0; i < count; ++i) {
    std::uint64_t start = 0, size = 0;
    if (fdt_get_mem_rsv(blob_.data(), i, &start, &size) != 0) break;
    const auto range = GpaRange::of_size(start, size);
    if (!range)
      return fail("the device tree's /memreserve/ of {:#x} bytes at {:#x} ends past 2^64: give it less", size,
                  start);
    ranges.push_back(*range);
  }
  return ranges;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 100;
  const bool plain = text.size() <= kMost &&
                     std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return plain ? std::string(text) : "?";
}

namespace {

// What both a tree and an overlay have to be.
Result<FdtReader> open_checked(Bytes blob) {
  FdtReader reader = TRY(FdtReader::open(blob));
  // libfdt calls itself once for each level of an overlay.
  if (reader.depth() > kMaxFdtDepth)
    return fail("the device tree has nodes {} levels deep, and Linux reads {}: nest them less",
                reader.depth(), kMaxFdtDepth);
  return reader;
}

}  // namespace

Result<FdtEditor> FdtEditor::open(Bytes blob, std::uint32_t limit) {
  TRY(open_checked(blob));
  const std::vector<std::uint8_t> aligned(blob.begin(), blob.end());
  FdtEditor editor;
  editor.blob_.resize(limit);
  const int status = fdt_open_into(aligned.data(), editor.blob_.data(), static_cast<int>(limit));
  if (status == -FDT_ERR_NOSPACE)
    return fail("the device tree has {} bytes, and the most it may have is {}: leave something out",
                blob.size(), limit);
  if (status != 0) return fail("the {} bytes are not a device tree that can be changed", blob.size());
  return editor;
}

tl::unexpected<Error> FdtEditor::no_room() const {
  return fail("the device tree would have more than the {} bytes that it may have: leave something out",
              blob_.size());
}

Result<void> FdtEditor::set(std::string_view path, std::string_view property, Bytes value) {
  assert(path.starts_with('/'));
  int node = 0;
  for (std::size_t at = 1; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const auto length = static_cast<int>(end - at);
    const int found = fdt_subnode_offset_namelen(blob_.data(), node, path.data() + at, length);
    node = found >= 0 ? found : fdt_add_subnode_namelen(blob_.data(), node, path.data() + at, length);
    if (node < 0) return no_room();
    at = end + 1;
  }
  const int status = fdt_setprop(blob_.data(), node, std::string(property).c_str(), value.data(),
                                 static_cast<int>(value.size()));
  if (status != 0) return no_room();
  return {};
}

void FdtEditor::remove(std::string_view path, std::string_view property) {
  const int node = fdt_path_offset_namelen(blob_.data(), path.data(), static_cast<int>(path.size()));
  if (node >= 0) fdt_delprop(blob_.data(), node, std::string(property).c_str());
}

Result<void> FdtEditor::rename(std::string_view path, std::string_view name) {
  const int node = fdt_path_offset_namelen(blob_.data(), path.data(), static_cast<int>(path.size()));
  if (node < 0) return fail("node '{}' is missing", shown(path));
  if (fdt_set_name(blob_.data(), node, std::string(name).c_str()) != 0) return no_room();
  return {};
}

Result<void> FdtEditor::apply(Bytes overlay) {
  const FdtReader change = TRY(open_checked(overlay));
  const FdtReader base = TRY(FdtReader::open(blob_));
  TRY(check_overlay(change, base));
  // libfdt leaves both damaged when it has to give up.
  std::vector<std::uint8_t> merged = blob_;
  std::vector<std::uint8_t> spent(overlay.begin(), overlay.end());
  const int status = fdt_overlay_apply(merged.data(), spent.data());
  if (status == -FDT_ERR_NOSPACE) return no_room();
  if (status == -FDT_ERR_NOTFOUND || status == -FDT_ERR_BADPATH) return missing_target(change, base);
  if (status == -FDT_ERR_NOPHANDLES)
    return fail("the overlay's phandles and the device tree's are together more than 32 bits can tell apart");
  if (status != 0)
    return fail(
        "the overlay has no fragments as they should be, each with a target and an __overlay__: write it "
        "with "
        "`dtc -@`");
  TRY(with_context(open_checked(merged), "with the overlay applied"));
  blob_ = std::move(merged);
  return {};
}

std::vector<std::uint8_t> FdtEditor::finish() const {
  std::vector<std::uint8_t> packed = blob_;
  [[maybe_unused]] const int status = fdt_pack(packed.data());
  assert(status == 0);
  packed.resize(fdt_totalsize(packed.data()));
  return packed;
}

}  // namespace tintype
