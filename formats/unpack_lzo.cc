// LZO as lzop writes it, through liblzo2. The format has no specification; the reader of the kernel (Linux
// lib/decompress_unlzo.c) and lzop's own lzop.c and conf.h define it. All numbers are big-endian.
#include <lzo/lzo1x.h>

#include <algorithm>
#include <array>

#include "formats/unpack.h"

namespace tintype {

namespace {

using be16 = Scalar<std::uint16_t, ByteOrder::big>;

using Magic = std::array<std::uint8_t, 9>;
constexpr Magic kMagic = {0x89, 'L', 'Z', 'O', 0x00, 0x0D, 0x0A, 0x1A, 0x0A};
// From this version on the header has a version needed, a level and a high half of the time.
constexpr std::uint16_t kVersionWithLevel = 0x0940;

// Header flags: which checksums follow a block's sizes, and what the header itself has.
constexpr std::uint32_t kAdler32Unpacked = 0x1;
constexpr std::uint32_t kAdler32Packed = 0x2;
constexpr std::uint32_t kExtraField = 0x40;
constexpr std::uint32_t kCrc32Unpacked = 0x100;
constexpr std::uint32_t kCrc32Packed = 0x200;
constexpr std::uint32_t kFilter = 0x800;
constexpr std::uint32_t kHeaderCrc32 = 0x1000;

constexpr std::uint32_t kMaxBlock = 64 * kMiB;
// A run of n bytes makes at most 255 n, and some for the first.
constexpr std::uint64_t kMostRatio = 256;

std::uint32_t adler32_of(Bytes bytes) {
  return static_cast<std::uint32_t>(lzo_adler32(1, bytes.data(), bytes.size()));
}
std::uint32_t crc32_of(Bytes bytes) {
  return static_cast<std::uint32_t>(lzo_crc32(0, bytes.data(), bytes.size()));
}

// Reads the header and gives its flags.
Result<std::uint32_t> read_header(Bytes packed, ByteReader& reader) {
  const Magic magic = TRY(reader.read<Magic>("the LZO magic number"));
  if (magic != kMagic) return fail_at(0, "it does not begin with the magic number of lzop");
  const std::uint64_t start = reader.offset();
  const std::uint16_t version = TRY(reader.read<be16>("the lzop header"));
  const bool with_level = version >= kVersionWithLevel;
  // The library's version, and the version of lzop that is needed.
  TRY(reader.take(with_level ? 4 : 2, "the lzop header"));
  const std::uint8_t method = TRY(reader.read<std::uint8_t>("the lzop header"));
  if (method < 1 || method > 3)
    return fail_at(reader.offset() - 1, "lzop method {} is not LZO1X, which is 1 to 3", method);
  if (with_level) TRY(reader.take(1, "the lzop header"));
  const std::uint32_t flags = TRY(reader.read<be32>("the lzop header"));
  if ((flags & (kFilter | kExtraField)) != 0)
    return fail_at(start, "lzop flags {:#x} ask for a filter or an extra field, which kernels do not use",
                   flags);
  // Mode and time, in one or two words.
  TRY(reader.take(with_level ? 12 : 8, "the lzop header"));
  const std::uint8_t name = TRY(reader.read<std::uint8_t>("the lzop header"));
  TRY(reader.take(name, "the lzop header"));
  const Bytes header = packed.subspan(start, reader.offset() - start);
  const std::uint32_t found = (flags & kHeaderCrc32) != 0 ? crc32_of(header) : adler32_of(header);
  if (TRY(reader.read<be32>("the lzop header")) != found) return fail_damaged(start);
  return flags;
}

struct Sums {
  std::optional<std::uint32_t> adler32, crc32;
  bool match(Bytes bytes) const {
    return (!adler32 || *adler32 == adler32_of(bytes)) && (!crc32 || *crc32 == crc32_of(bytes));
  }
};

Result<Sums> read_sums(ByteReader& reader, bool adler32, bool crc32) {
  Sums sums;
  if (adler32) sums.adler32 = TRY(reader.read<be32>("an LZO block header"));
  if (crc32) sums.crc32 = TRY(reader.read<be32>("an LZO block header"));
  return sums;
}

// Reads one block. False at the end of the data.
Result<bool> unpack_block(ByteReader& reader, std::uint32_t flags, UnpackBuffer& output) {
  const std::uint64_t at = reader.offset();
  const std::uint32_t size = TRY(reader.read<be32>("an LZO block header"));
  if (size == 0) return false;
  const std::uint32_t packed_size = TRY(reader.read<be32>("an LZO block header"));
  if (size > kMaxBlock || packed_size == 0 || packed_size > size || size > packed_size * kMostRatio)
    return fail_damaged(at);
  const Sums after = TRY(read_sums(reader, (flags & kAdler32Unpacked) != 0, (flags & kCrc32Unpacked) != 0));
  // A block that would not shrink is stored as it is, and has one set of sums.
  const bool stored = packed_size == size;
  const Sums before = TRY(
      read_sums(reader, !stored && (flags & kAdler32Packed) != 0, !stored && (flags & kCrc32Packed) != 0));
  if (packed_size > reader.remaining()) return fail_cut_short(at, output.size());
  const Bytes block = TRY(reader.take(packed_size, "an LZO block"));
  if (!before.match(block)) return fail_damaged(at);
  const std::span<std::uint8_t> room = output.room(size).first(size);
  if (stored) {
    std::copy(block.begin(), block.end(), room.begin());
  } else {
    lzo_uint made = size;
    if (lzo1x_decompress_safe(block.data(), block.size(), room.data(), &made, nullptr) != LZO_E_OK ||
        made != size)
      return fail_damaged(at);
  }
  if (!after.match(room)) return fail_damaged(at);
  TRY(output.commit(size));
  return true;
}

}  // namespace

Result<std::vector<std::uint8_t>> unpack_lzo(Bytes packed, const UnpackSize& size) {
  ByteReader reader(packed);
  const std::uint32_t flags = TRY(read_header(packed, reader));
  UnpackBuffer output(packed, size);
  while (true) {
    if (reader.remaining() < sizeof(be32)) return fail_cut_short(reader.offset(), output.size());
    if (!TRY(unpack_block(reader, flags, output))) break;
  }
  TRY(check_all_used(packed, reader.offset()));
  return output.take();
}

}  // namespace tintype
