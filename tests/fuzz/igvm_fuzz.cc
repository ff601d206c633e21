// Any bytes give an error or a file; a file that can be written reads back the same, and reports on it do not
// fail.
//
// The sizes and the checksum in the fixed header are made right first: nearly every input would end at them
// otherwise.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "formats/igvm_read_rules.h"

namespace {

using namespace tintype;

void require(bool condition) {
  if (!condition) std::abort();
}

void make_plausible(std::vector<std::uint8_t>& bytes) {
  if (bytes.size() < sizeof(IGVM_FIXED_HEADER)) return;
  IGVM_FIXED_HEADER header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.magic = IGVM_MAGIC_VALUE;
  header.total_file_size = static_cast<std::uint32_t>(bytes.size());
  header.checksum = std::uint32_t{0};
  std::memcpy(bytes.data(), &header, sizeof(header));
  const std::size_t fixed = header.format_version == IGVM_FORMAT_VERSION_2 ? 32 : 24;
  const std::uint64_t start = header.variable_header_offset;
  const std::uint64_t size = header.variable_header_size;
  if (fixed > bytes.size() || start + size > bytes.size()) return;
  const std::uint32_t sum = igvm::crc32(0, Bytes(bytes).first(fixed));
  header.checksum = igvm::crc32(sum, Bytes(bytes).subspan(start, size));
  std::memcpy(bytes.data(), &header, sizeof(header));
}

bool is_small(const igvm::File& file) {
  std::uint64_t bytes = 0;
  for (const igvm::Directive& directive : file.directives) {
    if (const auto* run = std::get_if<igvm::PageRun>(&directive)) bytes += run->data.size();
    if (const auto* area = std::get_if<igvm::ParameterArea>(&directive)) bytes += area->initial.size();
  }
  return bytes < 16 * kMiB;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  make_plausible(bytes);
  const Result<igvm::File> file = igvm::read(bytes);
  if (!file) {
    require(!file.error().message().empty());
    return 0;
  }
  for (const std::string& oddity : igvm::oddities(*file)) require(!oddity.empty());
  for (const igvm::Directive& directive : file->directives)
    if (const auto* context = std::get_if<igvm::VpContext>(&directive))
      require(!igvm::describe_context(*context).empty());
  require(igvm::same(*file, *file).has_value());
  if (!is_small(*file)) return 0;
  // What was read satisfies every rule that the writer checks, so only the file's size can stop it, and this
  // is small.
  const auto written = igvm::write(*file, bytes_of(std::string_view("trailer")));
  require(written.has_value());
  const Result<igvm::File> again = igvm::read(*written);
  require(again.has_value());
  require(igvm::same(*file, *again).has_value());
  return 0;
}
