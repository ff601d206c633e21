#include "formats/kernel_elf.h"

#include "support/kernel_invariants.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"

using namespace tintype;
using tiny::ElfSpec;
using tiny::File;

namespace {

std::string error_of(const File& file) {
  const auto kernel = load_elf_kernel(file);
  return kernel ? "no error" : kernel.error().message();
}

File patched(File file, std::size_t at, std::initializer_list<std::uint8_t> bytes) {
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  return file;
}

// Offsets into tiny::elf(): its first program header's fields.
constexpr std::size_t kFirst = 64;
constexpr std::size_t kOffset = 8, kPaddr = 24, kFileSize = 32, kMemorySize = 40;

}  // namespace

TEST_CASE("segments, entry and version of an ELF64 kernel") {
  const File file = tiny::elf();
  const auto kernel = load_elf_kernel(file);
  REQUIRE_OK(kernel);
  CHECK(kernel->arch == Arch::x86_64);
  CHECK(kernel->format == "ELF64");
  CHECK(kernel->is_linux);
  CHECK(kernel->version == "6.99.0-tiny (tests) #1 SMP");
  CHECK(kernel->entry == kMiB);
  CHECK_FALSE(kernel->setup.has_value());
  REQUIRE(kernel->segments.size() == 2);
  CHECK(kernel->segments[0].gpa == kMiB);
  // Borrowed from the file, not copied.
  CHECK(kernel->segments[0].data.data() == file.data() + 64 + 2 * 56);
  CHECK(kernel->segments[0].memory_size == kernel->segments[0].data.size());
  CHECK(kernel->segments[1].gpa == 2 * kMiB);
  CHECK(kernel->segments[1].data.size() == 8);
  CHECK(kernel->segments[1].memory_size == 8192);
}

TEST_CASE("an ELF64 that is not Linux is a kernel all the same") {
  const auto kernel = load_elf_kernel(tiny::elf(tiny::elf_spec("hello, world\n")));
  REQUIRE_OK(kernel);
  CHECK_FALSE(kernel->is_linux);
  CHECK(kernel->version.empty());
  // A mention of Linux is not its banner, and a banner ends where it stops being text.
  CHECK_FALSE(load_elf_kernel(tiny::elf(tiny::elf_spec("Linux version %s")))->is_linux);
  CHECK(load_elf_kernel(tiny::elf(tiny::elf_spec("Linux version unknown; Linux version 7.1\x1B[31m")))
            ->version == "7.1");
  CHECK_FALSE(load_elf_kernel(tiny::elf(tiny::elf_spec("Linux version ")))->is_linux);
}

TEST_CASE("segments come in the order of their physical addresses") {
  ElfSpec spec = tiny::elf_spec();
  std::swap(spec.segments[0], spec.segments[1]);
  const auto kernel = load_elf_kernel(tiny::elf(spec));
  REQUIRE_OK(kernel);
  CHECK(kernel->segments[0].gpa == kMiB);
  CHECK(kernel->segments[1].gpa == 2 * kMiB);
}

TEST_CASE("a virtual entry point is translated, and a physical one is not") {
  ElfSpec spec = tiny::elf_spec();
  spec.segments[0].vaddr = 0xFFFFFFFF81000000;
  spec.entry = 0xFFFFFFFF81000002;
  CHECK(load_elf_kernel(tiny::elf(spec))->entry == kMiB + 2);
  spec.entry = kMiB + 1;
  CHECK(load_elf_kernel(tiny::elf(spec))->entry == kMiB + 1);
  // Linux's per-CPU segment has virtual address 0 and must not claim physical addresses.
  spec.segments[1].vaddr = kMiB;
  CHECK(load_elf_kernel(tiny::elf(spec))->entry == kMiB + 1);
}

TEST_CASE("an entry point outside the segments' bytes is refused") {
  ElfSpec spec = tiny::elf_spec();
  // In the zero-filled part of the second segment.
  for (const std::uint64_t entry : {2 * kMiB + 8, std::uint64_t{0}, kMiB - 1, ~std::uint64_t{0}}) {
    spec.entry = entry;
    CHECK(
        error_of(tiny::elf(spec)) ==
        fmt::format(
            "ELF header: the entry point {:#x} is in no segment's bytes, neither by physical nor by virtual "
            "address (at file offset 0x18)",
            entry));
  }
}

