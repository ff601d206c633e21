// Zstandard frames (RFC 8878), one at a time, through libzstd.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "formats/wire.h"

namespace tintype {

// RFC 8878, 3.1.1 and 3.1.2: what frames start with. A skippable frame has any of sixteen numbers.
inline constexpr std::uint32_t kZstdMagic = 0xFD2FB528;
inline constexpr std::uint32_t kZstdSkippableMagic = 0x184D2A50;
inline constexpr std::uint32_t kZstdSkippableMask = 0xFFFFFFF0;

// The largest window of a frame that is unpacked in pieces, as a power of two.
inline constexpr int kZstdWindowLogMax = 27;

struct ZstdFrame {
  Bytes packed;                                         // all of it, header and checksum included
  bool skippable = false;                               // holds nothing that is unpacked
  std::optional<std::uint64_t> content = std::nullopt;  // bytes it says it unpacks to, if it says so
};

// The frame at the start of `packed`, by its headers alone. Errors: it is no frame, or cut short.
Result<ZstdFrame> first_zstd_frame(Bytes packed);

// Unpacks frames that are whole. One object may be used again and again, by one thread at a time.
class ZstdUnpacker {
 public:
  ZstdUnpacker();
  ~ZstdUnpacker();
  ZstdUnpacker(ZstdUnpacker&&) noexcept;
  ZstdUnpacker& operator=(ZstdUnpacker&&) noexcept;

  enum class Verdict : std::uint8_t { done, no_room, damaged, no_memory };
  struct Unpacked {
    Verdict verdict = Verdict::damaged;
    std::uint64_t size = 0;
  };
  // Unpacks `frame` to the start of `room`. Of a frame that is not done, room has anything.
  Unpacked unpack(Bytes frame, std::span<std::uint8_t> room);
  // Fills `room`, of 128 KiB at most, with the first bytes of `frame`, or with all if it has no more. Takes
  // no more memory for a frame that wants a large window.
  Unpacked unpack_start(Bytes frame, std::span<std::uint8_t> room);

  enum class Progress : std::uint8_t { more, ended, damaged, window_too_large, no_memory };
  struct Step {
    Progress progress = Progress::damaged;
    std::size_t made = 0;
  };
  // Unpacks some of `packed` from `position` on, which it moves, to the start of `room`.
  Step step(Bytes packed, std::size_t& position, std::span<std::uint8_t> room);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// `content` as one frame that states its size and ends with a checksum. The same content and level give the
// same bytes as long as the library's version is the same. Errors: no memory.
Result<std::vector<std::uint8_t>> pack_zstd_frame(Bytes content, int level);

}  // namespace tintype
