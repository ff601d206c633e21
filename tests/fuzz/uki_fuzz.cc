// read_uki() on any bytes: an error with a sentence, or an image that keeps its promises, whichever profile
// is asked for.
#include <algorithm>

#include "formats/pe.h"
#include "formats/uki.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tintype {
namespace {

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

bool readable(const std::string& text) {
  return text.size() <= kMaxUkiText && printable(text);
}

void check_pe(const PeFile& pe, Bytes file) {
  require(!pe.sections.empty() && pe.sections.size() <= kMaxPeSections);
  for (const PeSection& section : pe.sections) {
    require(section.name.size() <= 8 && printable(section.name));
    require(section.data.size() <= section.memory_size);
    if (section.data.empty()) continue;
    require(section.offset <= file.size() && section.data.size() <= file.size() - section.offset);
    require(section.data.data() == file.data() + section.offset);
  }
}

void check_part(const std::optional<Bytes>& part, Bytes file) {
  if (!part) return;
  require(!part->empty() && part->data() >= file.data());
  require(part->data() + part->size() <= file.data() + file.size());
}

void check_uki(const Uki& uki, Bytes file) {
  check_part(uki.linux, file);
  require(uki.linux.data() == file.data() + uki.linux_offset);
  check_part(uki.initrd, file);
  check_part(uki.ucode, file);
  check_part(uki.dtb, file);
  require(readable(uki.os) && readable(uki.uname));
  for (const UkiProfile& profile : uki.profiles) require(readable(profile.id) && readable(profile.title));
  require(uki.profile == 0 || uki.profile < uki.profiles.size());
  if (!uki.cmdline) return;
  require(printable(*uki.cmdline) && !uki.cmdline->empty() && uki.cmdline->size() <= kMaxUkiCommandLine);
  require(uki.cmdline->front() != ' ' && uki.cmdline->back() != ' ');
}

void check(Bytes file, std::optional<unsigned> profile) {
  const auto uki = read_uki(file, profile);
  if (uki) return check_uki(*uki, file);
  require(!uki.error().what.empty() && printable(uki.error().message()));
}

}  // namespace
}  // namespace tintype

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tintype::Bytes file(data, size);
  const auto pe = tintype::read_pe(file);
  if (pe) tintype::check_pe(*pe, file);
  tintype::check(file, std::nullopt);
  for (const unsigned profile : {1U, 2U, ~0U}) tintype::check(file, profile);
  return 0;
}
