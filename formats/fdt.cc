#include "formats/fdt.h"

extern "C" {
#include <libfdt.h>
}

#include <cassert>

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

std::vector<std::uint8_t> FdtWriter::finish() {
  grow_until([&] { return fdt_finish(blob_.data()); });
  blob_.resize(fdt_totalsize(blob_.data()));
  return std::move(blob_);
}

Result<FdtReader> FdtReader::open(Bytes blob) {
  FdtReader reader;
  reader.blob_.assign(blob.begin(), blob.end());  // libfdt wants its blob aligned
  if (blob.empty() || fdt_check_full(reader.blob_.data(), reader.blob_.size()) != 0 ||
      fdt_totalsize(reader.blob_.data()) != blob.size())
    return fail("the {} bytes are not a well-formed flattened device tree", blob.size());
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
  if (!value) return fail("property '{}' of node '{}' is missing", property, name(node));
  return Bytes(static_cast<const std::uint8_t*>(value), static_cast<std::size_t>(length));
}

Result<std::string> FdtReader::string(Node node, std::string_view property) const {
  const Bytes value = TRY(bytes(node, property));
  std::string text(value.begin(), value.end());
  if (text.empty() || text.find('\0') != text.size() - 1)
    return fail("property '{}' of node '{}' is not a string", property, name(node));
  text.pop_back();
  return text;
}

Result<std::uint32_t> FdtReader::cell(Node node, std::string_view property) const {
  const Bytes value = TRY(bytes(node, property));
  if (value.size() != 4) return fail("property '{}' of node '{}' is not one cell", property, name(node));
  return TRY(read_at<be32>(value, 0, property)).value();
}

Result<std::vector<std::uint64_t>> FdtReader::wide_cells(Node node, std::string_view property) const {
  const Bytes value = TRY(bytes(node, property));
  if (value.empty() || value.size() % 8 != 0)
    return fail("property '{}' of node '{}' is not a list of 64-bit values", property, name(node));
  std::vector<std::uint64_t> values;
  for (std::size_t i = 0; i < value.size(); i += 8) values.push_back(TRY(read_at<be64>(value, i, property)));
  return values;
}

}  // namespace tintype
