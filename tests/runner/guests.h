// Guests of a few instructions, and IGVM files made of them.
#pragma once

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "formats/igvm.h"
#include "formats/machine_tree.h"
#include "formats/x86.h"
#include "support/test_main.h"

namespace guests {

using namespace tintype;
using Octets = std::vector<std::uint8_t>;

inline constexpr std::uint64_t kCode =
    0x100000;  // where a guest's first page lies and its first instruction is

// 32-bit code, flat, without paging; interrupts off. Assembled by hand, an instruction a call.
class Code {
 public:
  Code& bytes(std::initializer_list<int> list) {
    for (const int byte : list) code_.push_back(static_cast<std::uint8_t>(byte));
    return *this;
  }
  Code& word(std::uint32_t value) {
    for (int i = 0; i < 4; ++i) code_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }
  Code& mov_eax(std::uint32_t value) { return bytes({0xB8}).word(value); }
  Code& mov_ecx(std::uint32_t value) { return bytes({0xB9}).word(value); }
  Code& mov_edx(std::uint32_t value) { return bytes({0xBA}).word(value); }
  Code& mov_esi(std::uint32_t value) { return bytes({0xBE}).word(value); }
  Code& mov_edi(std::uint32_t value) { return bytes({0xBF}).word(value); }
  Code& out_al() { return bytes({0xEE}); }
  Code& in_al() { return bytes({0xEC}); }
  // out port, value
  Code& out(std::uint16_t port, std::uint8_t value) { return mov_edx(port).mov_eax(value).out_al(); }
  // mov eax, [address]
  Code& load(std::uint32_t address) { return bytes({0xA1}).word(address); }
  // mov dword [address], value
  Code& store(std::uint32_t address, std::uint32_t value) {
    return bytes({0xC7, 0x05}).word(address).word(value);
  }
  // The exit port gets AL.
  Code& exit_al() { return mov_edx(x86::kExitPort).out_al().halt(); }
  Code& exit(std::uint8_t status) { return mov_eax(status).exit_al(); }
  Code& print(const std::string& text) {
    for (const char c : text) out(x86::kSerialPort, static_cast<std::uint8_t>(c));
    return *this;
  }
  // Waits for a byte of input; it is in AL then.
  Code& read_key() {
    mov_edx(x86::kSerialPort + 5).in_al();  // in al, dx
    bytes({0xA8, 0x01, 0x74, 0xFB});        // test al, 1; jz back to the in
    return mov_edx(x86::kSerialPort).in_al();
  }
  // cmp eax, value; je over; exit with `status`; over:
  Code& expect_eax(std::uint32_t value, std::uint8_t status) {
    Code failure;
    failure.exit(status);
    bytes({0x3D}).word(value).bytes({0x74, static_cast<int>(failure.code_.size())});
    code_.insert(code_.end(), failure.code_.begin(), failure.code_.end());
    return *this;
  }
  // hlt, again after whatever woke it
  Code& halt() { return bytes({0xF4, 0xEB, 0xFD}); }
  Code& pad_to(std::size_t size) {
    REQUIRE(code_.size() <= size);
    code_.resize(size);
    return *this;
  }
  std::size_t size() const { return code_.size(); }
  const Octets& octets() const { return code_; }

 private:
  Octets code_;
};

inline VcpuX86 start_32() {
  VcpuX86 registers;
  registers.rip = kCode;
  registers.rsp = kCode;
  registers.cr0 = x86::kCr0Pe | x86::kCr0Et;
  registers.code = x86::kFlatCode32;
  registers.data = x86::kFlatData;
  return registers;
}

// A file in the making. Pages and contexts are for the one platform, NATIVE unless said otherwise.
class Image {
 public:
  // One for AArch64.
  static Image arm64(std::uint8_t highest_vtl = 0) {
    Image image(IGVM_PLATFORM_VSM_ISOLATION);
    image.file_.format_version = 2;
    image.file_.arch = Arch::aarch64;
    image.file_.platforms[0].highest_vtl = highest_vtl;
    return image;
  }
  explicit Image(std::uint8_t platform = IGVM_PLATFORM_NATIVE) {
    file_.platforms.push_back({.compatibility_mask = 1,
                               .highest_vtl = 0,
                               .platform_type = platform,
                               .platform_version = IGVM_PLATFORM_VERSION,
                               .shared_gpa_boundary = 0});
  }

