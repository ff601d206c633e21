// Flattened device trees over libfdt: a writer that goes front to back, a reader that trusts nothing, and an
// editor for trees and overlays of the user's. Format: Devicetree Specification 0.4, 5.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gpa.h"
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
  // One after the other, each with its NUL.
  void strings(std::string_view property, std::initializer_list<std::string_view> values);
  // A property that says all by being there.
  void flag(std::string_view property) { bytes(property, {}); }
  void bytes(std::string_view property, Bytes value);
  // The finished blob. Call once, after the root's end().
  std::vector<std::uint8_t> finish();

 private:
  template <typename Call>
  void grow_until(Call call);
  std::vector<std::uint8_t> blob_;
};

// The deepest that nodes may nest in a tree that is edited, the root being at 0. Linux reads no deeper
// (drivers/of/fdt.c, FDT_MAX_DEPTH).
inline constexpr int kMaxFdtDepth = 64;

// A property as the tree has it.
struct FdtProperty {
  std::string_view name;
  Bytes value;
};

// A checked copy of a tree. Nodes are handles that stay valid as long as the reader.
class FdtReader {
 public:
  using Node = int;
  // Errors: not a well-formed tree of exactly `blob.size()` bytes, a format version before 17.
  static Result<FdtReader> open(Bytes blob);

  Node root() const { return 0; }
  // Direct sub-nodes in the order of the blob.
  std::vector<Node> children(Node node) const;
  // A direct sub-node by its name without unit address; an error that names what is missing.
  Result<Node> child(Node node, std::string_view name) const;
  // By its path from the root on, in which a name may lack its unit address.
  Result<Node> find(std::string_view path) const;
  // In the order of the blob. A damaged tree may have two of one name.
  std::vector<FdtProperty> properties(Node node) const;
  std::string_view name(Node node) const;
  Result<Bytes> bytes(Node node, std::string_view property) const;
  // Errors: the property is absent, or not NUL-terminated text without other NULs.
  Result<std::string> string(Node node, std::string_view property) const;
  Result<std::uint32_t> cell(Node node, std::string_view property) const;
  Result<std::vector<std::uint64_t>> wide_cells(Node node, std::string_view property) const;
  bool has(Node node, std::string_view property) const;
  // The memory reservation block (5.3), as far as Linux reads it: up to the first entry of size 0. Errors: a
  // range that ends past 2^64.
  Result<std::vector<GpaRange>> reservations() const;
  // Levels of nodes below the root.
  int depth() const { return depth_; }

 private:
  std::vector<std::uint8_t> blob_;
  int depth_ = 0;
};

// Text of a file's as a message may show it: "?" if it is long or unprintable.
std::string shown(std::string_view text);

// A tree that is changed in place, in a buffer of the size that it may grow to.
class FdtEditor {
 public:
  // A copy of `blob`. Errors: no tree that FdtReader opens, nodes nested deeper than kMaxFdtDepth,
  // more than `limit` bytes.
  static Result<FdtEditor> open(Bytes blob, std::uint32_t limit);

  // Sets a property of the node at `path`, which starts with "/". Nodes that are missing on the way are
  // added. Errors: the tree would outgrow its limit.
  Result<void> set(std::string_view path, std::string_view property, Bytes value);
  // Does nothing if there is no such node or property.
  void remove(std::string_view path, std::string_view property);
  // Gives the node at `path` another name. Errors: there is none; the tree would outgrow its limit.
  Result<void> rename(std::string_view path, std::string_view name);
  // Merges an overlay as `dtc -@` writes it. Errors: an overlay that is damaged, refers to labels or paths
  // that the tree does not have, or makes it outgrow its limit. After an error the tree is as it was.
  Result<void> apply(Bytes overlay);
  // The tree as it is, packed.
  std::vector<std::uint8_t> finish() const;

 private:
  tl::unexpected<Error> no_room() const;
  std::vector<std::uint8_t> blob_;
};

}  // namespace tintype
