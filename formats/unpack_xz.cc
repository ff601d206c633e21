// xz and its ancestor LZMA_Alone, through liblzma, which knows the x86 filter that kernels are packed with.
#include <lzma.h>

#include <memory>

#include "formats/unpack.h"

namespace tintype {

namespace {

// The decoder's own state comes on top of its dictionary.
constexpr std::uint64_t kMemoryLimit = kMaxUnpackWindow + 1 * kMiB;

Result<std::vector<std::uint8_t>> run(lzma_stream& stream, Bytes packed, const UnpackSize& size) {
  UnpackBuffer output(packed, size);
  stream.next_in = packed.data();
  stream.avail_in = packed.size();
  lzma_ret status = LZMA_OK;
  while (status != LZMA_STREAM_END) {
    const std::span<std::uint8_t> room = output.room(1);
    stream.next_out = room.data();
    stream.avail_out = room.size();
    status = lzma_code(&stream, LZMA_FINISH);
    TRY(output.commit(room.size() - stream.avail_out));
    const std::uint64_t read = packed.size() - stream.avail_in;
    if (status == LZMA_MEMLIMIT_ERROR) return fail_window(lzma_memusage(&stream));
    if (status == LZMA_MEM_ERROR) return fail("there is no memory to unpack it");
    if (status == LZMA_BUF_ERROR) return fail_cut_short(read, output.size());
    if (status != LZMA_OK && status != LZMA_STREAM_END) return fail_damaged(read);
  }
  TRY(check_all_used(packed, packed.size() - stream.avail_in));
  return output.take();
}

}  // namespace

Result<std::vector<std::uint8_t>> unpack_xz(Bytes packed, const UnpackSize& size) {
  lzma_stream stream = LZMA_STREAM_INIT;
  const std::unique_ptr<lzma_stream, decltype(&lzma_end)> closer(&stream, lzma_end);
  if (lzma_stream_decoder(&stream, kMemoryLimit, 0) != LZMA_OK)
    return fail("there is no memory to unpack it");
  return run(stream, packed, size);
}

Result<std::vector<std::uint8_t>> unpack_lzma(Bytes packed, const UnpackSize& size) {
  lzma_stream stream = LZMA_STREAM_INIT;
  const std::unique_ptr<lzma_stream, decltype(&lzma_end)> closer(&stream, lzma_end);
  if (lzma_alone_decoder(&stream, kMemoryLimit) != LZMA_OK) return fail("there is no memory to unpack it");
  return run(stream, packed, size);
}

}  // namespace tintype
