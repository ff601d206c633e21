// IGVM files for tests: the vectors on disk, and files made header by header, right or wrong.
#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "formats/igvm.h"
#include "support/test_main.h"

namespace igvm_files {

using namespace tintype;
using Octets = std::vector<std::uint8_t>;

inline std::filesystem::path folder() {
  return std::filesystem::path(TINTYPE_TESTS_DIR) / "vectors" / "igvm";
}

inline Octets load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string());
  return Octets{std::istreambuf_iterator<char>(file), {}};
}

// The .igvm files of a folder of the vectors, by name.
inline std::vector<std::filesystem::path> vectors(const std::string& name) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder() / name))
    if (entry.path().extension() == ".igvm") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  REQUIRE_FALSE(paths.empty());
  return paths;
}

inline std::vector<std::filesystem::path> accepted_vectors() {
  std::vector<std::filesystem::path> paths = vectors("accept");
  for (const auto& path : vectors("digest")) paths.push_back(path);
  return paths;
}

// CRC-32 bit by bit, so that what the product computes with its library is checked against something else.
inline std::uint32_t crc32_of(Bytes bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
  }
  return ~crc;
}

// Makes the checksum of `file` right, if its fixed header says where the others are.
inline void fix_checksum(Octets& file) {
  if (file.size() < sizeof(IGVM_FIXED_HEADER)) return;
  IGVM_FIXED_HEADER header;
  std::memcpy(&header, file.data(), sizeof(header));
  const std::size_t fixed =
      header.format_version == 2u ? sizeof(IGVM_FIXED_HEADER_V2) : sizeof(IGVM_FIXED_HEADER);
  const std::uint64_t start = header.variable_header_offset;
  const std::uint64_t size = header.variable_header_size;
  if (fixed > file.size() || start + size > file.size()) return;
  Octets covered(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(fixed));
  std::memset(covered.data() + 20, 0, 4);
  covered.insert(covered.end(), file.begin() + static_cast<std::ptrdiff_t>(start),
                 file.begin() + static_cast<std::ptrdiff_t>(start + size));
  header.checksum = crc32_of(covered);
  std::memcpy(file.data(), &header, sizeof(header));
}

// Where RawFile puts its file data.
inline constexpr std::uint32_t kDataOffset = 0x1000;

// A file made of the headers that it is given, in their order, with a right checksum.
class RawFile {
 public:
  explicit RawFile(std::uint32_t version = 1, std::uint32_t architecture = 0, std::uint32_t page_size = 4096)
      : version_(version), architecture_(architecture), page_size_(page_size) {}

  template <Wire T>
  RawFile& add(std::uint32_t type, const T& body) {
    return add(type, static_cast<std::uint32_t>(sizeof(T)), bytes_of(body));
  }
  RawFile& add(std::uint32_t type, std::uint32_t length, Bytes body) {
    const IGVM_VHS_VARIABLE_HEADER header{.typ = type, .length = length};
    append(bytes_of(header));
    append(body);
    while (headers_.size() % 8 != 0) headers_.push_back(0);
    return *this;
  }
  RawFile& platform(std::uint8_t type, std::uint32_t mask = 1) {
    return add(IGVM_VHT_SUPPORTED_PLATFORM,
               IGVM_VHS_SUPPORTED_PLATFORM{
                   .compatibility_mask = mask, .platform_type = type, .platform_version = std::uint16_t{1}});
  }
  RawFile& page(std::uint64_t gpa, std::uint32_t mask = 1, std::uint32_t file_offset = 0) {
    return add(IGVM_VHT_PAGE_DATA,
               IGVM_VHS_PAGE_DATA{.gpa = gpa, .compatibility_mask = mask, .file_offset = file_offset});
  }
  RawFile& area(std::uint32_t index, std::uint64_t size = 4096, std::uint32_t file_offset = 0) {
    return add(IGVM_VHT_PARAMETER_AREA,
               IGVM_VHS_PARAMETER_AREA{
                   .number_of_bytes = size, .parameter_area_index = index, .file_offset = file_offset});
  }
  RawFile& parameter(std::uint32_t type, std::uint32_t index, std::uint32_t offset = 0) {
    return add(type, IGVM_VHS_PARAMETER{.parameter_area_index = index, .byte_offset = offset});
  }
  RawFile& insert(std::uint32_t index, std::uint64_t gpa, std::uint32_t mask = 1) {
    return add(
        IGVM_VHT_PARAMETER_INSERT,
        IGVM_VHS_PARAMETER_INSERT{.gpa = gpa, .compatibility_mask = mask, .parameter_area_index = index});
  }
  RawFile& context(std::uint32_t mask = 1, std::uint16_t vp_index = 0,
                   std::uint32_t file_offset = kDataOffset, std::uint64_t gpa = 0) {
    return add(IGVM_VHT_VP_CONTEXT,
               IGVM_VHS_VP_CONTEXT{
                   .gpa = gpa, .compatibility_mask = mask, .file_offset = file_offset, .vp_index = vp_index});
  }
  // What lies at kDataOffset; three pages of zeroes otherwise.
  RawFile& data(Octets data) {
    data_ = std::move(data);
    return *this;
  }

