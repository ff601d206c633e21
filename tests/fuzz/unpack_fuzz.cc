// Each unpacker on any bytes; the first says which. No more than the limit may come out, and what came out
// must not depend on the size that was expected.
#include <cstdlib>

#include "formats/unpack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tintype::FileKind;
  constexpr FileKind kKinds[] = {FileKind::gzip, FileKind::bzip2, FileKind::lzma, FileKind::xz,
                                 FileKind::lzo,  FileKind::lz4,   FileKind::zstd};
  constexpr std::uint64_t kLimit = 256 * tintype::kKiB;
  if (size == 0) return 0;
  const FileKind kind = kKinds[data[0] % std::size(kKinds)];
  const tintype::Bytes packed(data + 1, size - 1);
  const auto unpacked = unpack(kind, packed, {.limit = kLimit});
  const auto again = unpack(kind, packed, {.limit = kLimit, .expected = size * 7});
  if (unpacked.has_value() != again.has_value()) std::abort();
  if (unpacked && (unpacked->size() > kLimit || *unpacked != *again)) std::abort();
  if (!unpacked && unpacked.error().what.empty()) std::abort();
  return 0;
}
