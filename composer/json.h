// JSON as values: what reports are printed as, and what manifests are read as.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "composer/text_output.h"
#include "formats/result.h"
#include "formats/wire.h"

namespace tintype {

// One value. Objects keep the order in which their members were added. `Json json = {{"name", x}, ...}` is an
// object; Json::array() starts a list.
class Json {
 public:
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;
  using Array = std::vector<Json>;

  Json() = default;  // null
  Json(std::string text) : value_(std::move(text)) {}
  Json(std::string_view text) : value_(std::string(text)) {}
  Json(const char* text) : value_(std::string(text)) {}
  template <typename T>
  requires std::is_arithmetic_v<T> Json(T value) {
    if constexpr (std::is_same_v<T, bool>)
      value_ = value;
    else if constexpr (std::is_floating_point_v<T>)
      value_ = static_cast<double>(value);
    else if (value < T{0})
      value_ = static_cast<std::int64_t>(value);
    else
      value_ = static_cast<std::uint64_t>(value);
  }
  Json(std::initializer_list<Member> members);
  Json(const std::vector<std::string>& texts);
  static Json array() { return Json(std::in_place_type<Array>); }
  static Json object() { return Json(std::in_place_type<Object>); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  // The value, if it is of this kind; pointers belong to this.
  std::optional<bool> boolean() const;
  std::optional<std::uint64_t> number() const;  // without sign or fraction
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  const Array* elements() const { return std::get_if<Array>(&value_); }
  const Object* members() const { return std::get_if<Object>(&value_); }
  // A member of an object; null if this is none or has none of the name.
  const Json* find(std::string_view name) const;

  // The member of that name, added if there is none. This is an object, or null and becomes one.
  Json& operator[](std::string_view name);
  // Adds to a list. This is one.
  void push_back(Json element);

  bool operator==(const Json&) const = default;

 private:
  friend struct JsonText;
  template <typename T>
  explicit Json(std::in_place_type_t<T> type) : value_(type) {}
  std::variant<std::monostate, bool, std::uint64_t, std::int64_t, double, std::string, Array, Object> value_;
};

// Indented by two, with a line feed at the end. Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const Json& json);
// The same on one line.
std::string json_line(const Json& json);

// Gives an object to `output` member by member, with the bytes of json_text(): for lists that would be
// gigabytes as values all at once.
class JsonObjectText {
 public:
  explicit JsonObjectText(const TextOutput& output) : output_(output) {}
  void member(std::string_view name, const Json& value);
  // A list of what `json_of` makes of each element.
  template <typename T, typename F>
  void list(std::string_view name, const std::vector<T>& elements, F json_of) {
    start(name);
    bool first = true;
    for (const T& element : elements) {
      this->element(json_of(element), first);
      first = false;
    }
    output_(first ? "[]" : "\n  ]");
  }
  // Call once, after at least one member.
  void finish() { output_("\n}\n"); }

 private:
  void start(std::string_view name);
  void element(const Json& json, bool first);
  const TextOutput& output_;
  bool first_ = true;
};

// What is read: the deepest nesting, and the most members of one object.
inline constexpr unsigned kMaxJsonDepth = 64;
inline constexpr unsigned kMaxJsonMembers = 1024;

// Reads a whole JSON text. Errors: not JSON, with the offset at which it stops being that; more than the
// above; a member twice.
Result<Json> parse_json(Bytes text);

}  // namespace tintype
