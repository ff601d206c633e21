#include "formats/linux_boot.h"
#include "formats/x86.h"
#include "layouts/laid_out.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

TEST_CASE("each region lands where the boot protocol and the machine want it") {
  const auto initrd = initrd_of(5000);
  const auto layout = must_lay_out({.initrd = initrd});
  CHECK(layout->region("gdt").range.start == 0x1000);
  CHECK(layout->region("boot_params").range == GpaRange{0x2000, 0x3000});
  CHECK(layout->region("cmdline").range.start == 0x20000);
  CHECK(layout->region("acpi.rsdp").range.start == 0xE0000);
  CHECK(layout->region("acpi.xsdt").range.start > 0xE0000);
  CHECK(layout->region("reset_vector").range == GpaRange{0xFFFF0, 0x100000});
  CHECK(layout->region("page_tables").range.end <= 0xA0000);
  CHECK(layout->region("stack").range.end <= 0xA0000);
  // tiny::elf(): code at 1 MiB, data and 8 KiB of zeroes at 2 MiB.
  const GpaRange kernel = layout->region("kernel").range;
  CHECK(kernel.start == 0x100000);
  CHECK(kernel.end == 0x202000);
  const GpaRange placed = layout->region("initrd").range;
  CHECK(placed.start == 0x400000);
  CHECK(placed.size() == initrd.size());
  CHECK(layout->bytes(placed.start, placed.size()) == initrd);
  for (const KernelSegment& segment : layout->loaded.kernel.segments) {
    const auto bytes = layout->bytes(segment.gpa, segment.data.size());
    CHECK(std::equal(bytes.begin(), bytes.end(), segment.data.begin(), segment.data.end()));
  }
}

TEST_CASE("the registers are those of the 64-bit entry") {
  const auto layout = must_lay_out({});
  const VcpuX86& vcpu = layout->x86();
  CHECK(vcpu.rip == 0x100000);
  CHECK(vcpu.rsi == 0x2000);
  CHECK(vcpu.cr0 == 0x80000011);
  CHECK(vcpu.cr4 == 0x20);
  CHECK(vcpu.efer == 0xD00);  // LME | LMA | NXE
  CHECK((vcpu.rflags & 0x200) == 0);
  CHECK(vcpu.rsp == layout->region("stack").range.end);
  CHECK(vcpu.cr3 == layout->region("page_tables").range.start);
  CHECK(vcpu.gdtr.base == 0x1000);
  CHECK(vcpu.code.selector == 0x10);
  CHECK(vcpu.data.selector == 0x18);
}

// Follows four levels of page tables as the processor would (AMD64 manual volume 2, 5.3).
std::optional<std::uint64_t> translate(const Layout& layout, std::uint64_t address) {
  std::uint64_t table = layout.x86().cr3;
  for (int shift = 39; shift >= 12; shift -= 9) {
    const std::uint64_t entry = layout.at<le64>(table + 8 * (address >> shift & 0x1FF));
    if ((entry & 1) == 0) return std::nullopt;
    if ((entry >> 63) != 0) return std::nullopt;  // NX
    const std::uint64_t base = entry & 0x000FFFFFFFFFF000;
    if (shift <= 30 && (entry & 0x80) != 0)
      return (base & ~((std::uint64_t{1} << shift) - 1)) | (address & ((std::uint64_t{1} << shift) - 1));
    table = base;
  }
  return table | (address & 0xFFF);
}

TEST_CASE("the page tables map the low 4 GiB to themselves, and nothing else") {
  const auto layout = must_lay_out({});
  for (const std::uint64_t address : {0x0ull, 0x2123ull, 0x100000ull, 0x1FFFFFull, 0x200000ull, 0x3FFFFFFFull,
                                      0x40000000ull, 0xC0000000ull, 0xFEC00000ull, 0xFFFFFFFFull})
    CHECK(translate(*layout, address) == address);
  CHECK_FALSE(translate(*layout, 0x100000000ull));
  CHECK_FALSE(translate(*layout, 0x8000000000ull));
}

TEST_CASE("a bare ELF gets a setup header of protocol 2.15") {
  const auto layout = must_lay_out({.initrd = initrd_of(4097), .cmdline = "quiet init=/x"});
  const BootParams params = layout->boot_params();
  CHECK(params.hdr.boot_flag == 0xAA55);
  CHECK(params.hdr.header == 0x53726448U);
  CHECK(params.hdr.version == 0x20F);
  CHECK(params.hdr.type_of_loader == 0xFF);
  CHECK(params.hdr.cmdline_size == 2047U);
  CHECK(params.hdr.initrd_addr_max == 0x7FFFFFFFU);
  CHECK(params.hdr.cmd_line_ptr == 0x20000U);
  CHECK(params.hdr.ramdisk_image == layout->region("initrd").range.start);
  CHECK(params.hdr.ramdisk_size == 4097U);
  CHECK(params.acpi_rsdp_addr == 0xE0000U);
  CHECK(params.sentinel == 0);
  CHECK(text_at(*layout, 0x20000, 14) == std::string("quiet init=/x\0", 14));
}

