// Errors as values: one sentence for the user, where it happened, and what was being done.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tintype {

// What went wrong, in the user's words. `what` names the thing, both numbers where there are two, and the way
// out.
struct Error {
  std::string what;
  std::optional<std::uint64_t> offset = std::nullopt;  // byte offset in the file being read, if any
  std::string context = {};                            // "vmlinuz: setup header", outermost first

  // "context: what (at file offset 0x1f1)"
  std::string message() const {
    std::string text = context.empty() ? what : context + ": " + what;
    if (offset) text += fmt::format(" (at file offset {:#x})", *offset);
    return text;
  }
};

template <typename T>
using Result = tl::expected<T, Error>;

// A failed Result of any type: `return fail("region '{}' ...", name);`
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail(fmt::format_string<Args...> text, Args&&... args) {
  return tl::unexpected<Error>(Error{.what = fmt::format(text, std::forward<Args>(args)...)});
}

// The same with the byte offset in the input at which it went wrong.
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail_at(std::uint64_t offset, fmt::format_string<Args...> text,
                                            Args&&... args) {
  return tl::unexpected<Error>(
      Error{.what = fmt::format(text, std::forward<Args>(args)...), .offset = offset});
}

// Prepends `context` to the error of `result`, if it holds one whose context is another.
template <typename T>
Result<T> with_context(Result<T> result, std::string context) {
  if (!result && result.error().context != context) {
    Error& error = result.error();
    error.context = error.context.empty() ? std::move(context) : context + ": " + error.context;
  }
  return result;
}

// Moves the offset of an error in a part of the input that starts at `base` to where it is in the input.
template <typename T>
Result<T> with_base(Result<T> result, std::uint64_t base) {
  if (!result && result.error().offset) *result.error().offset += base;
  return result;
}

namespace internal {
template <typename T>
T take(Result<T>&& result) {
  return std::move(*result);
}
inline void take(Result<void>&&) {}
}  // namespace internal

// The value of a Result, or return its error from the enclosing function. A GNU statement expression, which
// both supported compilers have: the alternative is a named temporary and an `if` at each of some hundred
// call sites.
#define TINTYPE_TRY_(name, expression)                                             \
  __extension__({                                                                  \
    auto name = (expression);                                                      \
    if (!name) return ::tl::unexpected<::tintype::Error>(std::move(name).error()); \
    ::tintype::internal::take(std::move(name));                                    \
  })
#define TINTYPE_TRY_NAME_(counter, expression) TINTYPE_TRY_(try_result_##counter, expression)
#define TINTYPE_TRY_COUNTED_(counter, expression) TINTYPE_TRY_NAME_(counter, expression)
#define TRY(expression) TINTYPE_TRY_COUNTED_(__COUNTER__, expression)

}  // namespace tintype
