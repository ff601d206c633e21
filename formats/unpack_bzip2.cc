// bzip2, through libbz2.
#include <bzlib.h>

#include <algorithm>
#include <memory>

#include "formats/unpack.h"

namespace tintype {

namespace {

// libbz2 counts in unsigned int.
constexpr std::uint64_t kChunk = 1 * kGiB;

}  // namespace

Result<std::vector<std::uint8_t>> unpack_bzip2(Bytes packed, const UnpackSize& size) {
  bz_stream stream{};
  if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) return fail("there is no memory to unpack it");
  const std::unique_ptr<bz_stream, decltype(&BZ2_bzDecompressEnd)> closer(&stream, BZ2_bzDecompressEnd);
  UnpackBuffer output(packed, size);
  std::uint64_t read = 0;
  int status = BZ_OK;
  while (status != BZ_STREAM_END) {
    const std::span<std::uint8_t> room = output.room(1);
    const unsigned offered = static_cast<unsigned>(std::min<std::uint64_t>(packed.size() - read, kChunk));
    const unsigned space = static_cast<unsigned>(std::min<std::uint64_t>(room.size(), kChunk));
    // The interface is older than const; libbz2 only reads its input.
    stream.next_in = reinterpret_cast<char*>(const_cast<std::uint8_t*>(packed.data() + read));
    stream.avail_in = offered;
    stream.next_out = reinterpret_cast<char*>(room.data());
    stream.avail_out = space;
    status = BZ2_bzDecompress(&stream);
    read += offered - stream.avail_in;
    TRY(output.commit(space - stream.avail_out));
    if (status == BZ_OK && stream.avail_out != 0 && read == packed.size())
      return fail_cut_short(read, output.size());
    if (status != BZ_OK && status != BZ_STREAM_END) return fail_damaged(read);
  }
  TRY(check_all_used(packed, read));
  return output.take();
}

}  // namespace tintype
