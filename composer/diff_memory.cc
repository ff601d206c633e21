#include "composer/diff_memory.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

namespace tintype {

namespace {

// A page of 2 MiB has 4096 bytes in the file.
void add_run(const igvm::PageRun& run, std::vector<MemoryExtent>& extents) {
  const std::uint64_t first = run.gpa / kPageSize;
  if (run.step() == kPageSize) {
    if (run.pages > 0) extents.push_back({first, run.pages, igvm::page_kind_name(run), run.data});
    return;
  }
  const std::uint64_t large = run.step() / kPageSize;
  for (std::uint64_t i = 0; i < run.pages; ++i) {
    const Bytes data = run.data.empty() ? Bytes() : run.data.subspan(i * kPageSize, kPageSize);
    extents.push_back({first + i * large, 1, igvm::page_kind_name(run), data});
    extents.push_back({first + i * large + 1, large - 1, igvm::page_kind_name(run), {}});
  }
}

// Sorted, and of what overlaps the first.
std::vector<MemoryExtent> disjoint(std::vector<MemoryExtent> extents) {
  std::stable_sort(extents.begin(), extents.end(),
                   [](const MemoryExtent& a, const MemoryExtent& b) { return a.page < b.page; });
  std::vector<MemoryExtent> kept;
  std::uint64_t end = 0;
  for (MemoryExtent& extent : extents) {
    if (extent.end() <= end) continue;
    if (extent.page < end) {
      const std::uint64_t covered = end - extent.page;
      if (!extent.data.empty()) extent.data = extent.data.subspan(covered * kPageSize);
      extent.pages -= covered;
      extent.page = end;
    }
    end = extent.end();
    kept.push_back(extent);
  }
  return kept;
}

// Goes through a piece of memory in steps within which nothing changes but the bytes.
class Walk {
 public:
  Walk(const MemoryView& view, std::uint64_t start)
      : extents_(view.extents()), gpa_(start), next_(first_after(start)) {}

  const MemoryExtent* extent() const {
    return next_ != extents_.end() && next_->page <= gpa_ / kPageSize ? &*next_ : nullptr;
  }
  // Bytes up to where the extent, or the gap, ends.
  std::uint64_t left() const {
    if (next_ == extents_.end()) return ~std::uint64_t{0};
    const std::uint64_t boundary = extent() ? next_->end() : next_->page;
    // In pages as far as possible: the last page of 2^64 bytes ends where no address is.
    return (boundary - gpa_ / kPageSize) > kHuge
               ? kHuge * kPageSize
               : (boundary - gpa_ / kPageSize) * kPageSize - gpa_ % kPageSize;
  }
  // The extent's data from here, if it has any.
  Bytes data(std::uint64_t size) const {
    const MemoryExtent* at = extent();
    if (!at || at->data.empty()) return {};
    return at->data.subspan(gpa_ - at->page * kPageSize, size);
  }
  void advance(std::uint64_t size) {
    gpa_ += size;
    if (next_ != extents_.end() && next_->end() <= gpa_ / kPageSize) ++next_;
  }

 private:
  static constexpr std::uint64_t kHuge = std::uint64_t{1} << 50;
  std::vector<MemoryExtent>::const_iterator first_after(std::uint64_t gpa) const {
    return std::lower_bound(
        extents_.begin(), extents_.end(), gpa / kPageSize,
        [](const MemoryExtent& extent, std::uint64_t page) { return extent.end() <= page; });
  }

  const std::vector<MemoryExtent>& extents_;
  std::uint64_t gpa_;
  std::vector<MemoryExtent>::const_iterator next_;
};

constexpr std::array<std::uint8_t, kPageSize> kZeroes{};

// Whether the host or its firmware decides what the guest finds there, so that no file says it.
bool filled_in(const MemoryExtent* extent) {
  return extent && (extent->kind == "parameter" || extent->kind == "secrets");
}

class Comparison {
 public:
  Comparison(std::uint64_t start, std::uint64_t size) : start_(start) { result_.compared = size; }

  void kinds(const MemoryExtent* a, const MemoryExtent* b, std::uint64_t at, std::uint64_t size) {
    if (!a && !b) return;
    const std::string_view x = a ? a->kind : "absent";
    const std::string_view y = b ? b->kind : "absent";
    if (x == y) return;
    const MemoryExtent& one = a ? *a : *b;
    if ((!a || !b) && one.kind == "normal") {
      if (!one.data.empty()) return;  // its bytes are compared with zeroes
      (a ? result_.only_a : result_.only_b) += new_pages(at, size, a ? last_only_a_ : last_only_b_);
      if (!result_.first_only) result_.first_only = at;
      return;
    }
    // There are few kinds, so there are few pairs.
    const auto known = std::find_if(result_.kinds.begin(), result_.kinds.end(),
                                    [&](const KindChange& kind) { return kind.a == x && kind.b == y; });
    const auto index = static_cast<std::size_t>(known - result_.kinds.begin());
    if (known == result_.kinds.end()) {
      result_.kinds.push_back({.a = x, .b = y, .pages = 0, .first = at});
      last_of_kind_.push_back(kNoPage);
    }
    result_.kinds[index].pages += new_pages(at, size, last_of_kind_[index]);
  }

