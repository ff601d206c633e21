#include <algorithm>

#include "composer/diff.h"

namespace tintype {

namespace {

using Kind = Difference::Kind;

// A hash in full is for machines, which read the JSON. Long values are shown from where they differ.
std::pair<std::string, std::string> shortened(const std::string& a, const std::string& b) {
  constexpr std::size_t kLongest = 120, kHash = 64, kShown = 16;
  const auto is_hash = [](const std::string& value) {
    return value.size() >= kHash && value.find_first_not_of("0123456789abcdef") == std::string::npos;
  };
  const std::size_t most = is_hash(a) || is_hash(b) ? kShown : kLongest;
  const auto at =
      static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const std::size_t start = at < most ? 0 : at - at % 2;  // whole bytes of what is hexadecimal
  const auto part = [&](const std::string& value) {
    return fmt::format("{}{}{}", start > 0 ? ".." : "", value.substr(start, most),
                       value.size() > start + most ? ".." : "");
  };
  return {part(a), part(b)};
}

std::string count(std::uint64_t number, std::string_view one) {
  return fmt::format("{} {}{}", number, one, number == 1 ? "" : "s");
}

std::string values_text(const std::vector<ValueChange>& values) {
  std::string text;
  for (const auto& [name, a, b] : values) {
    const auto [x, y] = shortened(a, b);
    const std::string change = b.empty() && name == "difference" ? a : fmt::format("{} {} -> {}", name, x, y);
    text += (text.empty() ? "" : ", ") + change;
  }
  return text;
}

// A checksum follows from the rest, so it is told of only when it is all there is.
std::string structure_text(const StructureChange& structure) {
  constexpr std::size_t kMost = 6;
  std::string text = structure.name + ":";
  std::size_t told = 0, left = 0;
  for (const FieldChange& field : structure.fields) {
    if (field.field.find("Checksum") != std::string::npos && structure.fields.size() > 1) continue;
    if (told == kMost) {
      ++left;
      continue;
    }
    text += fmt::format("{} {} (+{}) {} -> {}", told++ > 0 ? "," : "", field.field, field.offset, field.a,
                        field.b);
  }
  return left > 0 ? fmt::format("{}, and {} more", text, count(left, "field")) : text;
}

std::string where(const Difference& difference, std::uint64_t offset) {
  if (difference.category == "memory") return fmt::format("{:#x}", difference.range_a->start + offset);
  return fmt::format("+{}", offset);
}

void add_memory(const Difference& difference, const std::array<std::string, 2>& files,
                std::vector<std::string>& parts) {
  const MemoryDifference& memory = *difference.memory;
  if (memory.bytes > 0) {
    // Of a region that grows or shrinks, only what both have was compared.
    const bool resized =
        difference.range_a && difference.range_b && difference.range_a->size() != difference.range_b->size();
    std::string bytes = count(memory.bytes, "byte");
    if (resized)
      bytes = memory.compared == 1 ? "the first byte"
                                   : fmt::format("{} of the first {} bytes", memory.bytes, memory.compared);
    const std::string pages = memory.pages > 1 ? fmt::format(" in {} pages", memory.pages) : "";
    parts.push_back(fmt::format("{}{} {}", bytes, pages, memory.bytes == 1 ? "differs" : "differ"));
  }
  if (difference.structure && !difference.structure->fields.empty())
    parts.push_back(structure_text(*difference.structure));
  else if (memory.first && difference.excerpt)
    parts.push_back(fmt::format("first at {}: {} -> {}", where(difference, *memory.first),
                                difference.excerpt->a, difference.excerpt->b));
  for (const auto& [pages, file] : {std::pair(memory.only_a, &files[0]), std::pair(memory.only_b, &files[1])})
    if (pages > 0)
      parts.push_back(fmt::format(
          "{} of zeroes only in {}, first at {}: where it has RAM, the guest finds zeroes either way",
          count(pages, "page"), *file, where(difference, *memory.first_only)));
  for (const KindChange& kind : memory.kinds)
    parts.push_back(fmt::format("{} {} -> {}, first at {}", count(kind.pages, "page"), kind.a, kind.b,
                                where(difference, kind.first)));
}

std::string name_of(const Difference& difference) {
  const auto& range = difference.range_a ? difference.range_a : difference.range_b;
  if (difference.category == "region") return fmt::format("region '{}' {:#x}", difference.name, range->start);
  if (difference.category == "memory")
    return fmt::format("memory {:#x}-{:#x}{}", range->start, range->last(),
                       difference.name.empty() ? "" : " (" + difference.name + ")");
  return difference.name;
}

std::string operations_text(const DigestDifference& digest) {
  const std::string total = digest.operations_a == digest.operations_b
                                ? fmt::format("{}", digest.operations_a)
                                : fmt::format("{} and {}", digest.operations_a, digest.operations_b);
  std::string text = fmt::format("operation {} of {}: ", *digest.parts_at, total);
  if (digest.operation_a == digest.operation_b) return text + digest.operation_a;
  const auto side = [](const std::string& operation) {
    return operation.empty() ? "none is left" : operation;
  };
  return text + side(digest.operation_a) + " -> " + side(digest.operation_b);
}

std::string digest_text(const DigestDifference& digest) {
  const std::string_view platform = launch_platform_name(digest.platform);
  if (!digest.parts_at) return digest.a.text() + ": the digest is the same\n";
  return fmt::format("{} digest parts at {}\n  {} {} -> {}\n", platform, operations_text(digest),
                     digest_algorithm(digest.platform), to_hex(digest.a.value), to_hex(digest.b.value));
}

}  // namespace

std::string difference_text(const Difference& difference, const std::array<std::string, 2>& files) {
  std::vector<std::string> parts;
  const auto& a = difference.range_a;
  const auto& b = difference.range_b;
  if (difference.kind != Kind::changed) {
    const std::string& file = files[difference.kind == Kind::only_a ? 0 : 1];
    const std::string size = difference.category == "region" ? ", " + count((a ? a : b)->size(), "byte") : "";
    parts.push_back(fmt::format("only in {}{}", file, size));
  } else if (!difference.values.empty()) {
    parts.push_back(values_text(difference.values));
  }
  if (a && b && a->start != b->start) parts.push_back(fmt::format("moved to {:#x}", b->start));
  if (a && b && a->size() != b->size())
    parts.push_back(fmt::format("resized from {} to {}, {} {}", a->size(), count(b->size(), "byte"),
                                a->size() < b->size() ? b->size() - a->size() : a->size() - b->size(),
                                a->size() < b->size() ? "more" : "fewer"));
  if (difference.memory) add_memory(difference, files, parts);
  if (difference.memory && !difference.memory->any())
    parts.emplace_back(a->size() == b->size() ? "its contents are the same"
                                              : "its contents are the same as far as both go");
  std::string text = name_of(difference) + ": ";
  for (const std::string& part : parts) text += (&part == &parts[0] ? "" : "; ") + part;
  return text;
}

std::string render_text(const DiffReport& report) {
  std::string text;
  for (const Difference& difference : report.differences) {
    text += difference_text(difference, report.files);
    if (!difference.digests.empty()) text += "; " + difference.digests;
    text += "\n";
  }
  for (const DigestDifference& digest : report.digests) text += digest_text(digest);
  for (const std::string& note : report.notes) text += note + "\n";
  if (report.equal()) text += fmt::format("{} and {} do not differ\n", report.files[0], report.files[1]);
  return text;
}

}  // namespace tintype
