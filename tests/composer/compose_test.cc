#include "composer/compose.h"

#include "composer/inspect.h"
#include "formats/igvm.h"
#include "formats/machine_tree.h"
#include "support/temporary_folder.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

// A folder with a kernel and an initrd, and what would build a snapshot from them.
struct Workbench {
  TemporaryFolder folder;
  BuildOptions options;

  Workbench() {
    options.kernel = folder.write("vmlinux", tiny::elf());
    options.initrds = {{folder.write("initrd", bytes_of(tiny::cpio({{"init", "#!/bin/sh\n"}})))}};
    options.cmdline = "console=ttyS0";
    options.memory = 64 * kMiB;
    options.output = folder / "image.bin";
  }
  Result<std::string> build() const {
    Progress progress("test");
    return compose(options, progress);
  }
  std::string refusal() const {
    const auto result = build();
    REQUIRE_FALSE(result);
    CHECK_FALSE(std::filesystem::exists(folder / "image.bin"));
    CHECK_FALSE(std::filesystem::exists(folder / "image.bin.tmp"));
    return result.error().message();
  }
};

Bytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST_CASE("a snapshot is an IGVM file laid out to be mapped") {
  const Workbench bench;
  REQUIRE_OK(bench.build());
  const std::string image = text_of(bench.options.output);
  const auto file = igvm::read(as_bytes(image));
  REQUIRE_OK(file);
  REQUIRE(file->platforms.size() == 1);
  CHECK(file->platforms[0].platform_type == IGVM_PLATFORM_NATIVE);
  CHECK(igvm::oddities(*file).empty());

  std::uint64_t gpa = 0;
  std::uint64_t offset = 0;
  int contexts = 0;
  for (const igvm::Directive& directive : file->directives) {
    if (std::holds_alternative<igvm::VpContext>(directive)) ++contexts;
    const auto* run = std::get_if<igvm::PageRun>(&directive);
    if (!run) continue;
    CHECK(contexts == 0);  // VP contexts come last
    CHECK(run->gpa >= gpa);
    gpa = run->gpa + run->pages * kPageSize;
    if (run->data.empty()) continue;
    CHECK(is_aligned(run->file_offset, kPageSize));
    CHECK(run->file_offset >= offset);
    offset = run->file_offset + run->data.size();
  }
  CHECK(contexts == 1);

  const auto machine = read_machine(as_bytes(image));
  REQUIRE_OK(machine);
  REQUIRE(machine->has_value());
  CHECK((*machine)->memory == 64 * kMiB);
  CHECK((*machine)->protocol == "linux-x86_64");
  REQUIRE((*machine)->components.size() == 2);
  CHECK((*machine)->components[0].sha256 == sha256(tiny::elf()));
}

TEST_CASE("the same inputs give the same bytes, whatever they are called and wherever they lie") {
  const Workbench a;
  Workbench b;
  std::filesystem::rename(b.options.kernel, b.folder / "another name");
  b.options.kernel = b.folder / "another name";
  REQUIRE_OK(a.build());
  REQUIRE_OK(b.build());
  CHECK(text_of(a.options.output) == text_of(b.options.output));
}

TEST_CASE("every option that the guest can see changes the bytes") {
  const Workbench bench;
  REQUIRE_OK(bench.build());
  const std::string image = text_of(bench.options.output);
  const auto changed = [&](auto change) {
    Workbench other;
    change(other.options);
    REQUIRE_OK(other.build());
    return text_of(other.options.output) != image;
  };
  CHECK(changed([](BuildOptions& options) { *options.cmdline += "!"; }));
  CHECK(changed([](BuildOptions& options) { options.memory += kPageSize; }));
  CHECK(changed([](BuildOptions& options) { options.cpus = 2; }));
  CHECK(changed([](BuildOptions& options) { options.initrds.clear(); }));
  CHECK_FALSE(changed([](BuildOptions& options) { options.protocol = "linux-x86_64"; }));
}

TEST_CASE("what is refused is named, and leaves no file behind") {
  Workbench bench;
  const std::string vmlinux = bench.options.kernel;
  SUBCASE("no such kernel") {
    bench.options.kernel = bench.folder / "none";
    CHECK(bench.refusal() == bench.options.kernel + ": No such file or directory");
  }
  SUBCASE("a folder") {
    bench.options.kernel = bench.folder.path.string();
    CHECK(bench.refusal() == bench.options.kernel + ": is a directory: give a file");
  }
  SUBCASE("a script") {
    bench.options.kernel = bench.folder.write("run.sh", bytes_of("#!/bin/sh\nexit 0\n"));
    CHECK(bench.refusal().find("a shell script") != std::string::npos);
  }
  SUBCASE("an empty initrd") {
    bench.options.initrds = {{bench.folder.write("empty", Bytes())}};
    CHECK(bench.refusal().find("leave --initrd out") != std::string::npos);
  }
  SUBCASE("too little memory") {
    bench.options.memory = 2 * kMiB;
    CHECK(bench.refusal().find("give --memory at least 5M") != std::string::npos);
  }
}

TEST_CASE("an input is never overwritten") {
  Workbench bench;
  bench.options.output = bench.folder / "link";
  std::filesystem::create_symlink(bench.options.kernel, bench.options.output);
  const auto result = bench.build();
  REQUIRE_FALSE(result);
  CHECK(result.error().message().find("is an input too") != std::string::npos);
  CHECK(text_of(bench.options.kernel).size() == tiny::elf().size());
}

TEST_CASE("a failed compose leaves the image of an earlier one as it was") {
  Workbench bench;
  REQUIRE_OK(bench.build());
  const std::string image = text_of(bench.options.output);
  bench.options.kernel = bench.folder.write("broken", bytes_of("\x7f"
                                                               "ELF"));
  CHECK_FALSE(bench.build());
  CHECK(text_of(bench.options.output) == image);
}

}  // namespace
}  // namespace tintype
