// Flattened device trees over libfdt: a writer that goes front to back, and a reader that trusts nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/wire.h"

namespace tintype {

// Writes one tree. Nodes nest by begin() and end(); properties of a node come before its sub-nodes.
class FdtWriter {
 public:
  FdtWriter();
  void begin(std::string_view name);  // "" for the root
  void end();
  void cells(std::string_view property, std::span<const std::uint32_t> values);
  void cell(std::string_view property, std::uint32_t value);
  // Each value as two cells, most significant first.
  void wide_cells(std::string_view property, std::span<const std::uint64_t> values);
  void string(std::string_view property, std::string_view value);
  void bytes(std::string_view property, Bytes value);
  // The finished blob. Call once, after the root's end().
  std::vector<std::uint8_t> finish();

 private:
  template <typename Call>
  void grow_until(Call call);
  std::vector<std::uint8_t> blob_;
};

// A checked copy of a tree. Nodes are handles that stay valid as long as the reader.
class FdtReader {
 public:
  using Node = int;
  // Errors: not a well-formed tree of exactly `blob.size()` bytes.
  static Result<FdtReader> open(Bytes blob);

  Node root() const { return 0; }
  // Direct sub-nodes in the order of the blob.
  std::vector<Node> children(Node node) const;
  // A direct sub-node by its name without unit address; an error that names what is missing.
  Result<Node> child(Node node, std::string_view name) const;
  std::string_view name(Node node) const;
  Result<Bytes> bytes(Node node, std::string_view property) const;
  // Errors: the property is absent, or not NUL-terminated text without other NULs.
  Result<std::string> string(Node node, std::string_view property) const;
  Result<std::uint32_t> cell(Node node, std::string_view property) const;
  Result<std::vector<std::uint64_t>> wide_cells(Node node, std::string_view property) const;
  bool has(Node node, std::string_view property) const;

 private:
  std::vector<std::uint8_t> blob_;
};

}  // namespace tintype