TEST_CASE("what is no x86_64 executable is refused by name") {
  ElfSpec spec = tiny::elf_spec();
  spec.machine = 243;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF header: this is an ELF64 kernel for RISC-V, and an ELF kernel for x86_64 or AArch64 is needed");
  spec.machine = 40;
  spec.elf_class = 1;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF header: this is an ELF32 kernel for 32-bit Arm, and an ELF kernel for x86_64 or AArch64 is "
        "needed");
  spec = tiny::elf_spec();
  spec.type = 3;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF header: the file is position-independent (ET_DYN), so it has no physical addresses: link it "
        "with -no-pie at "
        "a fixed address (at file offset 0x10)");
  spec.type = 1;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF header: the file is an object file or a module (ET_REL), which is not linked yet: give the "
        "linked kernel, "
        "vmlinux (at file offset 0x10)");
  spec.type = 4;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF header: the ELF type is 4, and a kernel has type 2 (ET_EXEC): give the linked kernel, vmlinux "
        "(at file offset 0x10)");
  spec = tiny::elf_spec();
  spec.segments[0].type = spec.segments[1].type = 4;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF program headers: none is a PT_LOAD, so nothing would be loaded: link the kernel as an "
        "executable");
  spec.segments.clear();
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF header: there are no program headers, so nothing would be loaded: link the kernel as an "
        "executable (at file "
        "offset 0x38)");
}

TEST_CASE("program headers that do not add up are refused with their number") {
  const File file = tiny::elf();
  const std::uint64_t size = file.size();
  CHECK(error_of(patched(file, kFirst + kFileSize, {0xFF})) ==
        "ELF program header 0: the segment has 0xff bytes in the file and only 0x2d in memory: the file is "
        "damaged (at file offset 0x40)");
  CHECK(error_of(patched(patched(file, kFirst + kFileSize, {0, 0x10}), kFirst + kMemorySize, {0, 0x10})) ==
        fmt::format("ELF program header 0: the segment ends at 0x10b0 in the file, and the file ends at "
                    "{:#x}: it is cut "
                    "short (at file offset 0x40)",
                    size));
  CHECK(error_of(patched(file, kFirst + 56 + kOffset, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})) ==
        fmt::format(
            "ELF program header 1: the segment ends at 0xffffffffffffffff in the file, and the file ends at "
            "{:#x}: it is cut short (at file offset 0x78)",
            size));
  CHECK(error_of(patched(file, kFirst + 56 + kPaddr, {0, 0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})) ==
        "ELF program header 1: the segment's 0x2000 bytes at physical address 0xfffffffffffff000 end past "
        "0x10000000000000, where x86_64's physical addresses end: link it at a lower address (at file offset "
        "0x78)");
  CHECK(error_of(patched(file, kFirst + 56 + kPaddr, {0x20, 0, 0x10})) ==
        "ELF program headers: two segments overlap in physical memory, 0x100000-0x10002c and "
        "0x100020-0x10201f: link them apart");
  CHECK(error_of(patched(file, 32, {0xF0, 0xFF})) ==
        fmt::format("ELF header: the program header table needs 112 bytes at offset 0xfff0, but only {} "
                    "bytes exist (at "
                    "file offset 0xfff0)",
                    size));
  CHECK(error_of(patched(file, 54, {57})) ==
        "ELF header: program headers of 57 bytes are not those of ELF64, which have 56: the file is damaged "
        "(at file offset 0x36)");
  CHECK(error_of(patched(file, 5, {3})) ==
        "ELF header: the byte order is 3, and ELF has 1 (little-endian) and 2 (big-endian): the file is "
        "damaged (at file offset 0x5)");
  CHECK(error_of(patched(file, 56, {0xFF, 0xFF})) ==
        "ELF header: there are 65535 program headers or more, and a kernel has at most 128 (at file offset "
        "0x38)");
}

