#include "formats/fdt_structure.h"

#include <algorithm>

namespace tintype {

namespace {

// 5.4.1 "Lexical structure"
enum : std::uint32_t {
  FDT_BEGIN_NODE = 1,
  FDT_END_NODE = 2,
  FDT_PROP = 3,
  FDT_NOP = 4,
  FDT_END = 9,
};
constexpr std::uint64_t kTokenAlignment = 4;

bool has_text(Bytes bytes) {
  return std::find(bytes.begin(), bytes.end(), 0) != bytes.end();
}

// Walks over the structure block.
class Walk {
 public:
  Walk(Bytes structure, Bytes strings) : structure_(structure), strings_(strings) {}

  // The deepest node's level, the root's being 0; nothing if a token is where or what it may not be.
  std::optional<int> run() {
    for (;;) {
      const auto token = read_at<be32>(structure_, at_, "token");
      if (!token) return std::nullopt;
      at_ += sizeof(be32);
      if (*token == +FDT_END) return rooted_ && open_ == 0 ? std::optional(deepest_) : std::nullopt;
      if (!step(*token)) return std::nullopt;
      at_ = align_token(at_);
    }
  }

 private:
  static std::uint64_t align_token(std::uint64_t at) {
    return (at + kTokenAlignment - 1) / kTokenAlignment * kTokenAlignment;
  }

  bool step(std::uint32_t token) {
    switch (token) {
      case FDT_BEGIN_NODE:
        return begin();
      case FDT_END_NODE:
        return --open_ >= 0;
      case FDT_PROP:
        return property();
      case FDT_NOP:
        return true;
      default:
        return false;
    }
  }

  bool begin() {
    const Bytes rest = structure_.subspan(static_cast<std::size_t>(at_));
    const auto end = std::find(rest.begin(), rest.end(), 0);
    if (end == rest.end()) return false;
    const bool is_root = open_ == 0;
    // One root, and it has no name.
    if (is_root && (rooted_ || end != rest.begin())) return false;
    rooted_ = true;
    deepest_ = std::max(deepest_, open_);
    ++open_;
    at_ += static_cast<std::uint64_t>(end - rest.begin()) + 1;
    return true;
  }

  bool property() {
    const auto length = read_at<be32>(structure_, at_, "length");
    const auto name = read_at<be32>(structure_, at_ + sizeof(be32), "name");
    if (!length || !name || open_ == 0) return false;
    at_ += 2 * sizeof(be32);
    if (*length > structure_.size() - at_ || *name >= strings_.size()) return false;
    at_ += *length;
    return has_text(strings_.subspan(*name));
  }

  Bytes structure_;
  Bytes strings_;
  std::uint64_t at_ = 0;  // never past the end
  int open_ = 0;  // nodes that have begun and not ended: each took 8 bytes of a block of 4 GiB at most
  int deepest_ = 0;
  bool rooted_ = false;
};

}  // namespace

std::optional<int> fdt_depth(Bytes blob) {
  const auto header = read_at<FdtHeader>(blob, 0, "header");
  if (!header || header->magic != kFdtMagic || header->totalsize != blob.size()) return std::nullopt;
  if (header->version < kFdtVersion || header->off_dt_struct % kTokenAlignment != 0) return std::nullopt;
  const auto structure = slice(blob, header->off_dt_struct, header->size_dt_struct, "structure block");
  const auto strings = slice(blob, header->off_dt_strings, header->size_dt_strings, "strings block");
  if (!structure || !strings) return std::nullopt;
  return Walk(*structure, *strings).run();
}

}  // namespace tintype