TEST_CASE("a bzImage's setup header is copied") {
  tiny::BzImageSpec spec = tiny::bzimage_spec();
  spec.header.kernel_alignment = 0x400000;
  spec.header.cmdline_size = 300;
  spec.header.initrd_addr_max = 0x37FFFFFF;
  const auto layout = must_lay_out({.kernel = tiny::bzimage(spec)});
  const BootParams params = layout->boot_params();
  CHECK(params.hdr.kernel_alignment == 0x400000U);
  CHECK(params.hdr.cmdline_size == 300U);
  CHECK(params.hdr.initrd_addr_max == 0x37FFFFFFU);
  CHECK(params.hdr.type_of_loader == 0xFF);
  CHECK(params.hdr.ramdisk_size == 0U);
  CHECK(params.hdr.setup_data == 0U);
  CHECK(layout->region("kernel").range.start == 0x100000);
}

TEST_CASE("e820 is the memory map") {
  struct Case {
    std::uint64_t memory;
    std::vector<GpaRange> ram;
  };
  for (const Case& machine :
       {Case{4 * kMiB, {{0, 0xA0000}, {kMiB, 4 * kMiB}}}, Case{3 * kGiB, {{0, 0xA0000}, {kMiB, 3 * kGiB}}},
        Case{3 * kGiB + 4096, {{0, 0xA0000}, {kMiB, 3 * kGiB}, {4 * kGiB, 4 * kGiB + 4096}}},
        Case{kTiB, {{0, 0xA0000}, {kMiB, 3 * kGiB}, {4 * kGiB, kTiB + kGiB}}}}) {
    CAPTURE(machine.memory);
    const auto layout = must_lay_out({.memory = machine.memory});
    const BootParams params = layout->boot_params();
    std::vector<GpaRange> ram;
    std::vector<GpaRange> reserved;
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < params.e820_entries; ++i) {
      const E820Entry& entry = params.e820_table[i];
      CHECK(entry.addr >= end);
      end = entry.addr + entry.size;
      if (entry.type == 1U) ram.push_back({entry.addr, end});
      if (entry.type == 2U) reserved.push_back({entry.addr, end});
    }
    CHECK(ram == machine.ram);
    CHECK(reserved == std::vector<GpaRange>{{0xE0000, kMiB}});
  }
}

TEST_CASE("a command line is as long as the kernel reads, and no longer") {
  CHECK(must_lay_out({.cmdline = std::string(2047, 'x')})->region("cmdline").range.size() == 2048);
  CHECK(refusal({.cmdline = std::string(2048, 'x')}) ==
        "the command line has 2048 bytes, and this kernel reads at most 2047: shorten it");
  tiny::BzImageSpec spec = tiny::bzimage_spec();
  spec.header.cmdline_size = 255;
  CHECK(must_lay_out({.kernel = tiny::bzimage(spec), .cmdline = std::string(255, 'x')}));
  CHECK(refusal({.kernel = tiny::bzimage(spec), .cmdline = std::string(256, 'x')}).find("at most 255") !=
        std::string::npos);
  // A kernel that claims to read anything still gets no more than there is memory for.
  spec.header.cmdline_size = 0xFFFFFFFF;
  CHECK(
      refusal({.kernel = tiny::bzimage(spec), .cmdline = std::string(kMiB, 'x')}).find("region 'cmdline'") !=
      std::string::npos);
  CHECK(refusal({.cmdline = std::string("a\0b", 3)}).find("NUL") != std::string::npos);
}

TEST_CASE("an initrd lies below the kernel's limit") {
  tiny::BzImageSpec spec = tiny::bzimage_spec();
  spec.header.initrd_addr_max = 0x5FFFFF;
  const auto kernel = tiny::bzimage(spec);
  CHECK(must_lay_out({.kernel = kernel, .initrd = initrd_of(0x200000)})->region("initrd").range ==
        GpaRange{0x400000, 0x600000});
  const std::string text = refusal({.kernel = kernel, .initrd = initrd_of(0x200001)});
  CHECK(text.find("region 'initrd' of 2097153 bytes") != std::string::npos);
  CHECK(text.find("0x5fffff") != std::string::npos);
  CHECK(text.find("use a smaller initrd") != std::string::npos);
}