TEST_CASE("too many segments are refused, and empty ones are left out") {
  ElfSpec spec = tiny::elf_spec();
  for (std::uint64_t i = 0; i < 126; ++i)
    spec.segments.push_back({.gpa = (3 + i) * kMiB, .vaddr = 0, .data = {1}, .memory_size = 1});
  CHECK(load_elf_kernel(tiny::elf(spec))->segments.size() == 128);
  spec.segments.push_back({.gpa = 200 * kMiB, .vaddr = 0, .data = {}, .memory_size = 0});
  CHECK(load_elf_kernel(tiny::elf(spec))->segments.size() == 128);
  spec.segments.push_back({.gpa = 201 * kMiB, .vaddr = 0, .data = {}, .memory_size = 1});
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF program headers: 129 of them are loadable segments, and a kernel has at most 128");
}

TEST_CASE("a segment without bytes may say that they are anywhere") {
  ElfSpec spec = tiny::elf_spec();
  spec.segments[1].data.clear();
  const File file =
      patched(tiny::elf(spec), kFirst + 56 + kOffset, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
  const auto kernel = load_elf_kernel(file);
  REQUIRE_OK(kernel);
  CHECK(kernel->segments[1].data.empty());
  CHECK(kernel->segments[1].memory_size == 8192);
}

TEST_CASE("a huge claim of memory costs nothing") {
  ElfSpec spec = tiny::elf_spec();
  spec.segments[1].memory_size = std::uint64_t{1} << 51;
  const auto kernel = load_elf_kernel(tiny::elf(spec));
  REQUIRE_OK(kernel);
  CHECK(kernel->segments[1].memory_size == std::uint64_t{1} << 51);
}

TEST_CASE("every prefix and every flipped bit is an error or a valid kernel") {
  const File file = tiny::elf();
  for (std::size_t size = 0; size < file.size(); ++size) {
    const File prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE_FALSE(load_kernel(prefix).has_value());
  }
  std::size_t errors = 0;
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    CAPTURE(bit);
    File flipped = file;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto loaded = load_kernel(flipped);
    if (loaded)
      REQUIRE(broken_invariant(*loaded, flipped) == "");
    else
      ++errors;
  }
  // The header alone has more bits that matter than this.
  CHECK(errors > 300);
}

TEST_CASE("an AArch64 vmlinux is flattened to its Image") {
  const File file = tiny::arm64_elf();
  const auto kernel = load_elf_kernel(file);
  REQUIRE_OK(kernel);
  CHECK(kernel->arch == Arch::aarch64);
  CHECK(kernel->format == "ELF64");
  CHECK(kernel->is_linux);
  CHECK(kernel->version == "6.99.0-tiny (tests) #1 SMP");
  CHECK(kernel->entry == 0);
  REQUIRE(kernel->arm64.has_value());
  CHECK(kernel->arm64->image_size == tiny::kArm64ElfMemory);
  CHECK(kernel->arm64->anywhere);
  REQUIRE(kernel->segments.size() == 3);
  CHECK(kernel->segments[0].gpa == 0);
  CHECK(kernel->segments[0].data.data() == file.data() + 64 + 3 * 56);
  CHECK(kernel->segments[1].gpa == 0x10000);
  CHECK(kernel->segments[1].data.size() == 8);
  CHECK(kernel->segments[1].memory_size == 8);
  CHECK(kernel->segments[2].gpa == 0x20000);
  CHECK(kernel->segments[2].data.empty());
  // Up to image_size, past what the program header says.
  CHECK(kernel->segments[2].memory_size == 0x20000);
  // ET_DYN, as relocatable kernels are linked, is as good.
  ElfSpec spec = tiny::arm64_elf_spec();
  spec.type = 3;
  CHECK(load_elf_kernel(tiny::elf(spec))->entry == 0);
}

