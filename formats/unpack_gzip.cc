// gzip, RFC 1952, through zlib.
#include <zlib.h>

#include <algorithm>
#include <memory>

#include "formats/unpack.h"

namespace tintype {

namespace {

// zlib counts in unsigned int; anything that fits it does.
constexpr std::uint64_t kChunk = 1 * kGiB;
// inflateInit2: the largest window, and 16 for a gzip header.
constexpr int kGzipWindow = MAX_WBITS + 16;

}  // namespace

Result<std::vector<std::uint8_t>> unpack_gzip(Bytes packed, const UnpackSize& size) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) return fail("there is no memory to unpack it");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> closer(&stream, inflateEnd);
  UnpackBuffer output(packed, size);
  std::uint64_t read = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    const std::span<std::uint8_t> room = output.room(1);
    const uInt offered = static_cast<uInt>(std::min<std::uint64_t>(packed.size() - read, kChunk));
    const uInt space = static_cast<uInt>(std::min<std::uint64_t>(room.size(), kChunk));
    // The interface is older than const; zlib only reads its input.
    stream.next_in = const_cast<Bytef*>(packed.data() + read);
    stream.avail_in = offered;
    stream.next_out = room.data();
    stream.avail_out = space;
    status = inflate(&stream, Z_NO_FLUSH);
    read += offered - stream.avail_in;
    TRY(output.commit(space - stream.avail_out));
    if (status == Z_BUF_ERROR || (status == Z_OK && stream.avail_out != 0 && read == packed.size()))
      return fail_cut_short(read, output.size());
    if (status != Z_OK && status != Z_STREAM_END) return fail_damaged(read);
  }
  TRY(check_all_used(packed, read));
  return output.take();
}

}  // namespace tintype