TEST_CASE("what does not fit says how much memory would do, and that much does") {
  Request request{.initrd = initrd_of(3 * kMiB + 5), .memory = 5 * kMiB};
  const std::string text = refusal(request);
  CHECK(text.find("region 'initrd'") != std::string::npos);
  CHECK(text.find("give --memory at least 8M") != std::string::npos);
  request.memory = 8 * kMiB;
  CHECK(lay_out(request));
  request.memory = 7 * kMiB;
  CHECK_FALSE(lay_out(request));
}

tiny::ElfSpec kernel_at(std::uint64_t gpa, std::uint64_t memory_size = 0x1000) {
  tiny::ElfSpec spec = tiny::elf_spec();
  spec.segments = {{.gpa = gpa, .vaddr = gpa, .data = tiny::File(64, 0xF4), .memory_size = memory_size}};
  spec.entry = gpa;
  return spec;
}

TEST_CASE("a kernel where it cannot be says what is there") {
  CHECK(refusal({.kernel = tiny::elf(kernel_at(0x1800))}).find("overlaps region 'boot_params'") !=
        std::string::npos);
  const std::string hole = refusal({.kernel = tiny::elf(kernel_at(0xA0000)), .memory = kGiB});
  CHECK(hole.find("region 'kernel' 0xa0000-0xa0fff") != std::string::npos);
  CHECK(hole.find("no RAM") != std::string::npos);
  CHECK(refusal({.kernel = tiny::elf(kernel_at(0xD0000000)), .memory = 8 * kGiB})
            .find("no RAM, at 0xd0000000") != std::string::npos);
  CHECK(refusal({.kernel = tiny::elf(kernel_at(0x1000000)), .memory = 2 * kMiB}).find("at least 17M") !=
        std::string::npos);
}

TEST_CASE("a segment that claims more memory than any machine has is refused at once") {
  CHECK(
      refusal({.kernel = tiny::elf(kernel_at(0x100000, std::uint64_t{1} << 51))}).find("does not fit RAM") !=
      std::string::npos);
  tiny::ElfSpec spec = kernel_at(0x100000, std::uint64_t{1} << 50);
  spec.segments.push_back({.gpa = std::uint64_t{1} << 51, .data = tiny::File(64, 0xF4), .memory_size = 64});
  CHECK(refusal({.kernel = tiny::elf(spec)}).find("does not fit RAM") != std::string::npos);
}

TEST_CASE("segments far apart are regions of their own, and what lies between is free") {
  tiny::ElfSpec spec = kernel_at(0x100000);
  spec.segments.push_back(
      {.gpa = 0x2000000, .vaddr = 0x2000000, .data = tiny::File(100, 0x90), .memory_size = 200});
  const auto layout = must_lay_out({.kernel = tiny::elf(spec)});
  CHECK(layout->region("kernel").range == GpaRange{0x100000, 0x101000});
  CHECK(layout->region("kernel.1").range == GpaRange{0x2000000, 0x20000C8});
}

TEST_CASE("setup_data is a chain that boot_params points at") {
  Request request;
  request.change = [](Inputs& inputs) { inputs.rng_seed = {1, 2, 3, 4, 5}; };
  const auto alone = must_lay_out(request);
  const std::uint64_t only = alone->boot_params().hdr.setup_data;
  CHECK(only == alone->region("setup_data.rng_seed").range.start);
  CHECK(alone->at<SetupData>(only).next == 0);
  CHECK(alone->at<SetupData>(only).type == 9);
  CHECK(alone->at<SetupData>(only).len == 5);
  CHECK(alone->bytes(only + 16, 5) == std::vector<std::uint8_t>{1, 2, 3, 4, 5});

  const std::vector<std::uint8_t> tree(700 * 1024, 0xD0);  // too big for low RAM
  request.change = [&](Inputs& inputs) {
    inputs.rng_seed = {9};
    inputs.dtb = tree;
  };
  const auto both = must_lay_out(request);
  const auto first = both->at<SetupData>(both->boot_params().hdr.setup_data);
  CHECK(first.type == 9);
  CHECK(first.next == both->region("setup_data.dtb").range.start);
  CHECK(first.next >= kMiB);
  CHECK(both->at<SetupData>(first.next).type == 2);
  CHECK(both->at<SetupData>(first.next).next == 0);
  CHECK(both->bytes(first.next + 16, tree.size()) == tree);
  CHECK(must_lay_out({})->boot_params().hdr.setup_data == 0);
}

