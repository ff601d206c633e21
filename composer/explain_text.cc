#include <algorithm>

#include "composer/explain.h"
#include "formats/digest.h"

namespace tintype {

namespace {

using Kind = LaunchOperation::Kind;

// Operations that follow each other in a launch and alike enough for one line: [first, last].
struct Line {
  std::size_t first = 0, last = 0;
  std::uint64_t gpa = 0, end = 0;  // of the pages it is about
};

class Lines {
 public:
  Lines(const Launch& launch, const std::optional<Machine>& machine, bool pages)
      : launch_(launch), machine_(machine), pages_(pages) {}

  std::vector<Line> fold() const {
    std::vector<Line> lines;
    for (std::size_t i = 0; i < launch_.operations.size(); ++i) {
      const GpaRange page = launch_.page_of(launch_.operations[i]).value_or(GpaRange{0, 0});
      if (!lines.empty() && continues(lines.back(), i, page)) {
        lines.back().last = i;
        lines.back().end = page.end;
      } else {
        lines.push_back({i, i, page.start, page.end});
      }
    }
    return lines;
  }

 private:
  // The TDX module is told of a page twice, and both belong together.
  bool continues(const Line& line, std::size_t next, GpaRange page) const {
    const LaunchOperation& a = launch_.operations[line.last];
    const LaunchOperation& b = launch_.operations[next];
    const auto last = launch_.page_of(a);
    if (pages_ || !last || page.empty() || launch_.kind_of(a) != launch_.kind_of(b)) return false;
    const bool same_page = page.start == last->start && a.kind == Kind::add && b.kind == Kind::extend;
    if (!same_page && page.start != last->end) return false;
    return region_names(machine_, *last) == region_names(machine_, page);
  }

  const Launch& launch_;
  const std::optional<Machine>& machine_;
  bool pages_;
};

// Of everything that the operations of a line take in, one after the other.
template <typename Stream, typename Finish>
std::string contents_of(const Launch& launch, const Line& line, Finish finish) {
  Stream stream;
  bool any = false;
  for (std::size_t i = line.first; i <= line.last; ++i) {
    const Bytes contents = launch.contents_of(launch.operations[i]);
    stream.update(contents);
    any = any || !contents.empty();
  }
  return any ? to_hex(finish(stream)) : "-";
}

std::string contents_of(const Launch& launch, const Line& line) {
  if (digest_algorithm(launch.platform) == "sha384")
    return contents_of<Sha384Stream>(launch, line, [](Sha384Stream& stream) { return stream.digest(); });
  return contents_of<Sha256Stream>(launch, line, [](Sha256Stream& stream) { return stream.finish(); });
}

// What the operations of a line are: "page", or on TDX "page add" and "page extend" or both.
std::string kind_text(const Launch& launch, const Line& line) {
  std::string text(launch.kind_of(launch.operations[line.first]));
  bool add = false, extend = false;
  for (std::size_t i = line.first; i <= line.last && !(add && extend); ++i) {
    add = add || launch.operations[i].kind == Kind::add;
    extend = extend || launch.operations[i].kind == Kind::extend;
  }
  if (add) text += ", add";
  if (extend) text += ", extend";
  return text;
}

struct Row {
  std::string number, memory, pages, kind, contents, digest, subject;
};

std::string shortened(std::string hex, bool pages) {
  constexpr std::size_t kShown = 16;
  return pages || hex.size() <= kShown ? hex : hex.substr(0, kShown);
}

Row row_of(const Launch& launch, const std::optional<Machine>& machine, const Line& line, bool pages) {
  const LaunchOperation& first = launch.operations[line.first];
  const bool page = launch.page_of(first).has_value();
  const std::string names = page ? joined(region_names(machine, *launch.page_of(first))) : "";
  const std::string detail = launch.detail_of(first);
  return {.number = line.first == line.last ? fmt::format("{}", line.first + 1)
                                            : fmt::format("{}-{}", line.first + 1, line.last + 1),
          .memory = page ? fmt::format("{:#x}-{:#x}", line.gpa, line.end - 1) : "-",
          .pages = page ? fmt::format("{}", pages_of(line.end - line.gpa)) : "-",
          .kind = kind_text(launch, line),
          .contents = shortened(contents_of(launch, line), pages),
          .digest = shortened(to_hex(launch.digest_after(launch.operations[line.last])), pages),
          .subject = names.empty() && detail.empty()
                         ? "-"
                         : names + (names.empty() || detail.empty() ? "" : " ") + detail};
}

std::string table(const std::vector<Row>& rows) {
  std::string Row::*const columns[] = {&Row::number, &Row::memory,   &Row::pages,
                                       &Row::kind,   &Row::contents, &Row::digest};
  std::array<std::size_t, std::size(columns)> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], (row.*columns[i]).size());
  std::string text;
  for (const Row& row : rows) {
    text += "  ";
    for (std::size_t i = 0; i < widths.size(); ++i)
      text += fmt::format("{:<{}}  ", row.*columns[i], widths[i]);
    text += row.subject + "\n";
  }
  return text;
}

std::string operations_text(const Launch& launch, const std::optional<Machine>& machine, bool pages) {
  std::vector<Row> rows = {{"operation", "guest memory", "pages", "kind",
                            fmt::format("{} of contents", digest_algorithm(launch.platform)),
                            "digest after it", "what"}};
  for (const Line& line : Lines(launch, machine, pages).fold())
    rows.push_back(row_of(launch, machine, line, pages));
  return table(rows);
}

std::string fields_text(const std::vector<FieldReport>& fields) {
  std::size_t width = 0;
  for (const FieldReport& field : fields) width = std::max(width, field.field.size());
  std::string text;
  for (const FieldReport& field : fields)
    text += fmt::format("  {:<{}}  {:<10}  {}{}\n", field.field, width, coverage_name(field.coverage),
                        field.why, field.source.empty() ? "" : " [" + field.source + "]");
  return text;
}

std::string launch_text(const LaunchReport& report, const std::optional<Machine>& machine, bool pages) {
  const Launch& launch = report.launch;
  std::string text = fmt::format(
      "\n{}\n\noperations: {}{}\n{}", launch.digest.text(), launch.operations.size(),
      pages ? ""
            : "; pages alike share a line, and digests are cut to 16 digits (--pages: a line each, in full)",
      operations_text(launch, machine, pages));
  if (launch.assumption) text += "\nnote: " + *launch.assumption + "\n";
  return text +
         fmt::format("\nwhat the {} digest says of what the guest or a verifier sees\n",
                     launch_platform_name(launch.platform)) +
         fields_text(report.fields);
}

}  // namespace

std::string render_text(const ExplainReport& report, bool pages) {
  std::string text = report.file + "\n";
  for (const LaunchReport& launch : report.launches) text += launch_text(launch, report.machine, pages);
  return text;
}

}  // namespace tintype
