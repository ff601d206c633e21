#include "formats/zstd_frames.h"

#include <zstd.h>
#include <zstd_errors.h>

namespace tintype {

Result<ZstdFrame> first_zstd_frame(Bytes packed) {
  const std::uint32_t magic = TRY(read_at<le32>(packed, 0, "a zstd frame"));
  const bool skippable = (magic & kZstdSkippableMask) == kZstdSkippableMagic;
  // libzstd reads frames of its early versions too, where it is built so; nobody else does.
  if (!skippable && magic != kZstdMagic) return fail_at(0, "no zstd frame starts here");
  const std::size_t size = ZSTD_findFrameCompressedSize(packed.data(), packed.size());
  if (ZSTD_isError(size)) {
    if (ZSTD_getErrorCode(size) == ZSTD_error_srcSize_wrong)
      return fail_at(0, "the zstd frame that starts here is cut short");
    return fail_at(0, "the zstd frame that starts here is damaged");
  }
  ZstdFrame frame{.packed = packed.first(size), .skippable = skippable};
  if (skippable) return frame;
  const unsigned long long content = ZSTD_getFrameContentSize(packed.data(), size);
  if (content == ZSTD_CONTENTSIZE_ERROR) return fail_at(0, "the zstd frame that starts here is damaged");
  if (content != ZSTD_CONTENTSIZE_UNKNOWN) frame.content = content;
  return frame;
}

struct ZstdUnpacker::State {
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context{ZSTD_createDCtx(), ZSTD_freeDCtx};
};

ZstdUnpacker::ZstdUnpacker() : state_(std::make_unique<State>()) {
  if (state_->context) ZSTD_DCtx_setParameter(state_->context.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
}
ZstdUnpacker::~ZstdUnpacker() = default;
ZstdUnpacker::ZstdUnpacker(ZstdUnpacker&&) noexcept = default;
ZstdUnpacker& ZstdUnpacker::operator=(ZstdUnpacker&&) noexcept = default;

ZstdUnpacker::Unpacked ZstdUnpacker::unpack(Bytes frame, std::span<std::uint8_t> room) {
  if (!state_->context) return {.verdict = Verdict::no_memory};
  const std::size_t size =
      ZSTD_decompressDCtx(state_->context.get(), room.data(), room.size(), frame.data(), frame.size());
  if (!ZSTD_isError(size)) return {.verdict = Verdict::done, .size = size};
  switch (ZSTD_getErrorCode(size)) {
    case ZSTD_error_dstSize_tooSmall:
      return {.verdict = Verdict::no_room};
    case ZSTD_error_memory_allocation:
      return {.verdict = Verdict::no_memory};
    default:
      return {.verdict = Verdict::damaged};
  }
}

ZstdUnpacker::Step ZstdUnpacker::step(Bytes packed, std::size_t& position, std::span<std::uint8_t> room) {
  if (!state_->context) return {.progress = Progress::no_memory};
  ZSTD_inBuffer input{packed.data(), packed.size(), position};
  ZSTD_outBuffer output{room.data(), room.size(), 0};
  const std::size_t status = ZSTD_decompressStream(state_->context.get(), &output, &input);
  position = input.pos;
  Step step{.progress = status == 0 ? Progress::ended : Progress::more, .made = output.pos};
  if (ZSTD_isError(status))
    step.progress = ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge
                        ? Progress::window_too_large
                        : Progress::damaged;
  return step;
}

Result<std::vector<std::uint8_t>> pack_zstd_frame(Bytes content, int level) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!context) return fail("there is no memory to compress it");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::vector<std::uint8_t> packed(ZSTD_compressBound(content.size()));
  const std::size_t size =
      ZSTD_compress2(context.get(), packed.data(), packed.size(), content.data(), content.size());
  if (ZSTD_isError(size)) return fail("there is no memory to compress it");
  packed.resize(size);
  return packed;
}

}  // namespace tintype
