// Zstandard, RFC 8878, through libzstd.
#include <zstd.h>
#include <zstd_errors.h>

#include <memory>

#include "formats/unpack.h"

namespace tintype {

namespace {

constexpr int kWindowLogMax = 27;
static_assert(std::uint64_t{1} << kWindowLogMax == kMaxUnpackWindow);

}  // namespace

Result<std::vector<std::uint8_t>> unpack_zstd(Bytes packed, const UnpackSize& size) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return fail("there is no memory to unpack it");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  UnpackBuffer output(packed, size);
  ZSTD_inBuffer input{packed.data(), packed.size(), 0};
  // 0 when a frame is complete.
  std::size_t status = 1;
  while (status != 0) {
    const std::span<std::uint8_t> room = output.room(1);
    ZSTD_outBuffer made{room.data(), room.size(), 0};
    status = ZSTD_decompressStream(context.get(), &made, &input);
    TRY(output.commit(made.pos));
    if (ZSTD_isError(status)) {
      if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge) return fail_window(0);
      return fail_damaged(input.pos);
    }
    if (status != 0 && input.pos == input.size && made.pos < made.size)
      return fail_cut_short(input.pos, output.size());
  }
  TRY(check_all_used(packed, input.pos));
  return output.take();
}

}  // namespace tintype