  igvm::File& file() { return file_; }
  Arch arch() const { return file_.arch; }
  // `bytes` at `gpa`, filled up to whole pages.
  Image& pages(std::uint64_t gpa, Octets bytes) {
    bytes.resize(pages_of(bytes.size()) * kPageSize);
    const Octets& kept = *storage_.insert(storage_.end(), std::make_unique<Octets>(std::move(bytes)))->get();
    file_.directives.emplace_back(
        igvm::PageRun{.gpa = gpa, .pages = kept.size() / kPageSize, .compatibility_mask = 1, .data = kept});
    return *this;
  }
  Image& zero_pages(std::uint64_t gpa, std::uint64_t count) {
    file_.directives.emplace_back(igvm::PageRun{.gpa = gpa, .pages = count, .compatibility_mask = 1});
    return *this;
  }
  Image& start(const VcpuX86& registers, std::uint16_t vcpu = 0) {
    const Octets& kept =
        *storage_.insert(storage_.end(), std::make_unique<Octets>(igvm::native_context(registers)))->get();
    file_.directives.emplace_back(igvm::VpContext{.compatibility_mask = 1, .vp_index = vcpu, .data = kept});
    return *this;
  }
  Image& start(const VcpuArm64& registers, std::uint16_t vcpu = 0) {
    const Octets& kept =
        *storage_.insert(storage_.end(), std::make_unique<Octets>(igvm::vbs_context(registers)))->get();
    file_.directives.emplace_back(igvm::VpContext{
        .kind = igvm::VpContext::Kind::vbs_aarch64, .compatibility_mask = 1, .vp_index = vcpu, .data = kept});
    return *this;
  }
  // A parameter of `type` alone in area `index` of one page, at `gpa`.
  Image& parameter(std::uint32_t type, std::uint32_t index, std::uint64_t gpa, std::uint32_t offset = 0,
                   std::uint64_t area_size = kPageSize) {
    file_.directives.emplace_back(
        igvm::ParameterArea{.number_of_bytes = area_size, .parameter_area_index = index});
    file_.directives.emplace_back(
        igvm::Parameter{.type = type, .header = {.parameter_area_index = index, .byte_offset = offset}});
    file_.directives.emplace_back(
        IGVM_VHS_PARAMETER_INSERT{.gpa = gpa, .compatibility_mask = 1, .parameter_area_index = index});
    return *this;
  }
  Image& required(std::uint64_t gpa, std::uint32_t size) {
    file_.directives.emplace_back(IGVM_VHS_REQUIRED_MEMORY{
        .gpa = gpa, .compatibility_mask = 1, .number_of_bytes = size, .flags = 0, .reserved = 0});
    return *this;
  }
  Image& machine(const Machine& machine) {
    trailer_ = machine_trailer(machine);
    return *this;
  }
  Octets write() const {
    auto bytes = igvm::write(file_, trailer_);
    REQUIRE_OK(bytes);
    return std::move(*bytes);
  }

 private:
  igvm::File file_;
  std::vector<std::unique_ptr<Octets>> storage_;
  Octets trailer_;
};

// `code` as a whole image: a page of it at kCode, and registers that start it.
inline Octets image_of(const Code& code) {
  return Image().pages(kCode, code.octets()).start(start_32()).write();
}

// A file that is gone with its owner.
class TemporaryFile {
 public:
  explicit TemporaryFile(Bytes bytes) {
    std::string path = (std::filesystem::temp_directory_path() / "tintype-XXXXXX").string();
    const int fd = ::mkstemp(path.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    path_ = path;
    std::ofstream file(path_, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(file.good());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace guests
