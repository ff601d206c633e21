// Writes the valid files that the cases of tests/bad break: FOLDER/tiny.elf and FOLDER/tiny.bzimage.
#include <cstdio>
#include <fstream>
#include <string>

#include "support/tiny_kernels.h"

int main(int argc, char** argv) {
  using namespace tintype;
  if (argc != 2) return 2;
  const auto write = [&](const std::string& name, const tiny::File& bytes) {
    std::ofstream file(std::string(argv[1]) + "/" + name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.close();
    return file.good();
  };
  const bool written = write("tiny.elf", tiny::elf()) &&
                       write("tiny.bzimage", tiny::bzimage(tiny::bzimage_spec(FileKind::gzip)));
  return written ? 0 : 1;
}
