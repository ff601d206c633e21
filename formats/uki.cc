// Unified kernel images: which sections one profile has, and the text in them. UAPI.5 Unified Kernel Image
// says what there is, systemd-stub how the text is read.
#include "formats/uki.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>

#include "formats/kernel.h"
#include "formats/pe.h"

namespace tintype {

namespace {

// The base, or a .profile section and what follows it up to the next.
using Group = std::span<const PeSection>;

// [0] is the base, [1 + n] is profile n.
std::vector<Group> split(const std::vector<PeSection>& sections) {
  std::vector<Group> groups;
  auto start = sections.begin();
  while (true) {
    // Not the .profile that opens this group.
    const auto next = std::next(start, groups.empty() ? 0 : 1);
    const auto end = std::find_if(next, sections.end(),
                                  [](const PeSection& section) { return section.name == ".profile"; });
    groups.emplace_back(start, end);
    if (end == sections.end()) return groups;
    start = end;
  }
}

const PeSection* first_named(Group group, std::string_view name) {
  const auto found = std::find_if(group.begin(), group.end(),
                                  [name](const PeSection& section) { return section.name == name; });
  return found == group.end() ? nullptr : &*found;
}

// What the image has of `name` for one profile: the sections of that profile, over the base's.
class Chosen {
 public:
  Chosen(const std::vector<Group>& groups, unsigned profile) : base_(groups[0]), profile_(profile) {
    if (profile + 1 < groups.size()) own_ = groups[profile + 1];
  }

  // Null if there is none. UAPI.5, "UKI Components" and "Multi-Profile UKIs": in a profile, and in the base,
  // a section may be at most once.
  Result<const PeSection*> only(std::string_view name) const {
    TRY(check_once(base_, name, "before the first profile"));
    TRY(check_once(own_, name, fmt::format("in profile {}", profile_)));
    return first(name);
  }
  // Null if there is none.
  const PeSection* first(std::string_view name) const {
    const PeSection* const own = first_named(own_, name);
    return own != nullptr ? own : first_named(base_, name);
  }

 private:
  static Result<void> check_once(Group group, std::string_view name, std::string_view where) {
    const auto count = std::count_if(group.begin(), group.end(),
                                     [name](const PeSection& section) { return section.name == name; });
    if (count < 2) return {};
    return fail(
        "there are {} sections {} {}, and a unified kernel image has at most one: build it again "
        "with one of them",
        count, name, where);
  }

  Group base_;
  Group own_;
  unsigned profile_;
};

// A file that does not hold all of a section leaves its end to be guessed. `section` may be null.
Result<const PeSection*> whole(const PeSection* section) {
  if (section != nullptr && section->memory_size > section->data.size())
    return fail("PE section {} has {:#x} bytes in memory and only {:#x} in the file: build the image again",
                section->name, section->memory_size, section->data.size());
  return section;
}

std::optional<Bytes> contents(const PeSection* section) {
  if (section == nullptr || section->data.empty()) return std::nullopt;
  return section->data;
}

// Up to the first NUL. `section` may be null.
std::string_view text_of(const PeSection* section) {
  if (section == nullptr) return {};
  const std::string_view text(reinterpret_cast<const char*>(section->data.data()), section->data.size());
  return text.substr(0, text.find('\0'));
}

// systemd, src/boot/util.c: control characters are as good as spaces.
bool is_blank(char c) {
  const auto byte = static_cast<std::uint8_t>(c);
  return byte <= 0x20 || byte == 0x7F;
}

std::string_view trimmed(std::string_view text) {
  const auto start = std::find_if_not(text.begin(), text.end(), is_blank);
  const auto end = std::find_if_not(text.rbegin(), std::make_reverse_iterator(start), is_blank).base();
  return text.substr(static_cast<std::size_t>(start - text.begin()), static_cast<std::size_t>(end - start));
}

// Printable, and no longer than kMaxUkiText.
std::string for_people(std::string_view text) {
  std::string copy(text.substr(0, kMaxUkiText));
  std::replace_if(
      copy.begin(), copy.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return copy;
}

// os-release(5): a value is as a shell would read it, in quotes or without. An end quote that is missing is
// at the end.
std::string unquoted(std::string_view value) {
  if (value.empty() || (value[0] != '"' && value[0] != '\'')) return for_people(value);
  const char quote = value[0];
  std::string inner;
  for (std::size_t i = 1; i < value.size() && inner.size() < kMaxUkiText && value[i] != quote; ++i) {
    const bool escape = quote == '"' && value[i] == '\\' && i + 1 < value.size() &&
                        std::string_view("$\"\\`").find(value[i + 1]) != std::string_view::npos;
    if (escape) ++i;
    inner.push_back(value[i]);
  }
  return for_people(inner);
}

// The value of `key` in the lines KEY=VALUE of `text`, the last if there are several; empty if there is none.
std::string value_of(std::string_view key, std::string_view text) {
  std::string_view value;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == '=')
      value = trimmed(line.substr(key.size() + 1));
  }
  return unquoted(value);
}

// systemd, src/boot/util.c, mangle_stub_cmdline(). `section` may be null.
Result<std::optional<std::string>> command_line(const PeSection* section) {
  const std::string_view text = text_of(section);
  const std::string_view line = trimmed(text);
  if (line.empty()) return std::nullopt;
  if (line.size() > kMaxUkiCommandLine)
    return fail_at(
        section->offset,
        "the command line in .cmdline has {} bytes, and at most {} are taken: build the image with "
        "a shorter one",
        line.size(), kMaxUkiCommandLine);
  std::string clean(line);
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(clean[i]);
    if (byte >= 0x80)
      return fail_at(
          section->offset + static_cast<std::uint64_t>(line.data() - text.data()) + i,
          "the command line in .cmdline has a byte {:#x}, which is not ASCII: build the image with "
          "one of ASCII characters",
          byte);
    if (is_blank(clean[i])) clean[i] = ' ';
  }
  return clean;
}