TEST_CASE("archives are joined at multiples of 4, as Linux wants them") {
  const std::vector<std::uint8_t> a(5, 'a'), b(8, 'b'), c(3, 'c');
  Request request;
  request.change = [&](Inputs& inputs) { inputs.initrd = {a, b, c}; };
  const auto layout = must_lay_out(request);
  const PlacedRegion& initrd = layout->region("initrd");
  CHECK(text_at(*layout, initrd.range.start, 19) == std::string("aaaaa\0\0\0bbbbbbbbccc", 19));
  CHECK(initrd.range.size() == 19);
  CHECK(layout->boot_params().hdr.ramdisk_size == 19);
}

TEST_CASE("a kernel that was moved is told to move its memory, and no other") {
  Request request;
  CHECK((must_lay_out(request)->boot_params().hdr.loadflags & kKaslrFlag) == 0);
  request.change = [](Inputs& inputs) { inputs.moved = true; };
  CHECK((must_lay_out(request)->boot_params().hdr.loadflags & kKaslrFlag) != 0);
  for (const std::string cmdline :
       {"nokaslr", "quiet nokaslr", "nokaslr quiet", "a nokaslr b", "a\tnokaslr\nb"}) {
    request.cmdline = cmdline;
    CHECK(refusal(request).find("says nokaslr, and --kaslr-seed moves the kernel") != std::string::npos);
  }
  request.cmdline = "nokaslrx xnokaslr init=/nokaslr";
  must_lay_out(request);
}

TEST_CASE("without ACPI there are no tables, and one processor") {
  Request request;
  request.change = [](Inputs& inputs) { inputs.acpi.reset(); };
  const auto layout = must_lay_out(request);
  CHECK(layout->boot_params().acpi_rsdp_addr == 0);
  for (const PlacedRegion& region : layout->image.regions)
    CHECK(region.name.find("acpi") == std::string::npos);
  request.cpus = 2;
  CHECK(refusal(request).find("with --no-acpi it would use one of 2: leave --cpus out") != std::string::npos);
}

TEST_CASE("a bzImage as it is lies at its preferred address and keeps init_size for itself") {
  tiny::BzImageSpec spec = tiny::bzimage_spec();
  spec.header.pref_address = 16 * kMiB;
  spec.header.init_size = static_cast<std::uint32_t>(10 * kMiB + 5);
  // Enough code for an entry point 0x200 after its start.
  spec.compression = FileKind::elf64;
  spec.kernel.resize(1000);
  Request request{.kernel = tiny::bzimage(spec), .initrd = initrd_of(100)};
  request.load.keep_compressed = true;
  const auto layout = must_lay_out(request);
  CHECK(layout->region("kernel").range == GpaRange{16 * kMiB, 26 * kMiB + 5});
  CHECK(layout->x86().rip == 16 * kMiB + 0x200);
  CHECK(layout->region("initrd").range.start == 28 * kMiB);
  CHECK(layout->boot_params().hdr.init_size == spec.header.init_size);
  CHECK(layout->boot_params().hdr.pref_address == 16 * kMiB);
  // The code as the file has it, from behind the setup sectors.
  const auto code = layout->bytes(16 * kMiB, 0x100);
  CHECK(std::equal(code.begin(), code.end(), request.kernel.begin() + 0x400));

  const auto refused = [&](auto change) {
    tiny::BzImageSpec other = spec;
    change(other.header);
    Request broken = request;
    broken.kernel = tiny::bzimage(other);
    return refusal(broken);
  };
  CHECK(refused([](SetupHeader& header) {
          header.kernel_alignment = 0x300000u;
        }).find("not a power of two") != std::string::npos);
  CHECK(refused([](SetupHeader& header) {
          header.kernel_alignment = 0x1000u;
        }).find("kernel_alignment 0x1000") != std::string::npos);
  CHECK(refused([](SetupHeader& header) { header.kernel_alignment = 0u; }).find("kernel_alignment 0x0") !=
        std::string::npos);
  CHECK(refused([](SetupHeader& header) {
          header.pref_address = 17 * kMiB;
        }).find("pref_address 0x1100000") != std::string::npos);
  CHECK(refused([](SetupHeader& header) {
          header.pref_address = 16 * kGiB;
        }).find("between 1 MiB and 4 GiB") != std::string::npos);
  CHECK(refused([](SetupHeader& header) { header.init_size = 16u; }).find("init_size 0x10 is less than") !=
        std::string::npos);
  // One that cannot be moved says where it must lie, aligned or not.
  Request fixed = request;
  spec.header.relocatable_kernel = 0;
  spec.header.pref_address = 17 * kMiB;
  fixed.kernel = tiny::bzimage(spec);
  CHECK(must_lay_out(fixed)->region("kernel").range.start == 17 * kMiB);
  Request elf;
  elf.load.keep_compressed = true;
  CHECK(refusal(elf).find("which is not compressed: leave --keep-compressed out") != std::string::npos);
}

}  // namespace
}  // namespace tintype