TEST_CASE("the Image header in an AArch64 vmlinux is checked like an Image's") {
  CHECK(error_of(tiny::elf(tiny::arm64_elf_spec({.flags = 1}))) ==
        "Image header: this is a big-endian kernel, and what starts it here is little-endian: build it with "
        "CONFIG_CPU_LITTLE_ENDIAN=y (at file offset 0x100)");
  CHECK(error_of(tiny::elf(tiny::arm64_elf_spec({.image_size = 0x2FFFF}))) ==
        "Image header: image_size is 0x2ffff, less than the 0x30000 bytes that the Image has: the file is "
        "damaged, or something was appended to it (at file offset 0xf8)");
  // An old one's memory is not known: the page tables behind it are in no segment.
  const auto old = load_elf_kernel(tiny::elf(tiny::arm64_elf_spec({.image_size = 0, .flags = 0})));
  REQUIRE_OK(old);
  CHECK(old->arm64->text_offset == 0x80000);
  CHECK(old->arm64->image_size == 0x30000 + 16 * kMiB);
}

TEST_CASE("another AArch64 ELF lies at its physical addresses") {
  ElfSpec spec;
  spec.machine = 183;
  spec.entry = 0xFFFF000000000004;
  spec.segments.push_back(
      {.gpa = 0x40080000, .vaddr = 0xFFFF000000000000, .data = File(16, 0x1F), .memory_size = 4096});
  const auto kernel = load_elf_kernel(tiny::elf(spec));
  REQUIRE_OK(kernel);
  CHECK(kernel->arch == Arch::aarch64);
  CHECK_FALSE(kernel->arm64.has_value());
  CHECK_FALSE(kernel->is_linux);
  CHECK(kernel->entry == 0x40080004);
  CHECK(kernel->segments[0].gpa == 0x40080000);
  CHECK(kernel->segments[0].memory_size == 4096);
  spec.entry = 0x40080010;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF header: the entry point 0x40080010 is in no segment's bytes, neither by physical nor by virtual "
        "address (at file offset 0x18)");
  spec.type = 3;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF header: the file is position-independent (ET_DYN) and does not begin with an Image header, so "
        "it has no physical addresses: link it with -no-pie at a fixed address (at file offset 0x10)");
  spec.type = 2;
  spec.segments[0].gpa = kPhysicalEnd - 4095;
  CHECK(
      error_of(tiny::elf(spec)) ==
      "ELF program headers: a segment's 0x1000 bytes at physical address 0xffffffffff001 end past "
      "0x10000000000000, where AArch64's physical addresses end, and the first does not begin with an Image "
      "header: link it at a lower address");
  spec.segments[0].gpa = ~std::uint64_t{0} - 4095;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF program header 0: the segment's 0x1000 bytes at address 0xfffffffffffff000 run past the last "
        "address, 0xffffffffffffffff: the file is damaged (at file offset 0x40)");
}

TEST_CASE("AArch64 files that are no kernel are refused by name") {
  ElfSpec spec = tiny::arm64_elf_spec();
  spec.type = 1;
  CHECK(error_of(tiny::elf(spec)) ==
        "ELF header: the file is an object file or a module (ET_REL), which is not linked yet: give the "
        "linked kernel, vmlinux (at file offset 0x10)");
  spec.type = 4;
  CHECK(error_of(tiny::elf(spec)).starts_with("ELF header: the ELF type is 4"));
  File big = tiny::arm64_elf();
  big[5] = 2;
  std::swap(big[18], big[19]);
  std::swap(big[16], big[17]);
  CHECK(error_of(big) ==
        "ELF header: this is a big-endian kernel, and what starts it here is little-endian: build it with "
        "CONFIG_CPU_LITTLE_ENDIAN=y (at file offset 0x5)");
}

TEST_CASE("every prefix and every flipped bit of an AArch64 ELF is an error or a valid kernel") {
  const File file = tiny::arm64_elf();
  for (std::size_t size = 0; size < file.size(); ++size) {
    const File prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE_FALSE(load_kernel(prefix).has_value());
  }
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    File flipped = file;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto loaded = load_kernel(flipped);
    if (loaded) REQUIRE(broken_invariant(*loaded, flipped) == "");
  }
}