  // In pieces that end where a guest page does.
  void bytes(Bytes a, Bytes b, std::uint64_t at, std::uint64_t size) {
    if (a.empty() && b.empty()) return;
    if (!a.empty() && !b.empty() && std::memcmp(a.data(), b.data(), size) == 0) return;
    for (std::uint64_t done = 0; done < size;) {
      const std::uint64_t page_left = kPageSize - (start_ + at + done) % kPageSize;
      const std::uint64_t piece = std::min(size - done, page_left);
      const std::uint8_t* x = a.empty() ? kZeroes.data() : a.data() + done;
      const std::uint8_t* y = b.empty() ? kZeroes.data() : b.data() + done;
      if (std::memcmp(x, y, piece) != 0) count(x, y, at + done, piece);
      done += piece;
    }
  }

  MemoryDifference finish() const { return result_; }

 private:
  void count(const std::uint8_t* a, const std::uint8_t* b, std::uint64_t at, std::uint64_t size) {
    std::uint64_t differing = 0;
    for (std::uint64_t i = 0; i < size; ++i) differing += a[i] != b[i] ? 1 : 0;
    if (!result_.first)
      result_.first = at + static_cast<std::uint64_t>(std::mismatch(a, a + size, b).first - a);
    result_.bytes += differing;
    result_.pages += new_pages(at, size, last_page_);
  }

  // How many pages [at, at + size) touches besides the last one that was counted: what lies differently in
  // its pages in the two files comes in parts of a page.
  std::uint64_t new_pages(std::uint64_t at, std::uint64_t size, std::uint64_t& last) const {
    const std::uint64_t page = (start_ + at) / kPageSize;
    const std::uint64_t touched = pages_of((start_ + at) % kPageSize + size);
    const std::uint64_t counted = page == last ? 1 : 0;
    last = page + touched - 1;
    return touched - counted;
  }

  static constexpr std::uint64_t kNoPage = ~std::uint64_t{0};  // a number that no page has
  std::uint64_t start_;
  std::uint64_t last_page_ = kNoPage, last_only_a_ = kNoPage, last_only_b_ = kNoPage;
  std::vector<std::uint64_t> last_of_kind_;  // by the index of the pair of kinds
  MemoryDifference result_;
};

bool is_space(std::uint8_t byte) {
  return byte == ' ' || byte == '\t' || byte == '\n';
}
bool is_word(std::uint8_t byte) {
  return byte > 0x20 && byte < 0x7F;
}
bool is_text(std::uint8_t byte) {
  return is_word(byte) || is_space(byte);
}

std::string quoted(Bytes bytes) {
  std::string text = "\"";
  for (const std::uint8_t byte : bytes) {
    if (byte == '"' || byte == '\\') text += '\\';
    if (byte == '\n' || byte == '\t')
      text += byte == '\n' ? "\\n" : "\\t";
    else
      text += static_cast<char>(byte);
  }
  return text + "\"";
}

std::string hexadecimal(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{}{:02x}", text.empty() ? "" : " ", byte);
  return text;
}

// A piece of text around a difference. Its start is the same in both files.
struct Words {
  Bytes bytes;        // what it is a piece of
  std::size_t limit;  // it goes no further than this
  std::size_t start = 0, end = 0;

  Bytes piece() const { return bytes.subspan(start, end - start); }
  bool goes_on() const { return end < bytes.size() && is_word(bytes[end]); }

  void add_word() {
    while (end < bytes.size() && end < limit && is_word(bytes[end])) ++end;
  }
  void add_spaces_and_word() {
    while (end < bytes.size() && end < limit && is_space(bytes[end])) ++end;
    add_word();
  }
  // As far as to `word`, if it comes later: then it is not gone, but something came before it.
  void add_words_to(Bytes word) {
    for (Words more = *this;;) {
      const std::size_t before = more.end;
      more.add_spaces_and_word();
      if (more.end == before || more.goes_on()) return;
      std::size_t first = before;
      while (first < more.end && is_space(bytes[first])) ++first;
      const Bytes found = bytes.subspan(first, more.end - first);
      if (!std::equal(found.begin(), found.end(), word.begin(), word.end())) continue;
      end = more.end;
      return;
    }
  }

  // A NUL may end text, or what `bytes` are a piece of. Anything else that is no text means that it is none,
  // and so does too little of it.
  bool ends_as_text() const { return end >= bytes.size() || is_text(bytes[end]) || bytes[end] == 0; }
  bool is_long_enough() const {
    constexpr std::ptrdiff_t kShortest = 3;
    std::size_t first = start, last = end;
    while (first > 0 && is_text(bytes[first - 1])) --first;
    while (last < bytes.size() && is_text(bytes[last])) ++last;
    const Bytes text = bytes.subspan(first, last - first);
    return std::count_if(text.begin(), text.end(), is_word) >= kShortest;
  }

