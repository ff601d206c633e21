#include "support/dtc.h"

#include <cstdlib>

#include "support/temporary_folder.h"

namespace {

std::vector<std::uint8_t> compile_text(const std::string& source) {
  const TemporaryFolder folder;
  const std::string text = folder.write("tree.dts", tintype::bytes_of(std::string_view(source)));
  const std::string blob = folder / "tree.dtb", log = folder / "log";
  const int status =
      std::system(("dtc -q -@ -I dts -O dtb -o " + blob + " " + text + " > " + log + " 2>&1").c_str());
  REQUIRE_MESSAGE(status == 0, text_of(log));
  const std::string bytes = text_of(blob);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

bool have_dtc() {
  if (std::system("dtc --version > /dev/null 2>&1") == 0) return true;
  skip_test("dtc is not here: apt-get install device-tree-compiler");
  return false;
}

TreeSource tree_source(tintype::Bytes blob) {
  const TemporaryFolder folder;
  const std::string tree = folder.write("tree.dtb", blob);
  const std::string source = folder / "tree.dts", log = folder / "log";
  const int status =
      std::system(("dtc -I dtb -O dts -o " + source + " " + tree + " > " + log + " 2>&1").c_str());
  REQUIRE_MESSAGE(status == 0, text_of(log));
  return {text_of(source), text_of(log)};
}

std::vector<std::uint8_t> compile_tree(std::string_view source) {
  return compile_text("/dts-v1/;\n" + std::string(source));
}

std::vector<std::uint8_t> compile_overlay(std::string_view source) {
  return compile_text("/dts-v1/;\n/plugin/;\n" + std::string(source));
}
