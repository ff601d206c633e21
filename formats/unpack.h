// Decompression of kernel payloads, one compression a file. Each unpacks one whole stream and refuses
// anything after it. Memory grows with what really comes out, never with what a header claims.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/kernel.h"
#include "formats/wire.h"

namespace tintype {

struct UnpackSize {
  std::uint64_t limit = kMaxUnpackedKernel;  // refuse to unpack to more bytes than this
  // What the file claims the unpacked size to be, 0 if it does not say. Only saves reallocation.
  std::uint64_t expected = 0;
};

// Memory that a decompressor may take for its window or dictionary, whatever the stream asks for: 128 MiB is
// the most that `zstd --ultra -22` and the kernel's xz settings use.
inline constexpr std::uint64_t kMaxUnpackWindow = 128 * kMiB;

// Errors of all of these name the position in `packed`: the stream is damaged, ends early, is followed by
// other bytes, or unpacks to more than the limit.
Result<std::vector<std::uint8_t>> unpack_gzip(Bytes packed, const UnpackSize& size);  // RFC 1952, one member
Result<std::vector<std::uint8_t>> unpack_bzip2(Bytes packed, const UnpackSize& size);
Result<std::vector<std::uint8_t>> unpack_lzma(Bytes packed, const UnpackSize& size);  // LZMA_Alone, ".lzma"
Result<std::vector<std::uint8_t>> unpack_xz(Bytes packed, const UnpackSize& size);    // one stream
Result<std::vector<std::uint8_t>> unpack_lzo(Bytes packed, const UnpackSize& size);   // the lzop format
Result<std::vector<std::uint8_t>> unpack_lz4(Bytes packed, const UnpackSize& size);   // the legacy frame
Result<std::vector<std::uint8_t>> unpack_zstd(Bytes packed, const UnpackSize& size);  // RFC 8878, one frame

// The one of them that `kind` says. Errors: theirs, and a kind that is no compression.
Result<std::vector<std::uint8_t>> unpack(FileKind kind, Bytes packed, const UnpackSize& size);

// The same for a stream that may be followed by its unpacked size, 32 bits little-endian: so did Linux's
// build leave every compression but gzip until 5.18, and so does it for what unpacks itself
// (scripts/Makefile.lib, "size_append").
Result<std::vector<std::uint8_t>> unpack_maybe_sized(FileKind kind, Bytes packed, std::uint64_t limit);

// The output of a decompressor that is not known in advance. Grows at most to double what has been written,
// or by one block; so a claimed size costs memory only where the input is big enough to make it likely.
class UnpackBuffer {
 public:
  UnpackBuffer(Bytes packed, const UnpackSize& size);

  // Space to write to, at least `atleast` bytes (more than 0).
  std::span<std::uint8_t> room(std::uint64_t atleast);
  // Says that `count` bytes of the last room() were written. Error: more than the limit came out.
  Result<void> commit(std::uint64_t count);
  std::uint64_t size() const { return used_; }
  std::vector<std::uint8_t> take();

 private:
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
  std::vector<std::uint8_t> bytes_;
};

// The errors that all decompressors share; `at` is a position in the packed bytes.
[[nodiscard]] tl::unexpected<Error> fail_damaged(std::uint64_t at);
[[nodiscard]] tl::unexpected<Error> fail_cut_short(std::uint64_t at, std::uint64_t unpacked);
[[nodiscard]] tl::unexpected<Error> fail_window(std::uint64_t wanted);
// Takes the position out of an error: one in what was unpacked would be taken for one in the file.
template <typename T>
Result<T> without_offset(Result<T> result) {
  if (!result) result.error().offset.reset();
  return result;
}
// Error if the stream ended at `at`, before the end of `packed`.
Result<void> check_all_used(Bytes packed, std::uint64_t at);

}  // namespace tintype