std::vector<UkiProfile> read_profiles(const std::vector<Group>& groups) {
  std::vector<UkiProfile> profiles;
  for (std::size_t i = 1; i < groups.size(); ++i) {
    const std::string_view text = text_of(&groups[i][0]);
    profiles.push_back({.id = value_of("ID", text), .title = value_of("TITLE", text)});
  }
  return profiles;
}

// "2 (0 'main', 1 'debug')", by title where there is no ID, and no more than fit a line.
std::string list(const std::vector<UkiProfile>& profiles) {
  constexpr std::size_t kMost = 8;
  constexpr std::size_t kLongest = 40;
  std::string text = fmt::format("{} (", profiles.size());
  for (std::size_t i = 0; i < profiles.size() && i < kMost; ++i) {
    const std::string& name = profiles[i].id.empty() ? profiles[i].title : profiles[i].id;
    text += fmt::format("{}{}", i == 0 ? "" : ", ", i);
    if (!name.empty()) text += fmt::format(" '{}'", name.substr(0, kLongest));
  }
  return text + (profiles.size() > kMost ? ", ...)" : ")");
}

Result<void> check_profile(std::optional<unsigned> wanted, const std::vector<UkiProfile>& profiles) {
  // systemd, src/boot/stub.c: profile 0 is implied.
  if (!wanted || *wanted == 0 || *wanted < profiles.size()) return {};
  if (profiles.empty())
    return fail("profile {} was asked for, and the image has no profiles: leave out --profile", *wanted);
  return fail("profile {} was asked for, and the image has {}: choose one of them", *wanted, list(profiles));
}

// The kernel. More bytes in memory than in the file are all right here: ukify writes the kernel's SizeOfImage
// as the VirtualSize of .linux, so that an old stub may start it in place.
Result<const PeSection*> read_linux(const Chosen& chosen, const Uki& uki) {
  const PeSection* const linux = TRY(chosen.only(".linux"));
  if (linux == nullptr)
    return fail(
        "profile {} has no .linux section, and neither has the base of all profiles: choose another with "
        "--profile, of {}",
        uki.profile, list(uki.profiles));
  if (linux->data.empty())
    return fail("not a unified kernel image: its .linux section is empty, so there is no kernel in it");
  return linux;
}

// The kernel inherits the processor that the image was started on.
Result<Arch> read_arch(const PeFile& pe, Bytes file) {
  // PE Format, "Machine Types"
  if (pe.machine == 0x8664) return Arch::x86_64;
  if (pe.machine == 0xAA64) return Arch::aarch64;
  return fail("PE header: this is {}, and one for x86_64 or AArch64 is needed", probe(file).description);
}

// What a compressed kernel is for is not seen here.
Result<void> check_arch(const Uki& uki) {
  const FileProbe kernel = probe(uki.linux);
  if (!kernel.arch || *kernel.arch == uki.arch) return {};
  const std::string_view name = uki.arch == Arch::aarch64 ? "AArch64" : "x86_64";
  return fail_at(uki.linux_offset,
                 "section .linux: this is {}, in a unified kernel image for {}: build the image again with a "
                 "kernel for {}",
                 kernel.description, name, name);
}

}  // namespace

Result<Uki> read_uki(Bytes file, std::optional<unsigned> profile) {
  const PeFile pe = TRY(read_pe(file));
  if (first_named(pe.sections, ".linux") == nullptr)
    return fail("not a unified kernel image: it has no .linux section");
  const std::vector<Group> groups = split(pe.sections);
  Uki uki;
  uki.arch = TRY(read_arch(pe, file));
  uki.profiles = read_profiles(groups);
  TRY(check_profile(profile, uki.profiles));
  uki.profile = profile.value_or(0);
  const Chosen chosen(groups, uki.profile);

  const PeSection* const linux = TRY(read_linux(chosen, uki));
  uki.linux = linux->data;
  uki.linux_offset = linux->offset;
  TRY(check_arch(uki));
  uki.initrd = contents(TRY(whole(TRY(chosen.only(".initrd")))));
  uki.ucode = contents(TRY(whole(TRY(chosen.only(".ucode")))));
  uki.dtb = contents(TRY(whole(chosen.first(".dtb"))));
  uki.cmdline = TRY(command_line(TRY(whole(TRY(chosen.only(".cmdline"))))));
  uki.os = value_of("PRETTY_NAME", text_of(TRY(whole(TRY(chosen.only(".osrel"))))));
  uki.uname = for_people(trimmed(text_of(TRY(whole(TRY(chosen.only(".uname")))))));
  return uki;
}

}  // namespace tintype
