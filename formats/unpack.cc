#include "formats/unpack.h"

#include <algorithm>

namespace tintype {

namespace {

constexpr std::uint64_t kSmallestBuffer = 64 * kKiB;
// Kernels shrink to a fifth or an eighth of their size. A claim beyond this is not worth believing in
// advance.
constexpr std::uint64_t kLikelyRatio = 16;
// A decoder that has written its last byte often needs one more call, with room, to say that it is done.
constexpr std::uint64_t kSpare = 64;

}  // namespace

UnpackBuffer::UnpackBuffer(Bytes packed, const UnpackSize& size) : limit_(size.limit) {
  const std::uint64_t likely = std::max(kSmallestBuffer, packed.size() * kLikelyRatio);
  const std::uint64_t wanted = std::max(kSmallestBuffer, std::min(size.expected, limit_));
  bytes_.resize(static_cast<std::size_t>(std::min(wanted, likely) + kSpare));
}

std::span<std::uint8_t> UnpackBuffer::room(std::uint64_t atleast) {
  // The buffer may pass the limit by one room; commit() is what holds the output to it.
  if (bytes_.size() - used_ < atleast) {
    const std::uint64_t doubled = std::min<std::uint64_t>(2 * bytes_.size(), limit_ + kSpare);
    bytes_.resize(static_cast<std::size_t>(std::max(doubled, used_ + atleast)));
  }
  return std::span(bytes_).subspan(static_cast<std::size_t>(used_));
}

Result<void> UnpackBuffer::commit(std::uint64_t count) {
  used_ += count;
  if (used_ > limit_)
    return fail(
        "it unpacks to more than {} bytes ({} MiB), the most that is accepted of a kernel: the file is not a "
        "kernel or is damaged",
        limit_, limit_ / kMiB);
  return {};
}

std::vector<std::uint8_t> UnpackBuffer::take() {
  bytes_.resize(static_cast<std::size_t>(used_));
  return std::move(bytes_);
}

tl::unexpected<Error> fail_damaged(std::uint64_t at) {
  return fail_at(at, "the compressed data is damaged: get the file again");
}

tl::unexpected<Error> fail_cut_short(std::uint64_t at, std::uint64_t unpacked) {
  return fail_at(at, "the compressed data ends early, with {} bytes unpacked: the file is cut short",
                 unpacked);
}

tl::unexpected<Error> fail_window(std::uint64_t wanted) {
  if (wanted == 0)
    return fail(
        "the compressed data needs more than {} MiB of memory to unpack: compress it with a smaller window",
        kMaxUnpackWindow / kMiB);
  return fail(
      "the compressed data needs {} MiB of memory to unpack, more than {} MiB: compress it with a smaller "
      "window",
      wanted / kMiB, kMaxUnpackWindow / kMiB);
}

Result<void> check_all_used(Bytes packed, std::uint64_t at) {
  if (at < packed.size())
    return fail_at(at,
                   "{} bytes follow the end of the compressed data, where none should: the file is damaged",
                   packed.size() - at);
  return {};
}

Result<std::vector<std::uint8_t>> unpack(FileKind kind, Bytes packed, const UnpackSize& size) {
  switch (kind) {
    case FileKind::gzip:
      return unpack_gzip(packed, size);
    case FileKind::bzip2:
      return unpack_bzip2(packed, size);
    case FileKind::lzma:
      return unpack_lzma(packed, size);
    case FileKind::xz:
      return unpack_xz(packed, size);
    case FileKind::lzo:
      return unpack_lzo(packed, size);
    case FileKind::lz4:
      return unpack_lz4(packed, size);
    case FileKind::zstd:
      return unpack_zstd(packed, size);
    default:
      return fail(
          "it is compressed with nothing that is known here: gzip, bzip2, lzma, xz, lzo, lz4, zstd are");
  }
}

Result<std::vector<std::uint8_t>> unpack_maybe_sized(FileKind kind, Bytes packed, std::uint64_t limit) {
  auto whole = unpack(kind, packed, {.limit = limit});
  if (whole || kind == FileKind::gzip || packed.size() <= sizeof(le32)) return whole;
  const std::size_t body = packed.size() - sizeof(le32);
  const std::uint32_t size = TRY(read_at<le32>(packed, body, "the unpacked size"));
  auto sized = unpack(kind, packed.first(body), {.limit = limit, .expected = size});
  // What does not end with its size is judged as it is.
  return sized && sized->size() == size ? std::move(sized) : std::move(whole);
}

}  // namespace tintype
