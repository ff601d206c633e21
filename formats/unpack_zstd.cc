// Zstandard, RFC 8878.
#include "formats/unpack.h"
#include "formats/zstd_frames.h"

namespace tintype {

static_assert(std::uint64_t{1} << kZstdWindowLogMax == kMaxUnpackWindow);

Result<std::vector<std::uint8_t>> unpack_zstd(Bytes packed, const UnpackSize& size) {
  using Progress = ZstdUnpacker::Progress;
  ZstdUnpacker unpacker;
  UnpackBuffer output(packed, size);
  std::size_t position = 0;
  for (Progress progress = Progress::more; progress != Progress::ended;) {
    const std::span<std::uint8_t> room = output.room(1);
    const ZstdUnpacker::Step step = unpacker.step(packed, position, room);
    progress = step.progress;
    if (progress == Progress::no_memory) return fail("there is no memory to unpack it");
    TRY(output.commit(step.made));
    if (progress == Progress::window_too_large) return fail_window(0);
    if (progress == Progress::damaged) return fail_damaged(position);
    if (progress == Progress::more && position == packed.size() && step.made < room.size())
      return fail_cut_short(position, output.size());
  }
  TRY(check_all_used(packed, position));
  return output.take();
}

}  // namespace tintype
