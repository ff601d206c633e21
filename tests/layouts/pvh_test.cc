#include "formats/pvh.h"

#include "formats/x86.h"
#include "layouts/laid_out.h"

namespace tintype {
namespace {

// A kernel that is entered by PVH at its second byte.
Request request() {
  tiny::ElfSpec spec = tiny::elf_spec("no banner");
  spec.segments.push_back(tiny::pvh_note(kMiB + 1));
  return {.kernel = tiny::elf(spec), .protocol = "pvh"};
}

TEST_CASE("a PVH guest starts in 32-bit mode with EBX at the start info") {
  const auto layout = must_lay_out(request());
  const VcpuX86& vcpu = layout->x86();
  CHECK(vcpu.rip == kMiB + 1);
  CHECK(vcpu.rbx == layout->region("start_info").range.start);
  CHECK(vcpu.cr0 == (x86::kCr0Pe | x86::kCr0Et));
  CHECK(vcpu.cr3 == 0);
  CHECK(vcpu.cr4 == 0);
  CHECK(vcpu.efer == 0);
  CHECK(vcpu.rflags == 2);
  CHECK(vcpu.code == x86::kFlatCode32);
  CHECK(vcpu.data == x86::kFlatData);
  const auto info = layout->at<pvh::StartInfo>(vcpu.rbx);
  CHECK(info.magic == 0x336EC578);
  CHECK(info.version == 1);
  CHECK(info.flags == 0);
  CHECK(info.nr_modules == 0);
  CHECK(info.modlist_paddr == 0);
  CHECK(info.rsdp_paddr == 0xE0000);
  CHECK(text_at(*layout, info.cmdline_paddr, 14) == std::string("console=ttyS0\0", 14));
}

TEST_CASE("the memory map is the image's") {
  Request big = request();
  big.memory = 5 * kGiB;
  const auto layout = must_lay_out(big);
  const auto info = layout->at<pvh::StartInfo>(layout->x86().rbx);
  const auto& entries = layout->image.memory.entries();
  REQUIRE(info.memmap_entries == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto entry = layout->at<pvh::MemoryMapEntry>(info.memmap_paddr + 24 * i);
    CHECK(entry.addr == entries[i].range.start);
    CHECK(entry.size == entries[i].range.size());
    CHECK(entry.type == (entries[i].type == MemoryType::ram ? 1u : 2u));
    CHECK(entry.reserved == 0);
  }
}

TEST_CASE("the initrd is the first module, and each may have a command line") {
  Request many = request();
  const std::vector<std::uint8_t> second(5000, 2), third(3, 3);
  many.initrd = initrd_of(100);
  many.change = [&](Inputs& inputs) {
    inputs.initrd_cmdline = "first";
    inputs.modules = {{second, ""}, {third, "third"}};
  };
  const auto layout = must_lay_out(many);
  const auto info = layout->at<pvh::StartInfo>(layout->x86().rbx);
  REQUIRE(info.nr_modules == 3);
  const std::string names[] = {"initrd", "module.1", "module.2"};
  for (unsigned i = 0; i < 3; ++i) {
    const auto module = layout->at<pvh::ModuleEntry>(info.modlist_paddr + 32 * i);
    CHECK(module.paddr == layout->region(names[i]).range.start);
    CHECK(module.size == layout->region(names[i]).size);
    CHECK(is_aligned(module.paddr, kPageSize));
    if (i == 0) CHECK(text_at(*layout, module.cmdline_paddr, 6) == std::string("first\0", 6));
    if (i == 1) CHECK(module.cmdline_paddr == 0);
    if (i == 2) CHECK(text_at(*layout, module.cmdline_paddr, 6) == std::string("third\0", 6));
  }
  many.initrd.reset();
  many.change = [&](Inputs& inputs) { inputs.modules = {{second, "alone"}}; };
  const auto alone = must_lay_out(many);
  const auto only = alone->at<pvh::StartInfo>(alone->x86().rbx);
  CHECK(only.nr_modules == 1);
  CHECK(alone->at<pvh::ModuleEntry>(only.modlist_paddr).paddr == alone->region("module.0").range.start);
}

TEST_CASE("which kernels PVH is for") {
  const BootProtocol& pvh = protocol_named("pvh");
  const BootProtocol& linux_entry = protocol_named("linux-x86_64");
  const auto check = [&](const tiny::ElfSpec& spec, bool by_pvh, bool by_linux) {
    const tiny::File file = tiny::elf(spec);
    const auto loaded = load_kernel(file);
    REQUIRE_OK(loaded);
    CHECK(pvh.suits(loaded->kernel) == by_pvh);
    CHECK(linux_entry.suits(loaded->kernel) == by_linux);
  };
  tiny::ElfSpec linux_kernel = tiny::elf_spec();
  check(linux_kernel, false, true);
  linux_kernel.segments.push_back(tiny::pvh_note(kMiB));
  check(linux_kernel, false, true);  // Linux has a better way in
  tiny::ElfSpec other = tiny::elf_spec("no banner");
  check(other, false, true);
  other.segments.push_back(tiny::pvh_note(kMiB));
  check(other, true, false);
  other.elf_class = 1;
  other.machine = 3;
  check(other, true, false);
  // 32-bit Linux suits neither, and PVH takes it.
  linux_kernel.elf_class = 1;
  linux_kernel.machine = 3;
  check(linux_kernel, false, false);
  CHECK(must_lay_out({.kernel = tiny::elf(linux_kernel), .protocol = "pvh"})->x86().rip == kMiB);
  CHECK(refusal({.kernel = tiny::elf(linux_kernel)}).find("this is ELF32: try --protocol pvh") !=
        std::string::npos);
  CHECK(refusal({.protocol = "pvh"}).find("no ELF note XEN_ELFNOTE_PHYS32_ENTRY") != std::string::npos);
}

TEST_CASE("what only Linux's own entry takes is refused") {
  const auto refused = [](auto change) {
    Request changed = request();
    changed.change = change;
    return refusal(changed);
  };
  CHECK(refused([](Inputs& inputs) { inputs.rng_seed = {1}; }).find("--rng-seed and --dtb") !=
        std::string::npos);
  CHECK(refused([](Inputs& inputs) { inputs.moved = true; }).find("--kaslr-seed") != std::string::npos);
  CHECK(refused([](Inputs& inputs) { inputs.initrd_cmdline = "x"; }).find("add --initrd FILE") !=
        std::string::npos);
  Request linux_request;
  linux_request.change = [](Inputs& inputs) { inputs.initrd_cmdline = "x"; };
  CHECK(refusal(linux_request).find("--initrd-cmdline hand modules and their command lines to a PVH guest") !=
        std::string::npos);
}

}  // namespace
}  // namespace tintype
