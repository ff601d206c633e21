// Writes the valid files that the cases of tests/bad break into FOLDER; README.md says what they are.
#include <cstddef>
#include <fstream>
#include <string>

#include "formats/acpi.h"
#include "formats/fdt.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"
#include "support/tiny_pe.h"
#include "support/tiny_tables.h"
#include "support/tiny_trees.h"

namespace tintype {

namespace {

using tiny::File;

File bytes_in(std::string_view text) {
  return {text.begin(), text.end()};
}

// A kernel that only PVH can enter; 32-bit if `elf_class` is 1.
File pvh_elf(std::uint8_t elf_class) {
  tiny::ElfSpec spec = tiny::elf_spec("");
  spec.elf_class = elf_class;
  spec.segments.insert(spec.segments.begin(), tiny::pvh_note(static_cast<std::uint32_t>(kMiB)));
  return tiny::elf(spec);
}

// What --keep-compressed takes: the others of tiny_kernels.h prefer an address that their alignment forbids.
File bzimage_to_keep() {
  tiny::BzImageSpec spec = tiny::bzimage_spec(FileKind::gzip);
  spec.header.pref_address = 16 * kMiB;
  spec.kernel.resize(kMiB);  // packed, it reaches past the code's entry point
  return tiny::bzimage(spec);
}

File cpio() {
  return bytes_in(tiny::cpio({{"init", "#!/bin/sh\n"}, {"etc", "motd"}}));
}

// Sections 0 to 8, whose headers are at 0x188 + 40 n.
File uki() {
  tiny::PeSpec spec;
  spec.sections = {{.name = ".text", .data = File(40, 0xC3)},
                   tiny::text_section(".osrel", "PRETTY_NAME=\"Tiny OS\"\n"),
                   tiny::text_section(".uname", "6.99.0-tiny\n"),
                   tiny::text_section(".cmdline", "console=ttyS0 quiet\n"),
                   {.name = ".initrd", .data = cpio()},
                   {.name = ".linux", .data = tiny::elf()},
                   tiny::text_section(".profile", "ID=main\n"),
                   tiny::text_section(".profile", "ID=debug\n"),
                   tiny::text_section(".cmdline", "console=ttyS0 debug\n")};
  return tiny::pe(spec);
}

// A user's tree of one processor and one device, labelled "dev". At 0x4C is the length of the first property,
// at 0x54 and 0x64 are the values of #address-cells and #size-cells.
File device_tree() {
  FdtWriter tree;
  tree.begin("");
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  tiny::write_processor(tree);
  tree.begin("device");
  tree.cell("phandle", 1);
  tree.end();
  tree.begin("__symbols__");
  tree.string("dev", "/device");
  tree.end();
  tree.end();
  return tree.finish();
}

// An overlay for it: one fragment goes to the label, one to a path.
File overlay() {
  FdtWriter tree;
  tree.begin("");
  tree.begin("fragment@0");
  tree.cell("target", 0xFFFFFFFF);
  tree.begin("__overlay__");
  tree.string("status", "okay");
  tree.end();
  tree.end();
  tree.begin("fragment@1");
  tree.string("target-path", "/cpus");
  tree.begin("__overlay__");
  tree.string("note", "text");
  tree.end();
  tree.end();
  tree.begin("__fixups__");
  tree.string("dev", "/fragment@0:target:0");
  tree.end();
  tree.end();
  return tree.finish();
}

// 5.2.9 "FADT", with HW_REDUCED_ACPI and nothing else.
File fadt() {
  File rest(sizeof(acpi::Fadt) - sizeof(acpi::Header));
  rest[offsetof(acpi::Fadt, Flags) - sizeof(acpi::Header) + 2] = acpi::kFadtHwReducedAcpi >> 16;
  return tiny::table(acpi::text("FACP"), rest);
}

}  // namespace

}  // namespace tintype

int main(int argc, char** argv) {
  using namespace tintype;
  if (argc != 2) return 2;
  const auto write = [&](const std::string& name, const File& bytes) {
    std::ofstream file(std::string(argv[1]) + "/" + name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.close();
    return file.good();
  };
  const bool written =
      write("tiny.elf", tiny::elf()) &&
      write("tiny.bzimage", tiny::bzimage(tiny::bzimage_spec(FileKind::gzip))) &&
      write("keep.bzimage", bzimage_to_keep()) && write("pvh.elf", pvh_elf(2)) &&
      write("pvh32.elf", pvh_elf(1)) && write("relocatable.elf", tiny::elf(tiny::relocatable_spec())) &&
      write("tiny.image", tiny::arm64_image()) && write("tiny.zboot", tiny::zboot()) &&
      write("vmlinux.arm64", tiny::arm64_elf()) && write("tiny.efi", uki()) && write("tiny.cpio", cpio()) &&
      write("ssdt.aml", tiny::ssdt()) && write("fadt.aml", fadt()) && write("tiny.dtb", device_tree()) &&
      write("tiny.dtbo", overlay());
  return written ? 0 : 1;
}
