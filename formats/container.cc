#include "formats/container.h"

#include <algorithm>

#include "formats/igvm.h"
#include "formats/ordered_work.h"

namespace tintype {

namespace {

// zstd's own default: unpacking is as fast as from any other level, and a compose stays short.
constexpr int kLevel = 3;

// zstd_seekable_compression_format.md: "Seek_Table_Entries", and the footer behind them.
struct SeekTableEntry {
  le32 Compressed_Size;    // 0
  le32 Decompressed_Size;  // 4
};
static_assert(sizeof(SeekTableEntry) == 8 && Wire<SeekTableEntry>);
struct SeekTableFooter {
  le32 Number_Of_Frames;               // 0
  std::uint8_t Seek_Table_Descriptor;  // 4: no checksums, frames have their own
  le32 Seekable_Magic_Number;          // 5
};
static_assert(sizeof(SeekTableFooter) == 9 && Wire<SeekTableFooter>);
constexpr std::uint32_t kSeekTableMagic = 0x184D2A5E, kSeekableMagic = 0x8F92EAB1;

tl::unexpected<Error> too_big() {
  return fail("unpacks to more than {} GiB, and no snapshot is so big: it is damaged, or no snapshot",
              kMaxContained / kGiB);
}

tl::unexpected<Error> more_than(std::uint64_t room) {
  return fail("unpacks to more than the {} bytes that the header in it says: copy the file anew", room);
}

tl::unexpected<Error> no_memory() {
  return fail("there is no memory to unpack it");
}

tl::unexpected<Error> damaged(std::uint64_t offset) {
  return fail_at(offset, "the zstd frame that starts here is damaged: copy the file anew");
}

// What is told of the frame whose first byte is at `offset`, and which had `room` for its contents.
Result<void> judge(const ZstdUnpacker::Unpacked& unpacked, const ZstdFrame& frame, std::uint64_t offset,
                   std::uint64_t room) {
  using Verdict = ZstdUnpacker::Verdict;
  if (unpacked.verdict == Verdict::no_memory) return no_memory();
  if (unpacked.verdict == Verdict::no_room && !frame.content) return more_than(room);
  if (unpacked.verdict == Verdict::no_room)
    return fail_at(offset, "a zstd frame unpacks to more than the {} bytes that it says: copy the file anew",
                   *frame.content);
  if (unpacked.verdict == Verdict::damaged) return damaged(offset);
  if (frame.content && unpacked.size != *frame.content)
    return fail_at(offset, "a zstd frame unpacks to {} bytes and says {}: copy the file anew", unpacked.size,
                   *frame.content);
  return {};
}

struct Place {
  const ZstdFrame* frame;
  std::uint64_t packed_at, at;
};

// All frames at once; each knows where its bytes go.
Result<std::uint64_t> unpack_sized(const std::vector<Place>& places, std::span<std::uint8_t> room,
                                   std::uint64_t size, unsigned threads) {
  std::vector<ZstdUnpacker> unpackers(std::max(threads, 1u));
  std::vector<ZstdUnpacker::Unpacked> unpacked(unpackers.size());
  Result<void> verdict;
  in_order(
      places.size(), static_cast<unsigned>(unpackers.size()),
      [&](std::uint64_t index, unsigned slot) {
        const Place& place = places[index];
        unpacked[slot] =
            unpackers[slot].unpack(place.frame->packed, room.subspan(place.at, *place.frame->content));
      },
      [&](std::uint64_t index, unsigned slot) {
        if (verdict) verdict = judge(unpacked[slot], *places[index].frame, places[index].packed_at, size);
      });
  TRY(std::move(verdict));
  return size;
}

// One after the other: where a frame's bytes go is known when the one before is done.
Result<std::uint64_t> unpack_unsized(const std::vector<Place>& places, std::span<std::uint8_t> room) {
  ZstdUnpacker unpacker;
  std::uint64_t size = 0;
  for (const Place& place : places) {
    const std::uint64_t left = room.size() - size;
    if (place.frame->content && *place.frame->content > left) return more_than(room.size());
    const auto unpacked =
        unpacker.unpack(place.frame->packed, room.subspan(size, place.frame->content.value_or(left)));
    TRY(judge(unpacked, *place.frame, place.packed_at, room.size()));
    size += unpacked.size;
  }
  return size;
}

// The first `size` bytes, or as many as there are.
Result<std::vector<std::uint8_t>> unpack_start(const Container& container, std::size_t size) {
  using Verdict = ZstdUnpacker::Verdict;
  ZstdUnpacker unpacker;
  std::vector<std::uint8_t> start(size);
  std::size_t made = 0;
  for (const ZstdFrame& frame : container.frames) {
    if (made == size) break;
    const auto unpacked = unpacker.unpack_start(frame.packed, std::span(start).subspan(made));
    if (unpacked.verdict == Verdict::no_memory) return no_memory();
    if (unpacked.verdict != Verdict::done)
      return damaged(static_cast<std::uint64_t>(frame.packed.data() - container.file.data()));
    made += unpacked.size;
  }
  start.resize(made);
  return start;
}

}  // namespace

bool is_container(Bytes file) {
  const auto magic = read_at<le32>(file, 0, "magic");
  return magic && (*magic == kZstdMagic || (*magic & kZstdSkippableMask) == kZstdSkippableMagic);
}

Result<Container> read_container(Bytes file) {
  Container container{.file = file, .frames = {}, .size = 0};
  for (std::uint64_t offset = 0; offset < file.size();) {
    const Bytes rest = file.subspan(offset);
    if (!is_container(rest))
      return fail_at(offset, "{} bytes that are no zstd frame follow the last one: copy the file anew",
                     rest.size());
    const ZstdFrame frame = TRY(with_base(first_zstd_frame(rest), offset));
    offset += frame.packed.size();
    if (frame.skippable) continue;
    if (container.frames.size() == kMaxFrames)
      return fail_at(offset - frame.packed.size(),
                     "more than {} zstd frames are in it: pack it anew with zstd, which makes one",
                     kMaxFrames);
    container.frames.push_back(frame);
    if (!frame.content) container.size = std::nullopt;
    if (!container.size) continue;
    const auto sum = checked_add(*container.size, *frame.content);
    if (!sum || *sum > kMaxContained) return too_big();
    container.size = *sum;
  }
  if (container.frames.empty() || container.size == std::uint64_t{0})
    return fail("is a zstd file with nothing in it");
  return container;
}

Result<std::uint64_t> snapshot_size(const Container& container) {
  const std::vector<std::uint8_t> start = TRY(unpack_start(container, sizeof(IGVM_FIXED_HEADER)));
  if (is_container(start)) return fail("is compressed with zstd twice: unpack it once before (zstd -d)");
  const std::uint64_t size = TRY(igvm::stated_size(start));
  if (container.size && *container.size != size)
    return fail(
        "unpacks to {} bytes, but the header in it says {}: it was cut or appended to: copy the file anew",
        *container.size, size);
  return size;
}

Result<std::uint64_t> unpack_container(const Container& container, std::span<std::uint8_t> room,
                                       unsigned threads) {
  if (container.size && room.size() < *container.size) return no_memory();
  std::vector<Place> places;
  std::uint64_t at = 0;
  for (const ZstdFrame& frame : container.frames) {
    places.push_back({&frame, static_cast<std::uint64_t>(frame.packed.data() - container.file.data()), at});
    if (container.size) at += *frame.content;
  }
  const std::uint64_t size = container.size ? TRY(unpack_sized(places, room, *container.size, threads))
                                            : TRY(unpack_unsized(places, room));
  if (size == 0) return fail("is a zstd file with nothing in it");
  return size;
}

ContainerWriter::ContainerWriter(Output output, unsigned threads)
    : output_(std::move(output)), threads_(std::max(threads, 1u)) {}

Result<void> ContainerWriter::write(Bytes bytes) {
  const std::size_t most = threads_ * kContainerFrame;
  while (!bytes.empty()) {
    const Bytes part = bytes.first(std::min(bytes.size(), most - pending_.size()));
    pending_.insert(pending_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (pending_.size() == most) TRY(put_frames());
  }
  return {};
}

Result<void> ContainerWriter::put_frames() {
  const Bytes all = pending_;
  const auto content = [&](std::uint64_t index) {
    const std::size_t first = index * kContainerFrame;
    return all.subspan(first, std::min<std::size_t>(kContainerFrame, all.size() - first));
  };
  std::vector<Result<std::vector<std::uint8_t>>> packed(threads_);
  Result<void> result;
  in_order(
      (all.size() + kContainerFrame - 1) / kContainerFrame, threads_,
      [&](std::uint64_t index, unsigned slot) { packed[slot] = pack_zstd_frame(content(index), kLevel); },
      [&](std::uint64_t index, unsigned slot) {
        if (!result) return;
        if (!packed[slot]) {
          result = tl::unexpected(packed[slot].error());
          return;
        }
        entries_.push_back({static_cast<std::uint32_t>(packed[slot]->size()),
                            static_cast<std::uint32_t>(content(index).size())});
        result = output_(*packed[slot]);
      });
  pending_.clear();
  return result;
}

Result<void> ContainerWriter::finish() {
  TRY(put_frames());
  Buffer table;
  table.put(le32(kSeekTableMagic));
  table.put(
      le32(static_cast<std::uint32_t>(entries_.size() * sizeof(SeekTableEntry) + sizeof(SeekTableFooter))));
  for (const Entry& entry : entries_)
    table.put(SeekTableEntry{.Compressed_Size = entry.packed, .Decompressed_Size = entry.content});
  table.put(SeekTableFooter{.Number_Of_Frames = static_cast<std::uint32_t>(entries_.size()),
                            .Seek_Table_Descriptor = 0,
                            .Seekable_Magic_Number = kSeekableMagic});
  return output_(table.bytes());
}

}  // namespace tintype
