// Any bytes give an error or a file; a file that can be written reads back the same, and reports on it do not
// fail.
#include "fuzz/fuzz.h"

namespace {

using namespace tintype;

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