  // With marks where a word goes on.
  std::string text() const {
    return fmt::format("{}{}{}", start > 0 && is_word(bytes[start - 1]) ? ".." : "", quoted(piece()),
                       goes_on() ? ".." : "");
  }
};

// The words of both that differ at `at`; where they differ in spaces, or in that one of them ends, also the
// word before. So each side has its byte at `at` in it, unless the text ends there.
std::array<Words, 2> words_around(Bytes a, Bytes b, std::size_t at) {
  constexpr std::size_t kMostBefore = 32, kMostAfter = 48;
  std::size_t start = at;
  const auto go_back = [&](auto over) {
    while (start > 0 && at - start < kMostBefore && over(a[start - 1])) --start;
  };
  go_back(is_word);
  const bool word_a = is_word(a[at]), word_b = is_word(b[at]);
  const bool other_word = start < at ? word_a || word_b : word_a && word_b;
  if (!other_word && start == at) {
    go_back(is_space);
    go_back(is_word);
  }
  Words x{a, at + kMostAfter, start, at}, y{b, at + kMostAfter, start, at};
  if (!other_word) {
    x.add_spaces_and_word();
    y.add_spaces_and_word();
    return {x, y};
  }
  x.add_word();
  y.add_word();
  const Bytes word_of_a = x.piece(), word_of_b = y.piece();
  const bool cut_a = x.goes_on(), cut_b = y.goes_on();
  if (!cut_b) x.add_words_to(word_of_b);
  if (!cut_a) y.add_words_to(word_of_a);
  return {x, y};
}

}  // namespace

MemoryView::MemoryView(const igvm::File& file, std::uint32_t mask) {
  std::map<std::uint32_t, const igvm::ParameterArea*> areas;
  std::vector<MemoryExtent> extents;
  for (const igvm::Directive& directive : file.directives) {
    if (const auto* run = std::get_if<igvm::PageRun>(&directive)) {
      if ((run->compatibility_mask & mask) != 0) add_run(*run, extents);
    } else if (const auto* area = std::get_if<igvm::ParameterArea>(&directive)) {
      areas[area->parameter_area_index] = area;
    } else if (const auto* insert = std::get_if<IGVM_VHS_PARAMETER_INSERT>(&directive)) {
      const auto inserted = areas.find(insert->parameter_area_index);
      if ((insert->compatibility_mask & mask) == 0 || inserted == areas.end()) continue;
      if (const std::uint64_t pages = inserted->second->number_of_bytes / kPageSize; pages > 0)
        extents.push_back({insert->gpa / kPageSize, pages, "parameter", inserted->second->initial});
    } else if (const auto* error = std::get_if<IGVM_VHS_ERROR_RANGE>(&directive)) {
      if ((error->compatibility_mask & mask) != 0 && error->size_bytes > 0u)
        extents.push_back({error->gpa / kPageSize, pages_of(error->size_bytes), "error range", {}});
    }
  }
  extents_ = disjoint(std::move(extents));
}

std::vector<std::uint8_t> MemoryView::read(std::uint64_t gpa, std::uint64_t size) const {
  std::vector<std::uint8_t> bytes(size, 0);
  Walk walk(*this, gpa);
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t piece = std::min(size - done, walk.left());
    const Bytes data = walk.data(piece);
    if (!data.empty()) std::memcpy(bytes.data() + done, data.data(), piece);
    walk.advance(piece);
    done += piece;
  }
  return bytes;
}

std::string_view MemoryView::kind_in(GpaRange range) const {
  const auto extent = std::lower_bound(
      extents_.begin(), extents_.end(), range.start / kPageSize,
      [](const MemoryExtent& candidate, std::uint64_t page) { return candidate.end() <= page; });
  if (extent == extents_.end() || range.empty() || extent->page > range.last() / kPageSize) return {};
  return extent->kind;
}

MemoryDifference compare_memory(const MemoryView& a, std::uint64_t a_start, const MemoryView& b,
                                std::uint64_t b_start, std::uint64_t size) {
  Walk x(a, a_start);
  Walk y(b, b_start);
  Comparison comparison(a_start, size);
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t piece = std::min({size - done, x.left(), y.left()});
    comparison.kinds(x.extent(), y.extent(), done, piece);
    if (!filled_in(x.extent()) && !filled_in(y.extent()))
      comparison.bytes(x.data(piece), y.data(piece), done, piece);
    x.advance(piece);
    y.advance(piece);
    done += piece;
  }
  return comparison.finish();
}

Excerpt excerpt_of(Bytes a, Bytes b, std::size_t at) {
  const auto words = words_around(a, b, at);
  const auto& [x, y] = words;
  if (x.ends_as_text() && y.ends_as_text() && (x.is_long_enough() || y.is_long_enough()))
    return {x.text(), y.text(), true};
  constexpr std::size_t kMostBytes = 8;
  std::size_t count = 1;
  while (count < kMostBytes && at + count < a.size() && at + count < b.size() &&
         a[at + count] != b[at + count])
    ++count;
  return {hexadecimal(a.subspan(at, count)), hexadecimal(b.subspan(at, count)), false};
}

}  // namespace tintype
