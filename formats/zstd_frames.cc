#include "formats/zstd_frames.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>

namespace tintype {

namespace {

// RFC 8878, 3.1.1.1: the bytes before the first block of a frame with this Frame_Header_Descriptor.
std::size_t header_size(std::uint8_t descriptor) {
  constexpr std::size_t kDictionary[] = {0, 1, 2, 4}, kContent[] = {0, 2, 4, 8};
  const bool single_segment = (descriptor & 0x20) != 0;
  const std::size_t content = kContent[descriptor >> 6];
  return sizeof(kZstdMagic) + 1 + (single_segment ? std::max<std::size_t>(content, 1) : 1 + content) +
         kDictionary[descriptor & 3];
}

}  // namespace

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

ZstdUnpacker::Unpacked ZstdUnpacker::unpack_start(Bytes frame, std::span<std::uint8_t> room) {
  // Under a header of ours. First blocks refer to what they hold themselves, so a window of 1 MiB does for
  // them.
  static constexpr std::array<std::uint8_t, 6> kHeader = {0x28, 0xB5, 0x2F, 0xFD, 0x00, 10 << 3};
  constexpr std::size_t kDescriptor = sizeof(kZstdMagic);
  if (!state_->context) return {.verdict = Verdict::no_memory};
  if (frame.size() <= kDescriptor || frame.size() < header_size(frame[kDescriptor])) return {};
  ZSTD_DCtx_reset(state_->context.get(), ZSTD_reset_session_only);
  std::size_t made = 0;
  for (const Bytes part : {Bytes(kHeader), frame.subspan(header_size(frame[kDescriptor]))})
    for (std::size_t position = 0; made < room.size() && position < part.size();) {
      const Step next = step(part, position, room.subspan(made));
      made += next.made;
      if (next.progress == Progress::ended) return {.verdict = Verdict::done, .size = made};
      if (next.progress == Progress::no_memory) return {.verdict = Verdict::no_memory};
      if (next.progress != Progress::more) return {};
    }
  return made == room.size() ? Unpacked{.verdict = Verdict::done, .size = made} : Unpacked{};
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
