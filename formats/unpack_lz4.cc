// The legacy LZ4 frame that kernels are packed with (LZ4 Frame Format 1.6, "Legacy frame"): a magic number,
// then blocks, each with its packed size before it, until the data ends.
#include <lz4.h>

#include <algorithm>

#include "formats/unpack.h"

namespace tintype {

namespace {

constexpr std::uint32_t kLegacyMagic = 0x184C2102;
constexpr std::uint32_t kFrameMagic = 0x184D2204;
// Every block but the last unpacks to this much.
constexpr std::uint64_t kBlockSize = 8 * kMiB;
// An LZ4 sequence of n bytes makes fewer than 255 n.
constexpr std::uint64_t kMostRatio = 255;

Result<void> unpack_block(Bytes block, std::uint64_t at, UnpackBuffer& output) {
  // What the buffer has left is usually enough, also for a last block that is shorter than the others.
  const std::uint64_t most = std::min(kBlockSize, block.size() * kMostRatio);
  for (const std::uint64_t atleast : {std::uint64_t{1}, most}) {
    const std::span<std::uint8_t> room = output.room(atleast);
    const int size = static_cast<int>(std::min<std::uint64_t>(room.size(), kBlockSize));
    const int made =
        LZ4_decompress_safe(reinterpret_cast<const char*>(block.data()), reinterpret_cast<char*>(room.data()),
                            static_cast<int>(block.size()), size);
    if (made >= 0) return output.commit(static_cast<std::uint64_t>(made));
  }
  return fail_damaged(at);
}

}  // namespace

Result<std::vector<std::uint8_t>> unpack_lz4(Bytes packed, const UnpackSize& size) {
  ByteReader reader(packed);
  const std::uint32_t magic = TRY(reader.read<le32>("the LZ4 magic number"));
  if (magic == kFrameMagic)
    return fail_at(0, "it is an LZ4 frame, and kernels use the legacy one: compress it with `lz4 -l`");
  if (magic != kLegacyMagic)
    return fail_at(0, "{:#x} is not the magic number of LZ4, {:#x}", magic, kLegacyMagic);
  UnpackBuffer output(packed, size);
  while (reader.remaining() != 0) {
    const std::uint64_t at = reader.offset();
    if (reader.remaining() < sizeof(le32)) return fail_cut_short(at, output.size());
    const std::uint32_t block_size = TRY(reader.read<le32>("an LZ4 block size"));
    // Frames that were appended to each other.
    if (block_size == kLegacyMagic) continue;
    if (block_size == 0 || block_size > static_cast<std::uint32_t>(LZ4_compressBound(kBlockSize)))
      return fail_damaged(at);
    if (block_size > reader.remaining()) return fail_cut_short(at, output.size());
    TRY(unpack_block(TRY(reader.take(block_size, "an LZ4 block")), at, output));
  }
  return output.take();
}

}  // namespace tintype
