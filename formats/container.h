// Snapshots that travel compressed: Zstandard frames (RFC 8878) that `zstd -d` turns back into the IGVM file.
//
// Ours are in the seekable format of zstd (contrib/seekable_format/zstd_seekable_compression_format.md):
// frames of kContainerFrame bytes of the file each, every one by itself, with its size and a checksum, and
// last a skippable frame that says where each frame is. Any other file of whole frames is read too.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "formats/gpa.h"
#include "formats/zstd_frames.h"

namespace tintype {

// Bytes of the unpacked file in a frame of ours, but for the last.
inline constexpr std::uint64_t kContainerFrame = 4 * kMiB;
// The most that a container may unpack to: IGVM's offsets have 32 bits.
inline constexpr std::uint64_t kMaxContained = 4 * kGiB;
// The most frames that hold something. A frame of nothing has 9 bytes, and what is remembered of it more.
inline constexpr std::uint64_t kMaxFrames = 1 << 20;
// What the names of compressed snapshots end with.
inline constexpr std::string_view kContainerSuffix = ".zst";

// Whether `file` starts as a Zstandard file does. No IGVM file does.
bool is_container(Bytes file);

// The frames of a container, found by their headers. Nothing is unpacked yet.
struct Container {
  Bytes file;
  std::vector<ZstdFrame> frames;      // without skippable ones; they borrow from the file
  std::optional<std::uint64_t> size;  // of all together, if every frame says its own
};

// Errors: what is cut short, damaged or followed by something else, or says that it unpacks to more than
// kMaxContained or to nothing, or has more than kMaxFrames frames.
Result<Container> read_container(Bytes file);

// The bytes that the snapshot in it has, as its IGVM header says. Unpacks no more than the start. Errors: the
// start is damaged, or no IGVM header but maybe another container; frames that say their sizes have another
// sum.
Result<std::uint64_t> snapshot_size(const Container& container);

// Unpacks to the start of `room` and returns how many bytes there are. `room` is of container.size bytes or,
// without that, of snapshot_size(). Frames that say their sizes are unpacked by several threads. Errors: a
// damaged frame, one of another size than it says, or more than `room`. On an error `room` has anything.
Result<std::uint64_t> unpack_container(const Container& container, std::span<std::uint8_t> room,
                                       unsigned threads);

// Makes a container of what is written to it. The bytes do not depend on the threads, nor on how they are
// given.
class ContainerWriter {
 public:
  using Output = std::function<Result<void>(Bytes)>;

  ContainerWriter(Output output, unsigned threads);
  // Errors: the output's, or no memory.
  Result<void> write(Bytes bytes);
  // The last frame and the table. Call once, after everything was written.
  Result<void> finish();

 private:
  Result<void> put_frames();

  struct Entry {
    std::uint32_t packed, content;
  };
  Output output_;
  unsigned threads_;
  std::vector<std::uint8_t> pending_;  // of at most a frame for each thread
  std::vector<Entry> entries_;
};

}  // namespace tintype
