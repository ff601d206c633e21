#include "composer/extract.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "composer/decode.h"
#include "composer/diff_memory.h"
#include "composer/files.h"
#include "composer/host_launch.h"
#include "formats/launch.h"
#include "formats/machine_tree.h"
#include "formats/size.h"
#include "formats/suggest.h"

namespace tintype {

namespace {

std::uint32_t mask_of(const igvm::File& file) {
  const auto native = launch_mask(file, LaunchPlatform::native);
  if (native) return *native;
  return file.platforms.empty() ? 0 : file.platforms.front().compatibility_mask.value();
}

Result<void> put_zeros(std::uint64_t count, const igvm::Output& output) {
  static constexpr std::array<std::uint8_t, 65536> kZeros{};
  for (; count > 0; count -= std::min<std::uint64_t>(count, kZeros.size()))
    TRY(output(Bytes(kZeros).first(std::min<std::uint64_t>(count, kZeros.size()))));
  return {};
}

// A hexadecimal address with 0x, or a decimal one.
std::optional<std::uint64_t> parse_address(std::string_view text) {
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (status != std::errc() || end != text.data() + text.size() || value >= kPhysicalEnd) return std::nullopt;
  return value;
}

// Bytes as a number, or as sizes are written.
std::optional<std::uint64_t> parse_count(std::string_view text) {
  if (const auto number = parse_address(text)) return number;
  const auto size = parse_size(text);
  return size ? std::optional(*size) : std::nullopt;
}

Result<GpaRange> check_size(GpaRange range, std::string_view what) {
  if (range.size() > kMaxExtracted)
    return fail("{} has {} MiB, and at most {} GiB are extracted at once: give a smaller --gpa", what,
                range.size() / kMiB, kMaxExtracted / kGiB);
  return range;
}

Result<GpaRange> region_range(const std::optional<Machine>& machine, const std::string& name) {
  if (!machine) return fail("names no regions, for compose-snapshot did not write it: give --gpa RANGE");
  std::vector<std::string_view> names;
  std::vector<GpaRange> found;
  for (const RegionLabel& label : machine->labels) {
    if (label.name == name) found.push_back(label.range);
    names.push_back(label.name);
  }
  if (found.size() > 1)
    return fail("has {} regions '{}', the first at {:#x}-{:#x} and {:#x}-{:#x}: give --gpa RANGE",
                found.size(), name, found[0].start, found[0].last(), found[1].start, found[1].last());
  if (!found.empty()) return check_size(found[0], fmt::format("region '{}'", name));
  return fail("has no region '{}'{}: 'compose-snapshot inspect' lists them", name, did_you_mean(name, names));
}

// Memory of the machine, and of the file, with data or without; ascending.
std::vector<GpaRange> known_memory(const igvm::File& file, const std::optional<Machine>& machine) {
  const std::uint32_t mask = mask_of(file);
  std::vector<GpaRange> known;
  if (machine) known = ram_ranges(machine->arch, machine->memory);
  const MemoryView named(file, mask);
  for (const MemoryExtent& extent : named.extents())
    known.push_back({extent.page * kPageSize, extent.end() * kPageSize});
  for (const igvm::Directive& directive : file.directives)
    if (const auto* required = std::get_if<IGVM_VHS_REQUIRED_MEMORY>(&directive))
      if ((required->compatibility_mask & mask) != 0)
        if (const auto range = GpaRange::of_size(required->gpa, required->number_of_bytes))
          known.push_back(*range);
  std::sort(known.begin(), known.end());
  return known;
}

Result<void> check_known(const igvm::File& file, const std::optional<Machine>& machine, GpaRange range) {
  std::uint64_t at = range.start;
  for (const GpaRange& known : known_memory(file, machine))
    if (known.contains(at)) at = known.end;
  if (at >= range.end) return {};
  return fail("has no memory at {:#x}: 'compose-snapshot inspect' lists what it has", at);
}

Result<void> write_out(const ExtractOptions& options, const igvm::File& file, GpaRange range) {
  if (options.decode && range.size() > kMaxDecoded)
    return fail("{}: {:#x}-{:#x} has {} MiB, and a table to decode has {} at most: give --gpa RANGE of it",
                options.file, range.start, range.last(), range.size() / kMiB, kMaxDecoded / kMiB);
  OutputFile output = TRY(OutputFile::create(options.output));
  if (options.decode) {
    Buffer bytes;
    TRY(guest_bytes(file, range, [&](Bytes part) -> Result<void> {
      bytes.write(part);
      return {};
    }));
    const std::string source = TRY(with_context(decode(bytes.bytes()), options.file));
    TRY(output.write(bytes_of(source)));
  } else {
    TRY(guest_bytes(file, range, [&](Bytes bytes) { return output.write(bytes); }));
  }
  return output.commit();
}

}  // namespace

Result<GpaRange> parse_gpa_range(std::string_view text) {
  const std::size_t sign = text.find_first_of("-+");
  const auto start = parse_address(text.substr(0, sign));
  std::optional<GpaRange> range;
  if (sign != std::string_view::npos && start) {
    const std::string_view rest = text.substr(sign + 1);
    if (text[sign] == '+') {
      if (const auto size = parse_count(rest)) range = GpaRange::of_size(*start, *size);
    } else if (const auto last = parse_address(rest); last && *last >= *start) {
      range = GpaRange{*start, *last + 1};
    }
  }
  if (!range || range->empty() || range->end > kPhysicalEnd)
    return fail("--gpa '{}' is no range of addresses: write it as 0x1000-0x1fff or 0x1000+4096", text);
  return check_size(*range, fmt::format("--gpa {}", text));
}

Result<void> guest_bytes(const igvm::File& file, GpaRange range, const igvm::Output& output) {
  std::uint64_t at = range.start;
  const MemoryView memory(file, mask_of(file));
  for (const MemoryExtent& extent : memory.extents()) {
    const std::uint64_t gpa = extent.page * kPageSize, end = std::min(gpa + extent.data.size(), range.end);
    if (end <= at || gpa >= range.end) continue;
    const std::uint64_t start = std::max(gpa, at);
    TRY(put_zeros(start - at, output));
    TRY(output(extent.data.subspan(start - gpa, end - start)));
    at = end;
  }
  return put_zeros(range.end - at, output);
}

Result<void> extract(const ExtractOptions& options) {
  const InputFile input = TRY(InputFile::open_snapshot(options.file));
  if (input.is_replaced_by(options.output))
    return fail("{}: is what is extracted from, and the output too: choose another output", options.output);
  const igvm::File file = TRY(with_context(igvm::read(input.bytes()), options.file));
  const std::optional<Machine> machine = TRY(with_context(read_machine(input.bytes()), options.file));
  TRY(said_of(options.file, check_arch(file, machine)));
  if (const std::vector<std::string> odd = igvm::oddities(file); !odd.empty())
    return fail("{}: is not extracted from because {}", options.file, odd[0]);
  const GpaRange range = options.range
                             ? *options.range
                             : TRY(with_context(region_range(machine, *options.region), options.file));
  TRY(with_context(check_known(file, machine, range), options.file));
  return write_out(options, file, range);
}

}  // namespace tintype
