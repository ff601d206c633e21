#include "formats/measure.h"

namespace tintype {

namespace {

using Kind = LaunchStep::Kind;

// VBS_VM_BOOT_MEASUREMENT_CHUNK, as igvm/src/measurement/vbs.rs has it
struct ChunkHeader {
  le32 ByteCount;  // 0: of the whole chunk
  le32 Type;       // 4
  le64 Reserved;   // 8
};
static_assert(sizeof(ChunkHeader) == 16 && Wire<ChunkHeader>);
constexpr std::uint32_t kChunkRegister = 0, kChunkPage = 2;

// Followed by the 4096 bytes of the page, zeroes where they are not measured.
struct PageChunk {
  ChunkHeader header;  // 0
  le64 Metadata;       // 16
  le64 PageNumber;     // 24
};
static_assert(sizeof(PageChunk) == 32 && Wire<PageChunk>);
constexpr std::uint64_t kReadableWritable = 3;  // bits 0 and 1
constexpr std::uint64_t kDataUnmeasured = 1 << 2;

struct RegisterChunk {
  ChunkHeader header;                  // 0
  le32 Reserved;                       // 16
  std::uint8_t Vtl;                    // 20
  std::uint8_t Reserved2;              // 21
  le16 Reserved3;                      // 22
  le32 Reserved4;                      // 24
  le32 Name;                           // 28
  std::array<std::uint8_t, 16> Value;  // 32
};
static_assert(sizeof(RegisterChunk) == 48 && Wire<RegisterChunk>);

class Chain {
 public:
  explicit Chain(const MeasureOptions& options) : options_(options) {}

  void page(const LaunchStep& step, std::uint64_t index) {
    const bool measured = step.kind == Kind::page;
    const PageChunk chunk{.header = {.ByteCount = std::uint32_t{sizeof(PageChunk) + kPageSize},
                                     .Type = kChunkPage,
                                     .Reserved = 0u},
                          .Metadata = (measured ? 0 : kDataUnmeasured) |
                                      (step.kind == Kind::error_range ? kReadableWritable : 0),
                          .PageNumber = step.gpa / kPageSize + index};
    link(step, index, bytes_of(chunk), (measured ? step : LaunchStep{}).contents(measured ? index : 0));
    if (options_.done && !step.data.empty()) options_.done(step.contents(index));
  }

  // The list was checked when the file was read.
  void registers(const LaunchStep& step) {
    ByteReader reader(step.data);
    const auto header = reader.read<VbsVpContextHeader>("a VBS register list");
    for (std::uint32_t i = 0; header && i < header->register_count; ++i) {
      const auto entry = reader.read<VbsVpContextRegister>("a VBS register");
      if (!entry) return;
      const RegisterChunk chunk{.header = {.ByteCount = std::uint32_t{sizeof(RegisterChunk)},
                                           .Type = kChunkRegister,
                                           .Reserved = 0u},
                                .Reserved = 0u,
                                .Vtl = entry->vtl,
                                .Reserved2 = 0,
                                .Reserved3 = std::uint16_t{0},
                                .Reserved4 = 0u,
                                .Name = entry->register_name,
                                .Value = entry->register_value};
      link(step, i, bytes_of(chunk), {});
    }
  }
  const Sha256& digest() const { return digest_; }

 private:
  void link(const LaunchStep& step, std::uint64_t index, Bytes chunk, Bytes contents) {
    Sha256Stream stream;
    stream.update(digest_);
    stream.update(chunk);
    stream.update(contents);
    digest_ = stream.finish();
    if (options_.observe) options_.observe(step, index, digest_);
  }

  const MeasureOptions& options_;
  Sha256 digest_{};
};

}  // namespace

LaunchDigest measure_vbs(const std::vector<LaunchStep>& steps, const MeasureOptions& options) {
  Chain chain(options);
  for (const LaunchStep& step : steps) {
    const bool pages = step.kind != Kind::shared && step.kind != Kind::registers;
    for (std::uint64_t page = 0; pages && page < step.pages; ++page) chain.page(step, page);
  }
  for (const LaunchStep& step : steps)
    if (step.kind == Kind::registers) chain.registers(step);
  return {LaunchPlatform::vbs, {chain.digest().begin(), chain.digest().end()}};
}

}  // namespace tintype