  Octets bytes() const {
    const std::uint32_t fixed = version_ == 2 ? 32 : 24;
    IGVM_FIXED_HEADER_V2 header{
        .v1 = {.magic = IGVM_MAGIC_VALUE,
               .format_version = version_,
               .variable_header_offset = fixed,
               .variable_header_size = static_cast<std::uint32_t>(headers_.size()),
               .total_file_size = static_cast<std::uint32_t>(kDataOffset + data_.size())},
        .architecture = architecture_,
        .page_size = page_size_};
    Octets file(kDataOffset, 0);
    REQUIRE(fixed + headers_.size() < kDataOffset);
    std::memcpy(file.data(), &header, fixed);
    std::copy(headers_.begin(), headers_.end(), file.begin() + fixed);
    file.insert(file.end(), data_.begin(), data_.end());
    fix_checksum(file);
    return file;
  }

 private:
  void append(Bytes bytes) { headers_.insert(headers_.end(), bytes.begin(), bytes.end()); }

  std::uint32_t version_;
  std::uint32_t architecture_;
  std::uint32_t page_size_;
  Octets headers_;
  Octets data_ = Octets(3 * 4096, 0);
};

// A VBS register list.
inline Octets vbs_list(const std::vector<VbsVpContextRegister>& registers) {
  const VbsVpContextHeader header{.register_count = static_cast<std::uint32_t>(registers.size())};
  Octets list(bytes_of(header).begin(), bytes_of(header).end());
  for (const VbsVpContextRegister& entry : registers)
    list.insert(list.end(), bytes_of(entry).begin(), bytes_of(entry).end());
  return list;
}

inline constexpr std::uint32_t kVbsRip = 0x00020010;
inline constexpr std::uint32_t kVbsCs = 0x00060001;
inline constexpr std::uint32_t kVbsX0 = 0x00020000;

// The verdict on `file`: nothing, or the error's message.
inline std::string refusal(const Octets& file) {
  const Result<igvm::File> read = igvm::read(file);
  return read ? std::string() : read.error().message();
}

inline std::string all(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += sentence + "\n";
  return text;
}

}  // namespace igvm_files

#define CHECK_ACCEPTED(raw) \
  CHECK_MESSAGE(igvm_files::refusal((raw).bytes()).empty(), igvm_files::refusal((raw).bytes()))
#define CHECK_REFUSED(raw, text)                                               \
  do {                                                                         \
    const std::string refusal_text = igvm_files::refusal((raw).bytes());       \
    CHECK_MESSAGE(refusal_text.find(text) != std::string::npos, refusal_text); \
  } while (false)
