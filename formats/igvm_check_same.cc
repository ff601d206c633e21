// Whether two IGVM files mean the same.
#include <algorithm>
#include <cstring>

#include "formats/igvm_read_rules.h"

namespace tintype::igvm {

namespace {

// Goes through directives, runs of pages in as small steps as asked for.
class Cursor {
 public:
  explicit Cursor(const std::vector<Directive>& directives) : directives_(directives) { skip_empty(); }

  bool done() const { return index_ == directives_.size(); }
  std::size_t index() const { return index_; }
  const Directive& directive() const { return directives_[index_]; }
  const PageRun* run() const { return done() ? nullptr : std::get_if<PageRun>(&directive()); }

  // Of the run at hand: pages that are left, the address of the next, and the data of the next `pages`.
  std::uint64_t pages_left() const { return run()->pages - page_; }
  std::uint64_t gpa() const { return run()->gpa + page_ * run()->step(); }
  Bytes data(std::uint64_t pages) const {
    return run()->data.empty() ? Bytes() : run()->data.subspan(page_ * kPageSize, pages * kPageSize);
  }

  void advance(std::uint64_t pages) {
    page_ += pages;
    if (page_ == run()->pages) next();
  }
  void next() {
    page_ = 0;
    ++index_;
    skip_empty();
  }

 private:
  void skip_empty() {
    while (run() != nullptr && run()->pages == 0) ++index_;
  }

  const std::vector<Directive>& directives_;
  std::size_t index_ = 0;
  std::uint64_t page_ = 0;
};

// A run made by hand may hold other than 4096 bytes a page, which is no run to compare.
Result<void> whole(const PageRun& run) {
  if (run.data.empty() || (run.data.size() % kPageSize == 0 && run.data.size() / kPageSize == run.pages))
    return {};
  return fail("{} pages at {:#x} have {} bytes of data", run.pages, run.gpa, run.data.size());
}

Result<void> same_data(std::uint64_t gpa, std::uint64_t step, Bytes a, Bytes b) {
  if (a.empty() != b.empty())
    return fail("the page at {:#x} has data in one file and is left to zeroes in the other", gpa);
  if (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0) return {};
  const auto at = std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin();
  const std::uint64_t byte = static_cast<std::uint64_t>(at);
  return fail("the page at {:#x} differs in byte {:#x}", gpa + byte / kPageSize * step, byte % kPageSize);
}

Result<void> same_pages(Cursor& a, Cursor& b) {
  TRY(whole(*a.run()));
  TRY(whole(*b.run()));
  const PageRun& x = *a.run();
  const PageRun& y = *b.run();
  if (a.gpa() != b.gpa())
    return fail("a page is at {:#x} in one file and at {:#x} in the other", a.gpa(), b.gpa());
  if (x.compatibility_mask != y.compatibility_mask)
    return fail("the page at {:#x} has compatibility mask {:#x} in one file and {:#x} in the other", a.gpa(),
                x.compatibility_mask, y.compatibility_mask);
  if (x.flags != y.flags || x.data_type != y.data_type || x.reserved != y.reserved)
    return fail(
        "the page at {:#x} has flags {:#x} and type {} in one file, flags {:#x} and type {} in the other",
        a.gpa(), x.flags, x.data_type, y.flags, y.data_type);
  const std::uint64_t pages = std::min(a.pages_left(), b.pages_left());
  TRY(same_data(a.gpa(), x.step(), a.data(pages), b.data(pages)));
  a.advance(pages);
  b.advance(pages);
  return {};
}

bool equal(Bytes a, Bytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool equal(const ParameterArea& a, const ParameterArea& b) {
  return a.number_of_bytes == b.number_of_bytes && a.parameter_area_index == b.parameter_area_index &&
         equal(a.initial, b.initial);
}

bool equal(const Parameter& a, const Parameter& b) {
  return a.type == b.type && a.header == b.header;
}

bool equal(const VpContext& a, const VpContext& b) {
  return a.kind == b.kind && a.gpa == b.gpa && a.compatibility_mask == b.compatibility_mask &&
         a.vp_index == b.vp_index && a.reserved == b.reserved && a.padding == b.padding &&
         equal(a.data, b.data);
}

bool equal(const PageRun&, const PageRun&) {
  return false;
}  // same_pages() compares these

template <typename T>
bool equal(const T& a, const T& b) {
  return a == b;
}

bool equal(const Directive& a, const Directive& b) {
  if (a.index() != b.index()) return false;
  return std::visit([&b]<typename T>(const T& x) { return equal(x, std::get<T>(b)); }, a);
}

Result<void> same_directives(const std::vector<Directive>& a_list, const std::vector<Directive>& b_list) {
  Cursor a(a_list);
  Cursor b(b_list);
  while (!a.done() && !b.done()) {
    if (a.run() != nullptr && b.run() != nullptr) {
      TRY(same_pages(a, b));
      continue;
    }
    const std::string_view x = header_name(type_of(a.directive()));
    const std::string_view y = header_name(type_of(b.directive()));
    if (x != y)
      return fail("directive {} is {} in one file, directive {} is {} in the other", a.index(), x, b.index(),
                  y);
    if (!equal(a.directive(), b.directive())) return fail("directive {}, {}, differs", a.index(), x);
    a.next();
    b.next();
  }
  if (!a.done() || !b.done())
    return fail("one file has more directives than the other: {} comes after the last",
                header_name(type_of(a.done() ? b.directive() : a.directive())));
  return {};
}

template <typename T>
Result<void> same_headers(std::string_view what, const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size())
    return fail("one file has {} {} headers and the other {}", a.size(), what, b.size());
  const auto at = std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin();
  if (static_cast<std::size_t>(at) != a.size()) return fail("{} header {} differs", what, at);
  return {};
}

}  // namespace

Result<void> same(const File& a, const File& b) {
  if (a.format_version != b.format_version)
    return fail("one file has format version {} and the other {}", a.format_version, b.format_version);
  if (a.arch != b.arch)
    return fail("one file is for {} and the other for {}", arch_name(a.arch), arch_name(b.arch));
  TRY(same_headers("platform", a.platforms, b.platforms));
  TRY(same_headers("initialization", a.initializations, b.initializations));
  return same_directives(a.directives, b.directives);
}

}  // namespace tintype::igvm
