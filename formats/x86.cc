#include "formats/x86.h"

#include <cassert>

#include "formats/machine.h"

namespace tintype::x86 {
namespace {

constexpr std::uint64_t kEntries = 512;
constexpr std::uint64_t kLargePageSize = 2 * kMiB;
constexpr std::uint64_t kDirectories = kIdentityMapEnd / (kEntries * kLargePageSize);
static_assert((2 + kDirectories) * kPageSize == kIdentityTablesSize);

// A processor that finds Accessed and Dirty set does not write them, so these pages stay as they were
// measured, and shared with every other machine that maps the same snapshot.
constexpr std::uint64_t kTableEntry = kPtePresent | kPteWritable | kPteAccessed;
constexpr std::uint64_t kLargePageEntry = kTableEntry | kPteDirty | kPteLargePage;

// A table whose first `count` entries point at consecutive tables from `first` on.
void emit_table(std::uint64_t first, std::uint64_t count, ByteSink& sink) {
  for (std::uint64_t i = 0; i < count; ++i) sink.put(le64((first + i * kPageSize) | kTableEntry));
  sink.zeros((kEntries - count) * sizeof(le64));
}

}  // namespace

void emit_gdt(const X86Segment& code, ByteSink& sink) {
  sink.put(Gdt{.null = std::uint64_t{0},
               .unused = std::uint64_t{0},
               .code = descriptor(code),
               .data = descriptor(kFlatData)});
}

void emit_identity_page_tables(std::uint64_t base, ByteSink& sink) {
  assert(is_aligned(base, kPageSize));
  const std::uint64_t pointers = base + kPageSize;
  const std::uint64_t directories = pointers + kPageSize;
  emit_table(pointers, 1, sink);
  emit_table(directories, kDirectories, sink);
  for (std::uint64_t page = 0; page < kIdentityMapEnd; page += kLargePageSize)
    sink.put(le64(page | kLargePageEntry));
}

void emit_reset_vector(ByteSink& sink) {
  constexpr std::array<std::uint8_t, 9> kCode = {
      0xBA,
      kResetPort & 0xFF,
      kResetPort >> 8,  // mov dx, kResetPort
      0xB0,
      kResetValue,  // mov al, kResetValue
      0xEE,         // out dx, al
      0xF4,         // hlt
      0xEB,
      0xFD,  // jmp to the hlt
  };
  sink.write(kCode);
  sink.zeros(kResetVectorSize - kCode.size());
}

}  // namespace tintype::x86
